"""People to a comparison: the charts come from the saju cube, the ranking from the kernel, the text from the corpus."""

import asyncio
from typing import Any, ClassVar, Final, Protocol

from hypercube.core.chart import MAX_BIRTHS, BirthInput, Chart, ChartsRequest, ChartsResponse
from hypercube.core.compatibility import (
    MAX_EXPLAINED,
    MAX_TOP,
    Compatibility,
    CompatibilityRequest,
    Pair,
    PairError,
    plain,
    with_facts,
)
from hypercube.core.cube import Call, Color, Cube, CubeMetadata, Dependency, Health, HealthStatus
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError, invalid
from hypercube.kernels.backends import AUTO
from hypercube.kernels.compatibility import SCORE_VERSION
from hypercube.saju import charts
from hypercube.saju.compatibility import CORPUS_VERSION
from hypercube.saju.pairing import WRITTEN, bare, best, counted, explained, scored

_SAJU: Final = "saju"
_FIRST: Final = BirthInput("1990-05-03T07:20", place="Seoul")
_SECOND: Final = BirthInput("1993-09-17T21:10", place="Busan")


class Cubes(Protocol):
    """What this cube needs of the registry: another cube's answer."""

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """Call a cube by name."""
        ...


class CompatibilityCube(Cube):
    """`CompatibilityRequest` in, `Compatibility` out."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="compatibility",
        version="1.0.0",
        color=Color.BLUE,
        summary="Compatibility (궁합) of two people, or of one with the best of a list: parts, sentences, checked",
        request_model=CompatibilityRequest,
        response_model=Compatibility,
        dependencies=(Dependency(_SAJU, ">=1.0,<2"),),
        capabilities=("compatibility", "compatibility.top_k", "compatibility.ko", "compatibility.en"),
    )

    def __init__(self, cubes: Cubes, *, backend: str = AUTO) -> None:
        """`backend` is the kernel's, for lists."""
        super().__init__()
        self._cubes = cubes
        self._backend = backend

    async def on_start(self) -> None:
        """Compile what the first answer would otherwise wait for."""
        await asyncio.to_thread(_one_pair)

    async def process(self, request: CompatibilityRequest, call: Call) -> Compatibility:
        """One pair, or the best of a list.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for what is wrong with the request, with `first` or with `second`,
                naming the field; what the saju cube raises. What is wrong with one of `others` is in `errors`.
        """
        _check(request)
        if request.second is not None:
            return await self._pair(request, request.second, call)
        return await self._list(request, call)

    async def _pair(self, request: CompatibilityRequest, second: BirthInput, call: Call) -> Compatibility:
        one, other = await self._charts((with_facts(request.first), with_facts(second)), call)
        first, chart = _chart(one, "first"), _chart(other, "second")
        # Some 6 ms of Python: other requests get their turns meanwhile.
        pair, checks = await asyncio.to_thread(explained, first, chart, request.to_options())
        return _answer(request, first, [pair], (), 1, counted(checks))

    async def _list(self, request: CompatibilityRequest, call: Call) -> Compatibility:
        (one,) = await self._charts((with_facts(request.first),), call)
        first = _chart(one, "first")
        found = await self._charts(tuple(map(plain, request.others)), call)
        good = [(row, chart) for row, chart in enumerate(found) if isinstance(chart, Chart)]
        errors = tuple(
            PairError(row, _in_row(row, each)) for row, each in enumerate(found) if isinstance(each, Failure)
        )
        if not good:
            return _answer(request, first, [], errors, 0, counted(()))
        ranked = await asyncio.to_thread(
            best, first.pillars, [chart.pillars for _, chart in good], request.top, backend=self._backend
        )
        rows = [good[at] for at in ranked]
        if not request.explain:
            pairs = await asyncio.to_thread(
                lambda: [scored(first, chart, row, request.language) for row, chart in rows]
            )
            return _answer(request, first, pairs, errors, len(good), counted(()))
        again = await self._charts(tuple(with_facts(request.others[row]) for row, _ in rows), call)
        described = [
            (row, _chart(each, f"others[{row}]")) for (row, _), each in zip(rows, again, strict=True)
        ]
        options = request.to_options()

        def explain_all() -> list[tuple[Pair, Any]]:
            return [explained(first, chart, options, row) for row, chart in described]

        told = await asyncio.to_thread(explain_all)
        checks = [check for _, checks in told for check in checks]
        return _answer(request, first, [pair for pair, _ in told], errors, len(good), counted(checks))

    async def _charts(self, births: tuple[BirthInput, ...], call: Call) -> list[Chart | Failure]:
        answer: ChartsResponse = await self._cubes.process(_SAJU, ChartsRequest(births), call)
        found = [each.chart if each.error is None else each.error for each in answer.results]
        if len(found) != len(births) or any(each is None for each in found):
            raise HyperCubeError(
                ErrorKind.ENGINE_FAILED, f"The saju cube answered {len(found)} of {len(births)} births."
            )
        return [each for each in found if each is not None]

    async def on_health_check(self) -> HealthStatus:
        """A known pair scored and explained: nothing in it may contradict the charts."""
        answer = await self.process(CompatibilityRequest(_FIRST, _SECOND), Call("health"))
        if answer.checked.contradictions:
            return HealthStatus(
                Health.UNHEALTHY, f"{answer.checked.contradictions} contradictions in a known pair"
            )
        if answer.best.score != sum(part.points for part in answer.best.parts):
            return HealthStatus(Health.UNHEALTHY, "a score that is not the sum of its parts")
        return HealthStatus(Health.HEALTHY)


