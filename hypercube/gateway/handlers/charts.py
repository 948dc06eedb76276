"""Charts: one, or many in one request."""

from collections.abc import Sequence

from hypercube.core.chart import BirthInput, Chart, ChartResult, ChartsRequest, ChartsResponse
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError, invalid
from hypercube.core.everyday import EverydayChart, OneBirth
from hypercube.gateway.deadlines import in_time
from hypercube.gateway.services import SAJU, GatewayServices


async def chart(services: GatewayServices, birth: BirthInput, call: Call) -> Chart:
    """The chart of one birth: a batch of one.

    Raises:
        HyperCubeError: what is wrong with the birth, naming the field as it stands in the request.
    """
    (result,) = await _process(services, (birth,), call)
    return _chart(result)


def everyday(services: GatewayServices, birth: OneBirth, call: Call) -> EverydayChart | None:
    """The chart of an everyday birth, without waiting; None for a birth that `chart` must answer.

    Raises:
        HyperCubeError: the caller may not use the cube.
    """
    if call.deadline is not None and call.deadline <= services.clock():
        return None  # too late, which `chart` says
    found: EverydayChart | None = services.cubes.at_once(SAJU, birth, call)
    return found


def _chart(result: ChartResult) -> Chart:
    if result.error is not None:
        raise HyperCubeError.of(result.error)
    if result.chart is None:
        raise _broken_row()
    return result.chart


async def charts(
    services: GatewayServices, births: Sequence[BirthInput | Failure], call: Call
) -> list[ChartResult]:
    """One result for each birth, in the order given.

    A birth that could not even be read comes as a `Failure` whose `param` names its row; it is passed on as
    that row's error. The cube's own failures get their row here: `births[3].longitude`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for no birth or more than the limit.
    """
    check_count(len(births), services.limits.max_births)
    readable = [(row, birth) for row, birth in enumerate(births) if isinstance(birth, BirthInput)]
    results = [ChartResult(error=birth) if isinstance(birth, Failure) else None for birth in births]
    if readable:
        answered = await _process(services, tuple(birth for _, birth in readable), call)
        for (row, _), result in zip(readable, answered, strict=True):
            results[row] = result if result.error is None else _in_row(row, result.error)
    return [result for result in results if result is not None]


def check_count(count: int, limit: int) -> None:
    """Refuse an empty batch and one over the limit, with the count."""
    if 1 <= count <= limit:
        return
    raise invalid(
        "births is empty."
        if count == 0
        else f"births holds {count:,} births; at most {limit:,} fit in one request.",
        param="births",
        value=count,
        fix=f"Send 1 to {limit:,} births"
        + (" in one request, and the rest in further ones." if count else "."),
        count=count,
        limit=limit,
    )


def rows_at_once(results: Sequence[ChartResult], plain: int, described: int) -> int:
    """How many rows to write before other requests get a turn: fewer where any holds more than its pillars."""
    heavy = any(each.chart is not None and each.chart.options.include for each in results)
    return described if heavy else plain


def _in_row(row: int, failure: Failure) -> ChartResult:
    return ChartResult(error=HyperCubeError.of(failure).failure(prefix=f"births[{row}]"))


async def _process(
    services: GatewayServices, births: tuple[BirthInput, ...], call: Call
) -> tuple[ChartResult, ...]:
    response: ChartsResponse = await in_time(
        services.cubes.process(SAJU, ChartsRequest(births), call), call, services.clock
    )
    return _results(response, len(births))


def _results(response: ChartsResponse, births: int) -> tuple[ChartResult, ...]:
    if len(response.results) != births:
        raise HyperCubeError(
            ErrorKind.ENGINE_FAILED, f"The saju cube answered {len(response.results)} of {births} births."
        )
    return response.results


def _broken_row() -> HyperCubeError:
    return HyperCubeError(ErrorKind.ENGINE_FAILED, "The saju cube answered neither a chart nor an error.")
