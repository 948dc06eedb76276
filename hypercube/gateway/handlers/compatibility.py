"""Compatibility of two people, or of one with the best of a list."""

from collections.abc import Mapping
from dataclasses import replace

from hypercube.core.compatibility import Compatibility, CompatibilityRequest, Pair, PairError
from hypercube.core.cube import Call
from hypercube.core.errors import Failure, HyperCubeError, invalid
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import COMPATIBILITY, GatewayServices


async def compatibility(
    services: GatewayServices, request: CompatibilityRequest, unread: Mapping[int, Failure], call: Call
) -> Compatibility:
    """One pair, or the best of a list.

    Args:
        services: where the cube is.
        request: with those of `others` that could be read.
        unread: why the rest of `others` could not, by their place in the list as it was sent. They become row
            errors, and every index of the answer counts them.
        call: with its deadline.

    Raises:
        HyperCubeError: what is wrong with the request, with `first` or with `second`, naming the field as it stands
            in the request; the first of `unread` where nobody of the list could be read.
    """
    check_count(len(request.others) + len(unread), services.limits.max_births)
    if unread and not request.others:
        raise HyperCubeError.of(unread[min(unread)])
    async with within(call, services.clock):
        answer: Compatibility = await services.cubes.process(COMPATIBILITY, request, call)
    return _placed(answer, unread) if unread else answer


def check_count(count: int, limit: int) -> None:
    """Refuse a list over the limit, with the count."""
    if count > limit:
        raise invalid(
            f"others has {count:,} entries; at most {limit:,} fit in one request.",
            param="others",
            value=count,
            fix=f"Send at most {limit:,} in one request, and the rest in further ones.",
            limit=limit,
        )


def _placed(answer: Compatibility, unread: Mapping[int, Failure]) -> Compatibility:
    """The answer with the indices of the list as it was sent."""
    total = answer.compared + len(answer.errors) + len(unread)
    rows = [row for row in range(total) if row not in unread]
    errors = [PairError(rows[each.index], _moved(each, rows[each.index])) for each in answer.errors]
    errors += [PairError(row, failure) for row, failure in unread.items()]
    return replace(
        answer,
        pairs=tuple(_at(pair, rows[pair.index]) for pair in answer.pairs),
        errors=tuple(sorted(errors, key=lambda each: each.index)),
    )


def _at(pair: Pair, row: int) -> Pair:
    return replace(pair, index=row)


def _moved(row: PairError, index: int) -> Failure:
    """The failure with its row as it was sent: `others[3].birth`."""
    old, new = f"others[{row.index}]", f"others[{index}]"
    param = row.error.param
    return replace(row.error, param=new + param.removeprefix(old) if param is not None else new)