def _one_pair() -> None:
    results = charts([with_facts(_FIRST), with_facts(_SECOND)], backend="reference")
    first, second = (result.chart for result in results)
    assert first is not None
    assert second is not None
    explained(first, second)


def _check(request: CompatibilityRequest) -> None:
    """Refuse what no reading of the fields makes sense of."""
    if request.second is not None and request.others:
        raise invalid(
            "second and others are both given.",
            param="others",
            value=len(request.others),
            fix="Give second for one pair, or others for a list.",
        )
    if request.second is None and not request.others:
        raise invalid(
            "There is nobody to compare with.",
            param="second",
            fix="Give second, or others with at least one birth.",
        )
    if len(request.others) > MAX_BIRTHS:
        raise invalid(
            f"others has {len(request.others):,} entries.",
            param="others",
            value=len(request.others),
            fix=f"Send at most {MAX_BIRTHS:,} in one request.",
            limit=MAX_BIRTHS,
        )
    most = MAX_EXPLAINED if request.explain and request.others else MAX_TOP
    if not 1 <= request.top <= most:
        raise invalid(
            f"top is {request.top:,}.",
            param="top",
            value=request.top,
            fix=f"Write 1 to {most:,}"
            + (", or leave explain out for more." if most == MAX_EXPLAINED and request.top > most else "."),
            limit=most,
        )


def _chart(found: Chart | Failure, field: str) -> Chart:
    """The chart of somebody without whom there is no answer."""
    if isinstance(found, Chart):
        return found
    raise HyperCubeError.of(HyperCubeError.of(found).failure(prefix=field))


def _in_row(row: int, failure: Failure) -> Failure:
    return HyperCubeError.of(failure).failure(prefix=f"others[{row}]")


def _answer(
    request: CompatibilityRequest,
    first: Chart,
    pairs: list[Pair],
    errors: tuple[PairError, ...],
    compared: int,
    checked: Any,
) -> Compatibility:
    return Compatibility(
        first=bare(first),
        pairs=tuple(pairs),
        errors=errors,
        compared=compared,
        score_version=SCORE_VERSION,
        written_by=WRITTEN,
        corpus_version=CORPUS_VERSION,
        checked=checked,
        options=request.to_options(),
    )
