"""Charts in one process, without a server: `chart` for one person, `charts` for many."""

from collections.abc import Sequence

from hypercube.core.chart import BirthInput, Chart, ChartResult, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.kernels.pillars import pillars
from hypercube.saju.assembly import assemble
from hypercube.saju.preparation import Prepared, RowGroup, prepare

__all__ = ["Prepared", "RowGroup", "assemble", "chart", "charts", "prepare"]


def charts(births: Sequence[BirthInput], *, backend: str = "auto") -> list[ChartResult]:
    """A chart, or the reason why there is none, for each birth; any number, in the order given.

    Args:
        births: a sequence of `BirthInput`.
        backend: kernel backend, as for `hypercube.saju.pillars`.

    Raises:
        HyperCubeError: `backend` is unknown or not installed. What is wrong with a birth is in its result,
            with a `param` such as "births[3].longitude".
    """
    return _computed(prepare(births, field="births"), backend)


def chart(
    birth: str | BirthInput,
    *,
    sex: Sex | str | None = None,
    place: str | None = None,
    longitude: float | None = None,
    zone: str | None = None,
    time_basis: TimeBasis | str | None = None,
    day_boundary: DayBoundary | str = DayBoundary.MIDNIGHT,
    fold: int | None = None,
    backend: str = "auto",
) -> Chart:
    """The four pillars of one person.

    Args:
        birth: civil date and time of the birth place, `YYYY-MM-DDTHH:MM[:SS]`, or a date alone when the hour is
            not known; or a whole `BirthInput`, which then brings all the options below itself.
        sex: "male", "female" or None.
        place: one of Korea's cities or provinces, in Korean or English.
        longitude: degrees east of Greenwich; overrides the place's.
        zone: IANA zone of the civil time; overrides the place's; Asia/Seoul if neither is given.
        time_basis: "civil", "mean_solar" or "true_solar"; None = mean_solar when a place or longitude is given,
            else civil.
        day_boundary: "midnight", "zi23" or "same_day".
        fold: 0 or 1, for a clock time that summer time showed twice or skipped.
        backend: kernel backend, as for `hypercube.saju.pillars`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with the field, the value and what to write instead; for a clock time
            that came twice or never, `details["choices"]` holds both readings.
    """
    if isinstance(birth, BirthInput):
        given = {
            "sex": sex,
            "place": place,
            "longitude": longitude,
            "zone": zone,
            "time_basis": time_basis,
            "fold": fold,
        }
        beside = [name for name, value in given.items() if value is not None]
        if day_boundary != DayBoundary.MIDNIGHT:
            beside.append("day_boundary")
        if beside:
            raise invalid(
                f"{beside[0]} is given beside a BirthInput, which has its own.",
                param=beside[0],
                value=str(given.get(beside[0], day_boundary)),
                fix="Set it in the BirthInput.",
            )
        one = birth
    else:
        # The strings are checked, and turned into the enumerations, by `prepare`.
        one = BirthInput(birth, sex, place, longitude, zone, time_basis, day_boundary, fold)  # type: ignore[arg-type]
    (result,) = _computed(prepare([one]), backend)
    if result.error is not None:
        raise HyperCubeError.of(result.error)
    assert result.chart is not None
    return result.chart


def _computed(prepared: Prepared, backend: str) -> list[ChartResult]:
    tables = [
        pillars(group.utc_seconds, group.offset_seconds, day_boundary=group.day_boundary, backend=backend)
        for group in prepared.groups
    ]
    return assemble(prepared, tables)
