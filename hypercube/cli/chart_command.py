"""`hypercube chart`: one chart, or a whole file of births."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hypercube.cli.options import (
    AgeCount,
    AsJson,
    AsOf,
    Basis,
    BirthSex,
    Blade,
    Boundary,
    Fold,
    Goegang,
    HiddenStems,
    LeapMonth,
    LifeStages,
    Longitude,
    Lunar,
    Place,
    Zone,
)
from hypercube.cli.output import OUT, print_json
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import Calendar, DayBoundary, Include, Sex
from hypercube.core.errors import invalid
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool


def chart(
    birth: Annotated[
        str | None,
        typer.Argument(help='Civil time of the birth place: "1990-05-03 07:20", or the date alone.'),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--input", help="A file of births instead: .csv, .jsonl or .parquet.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="With --input: where the charts go.")
    ] = None,
    sex: BirthSex = None,
    place: Place = None,
    longitude: Longitude = None,
    zone: Zone = None,
    time_basis: Basis = None,
    day_boundary: Boundary = DayBoundary.MIDNIGHT,
    fold: Fold = None,
    lunar: Lunar = False,
    leap_month: LeapMonth = False,
    include: Annotated[
        str | None,
        typer.Option(
            help="Of facts,luck,periods; all; or none. Default: facts,periods and, with --sex, luck."
        ),
    ] = None,
    luck_age: AgeCount = LuckAge.ROUNDED,
    as_of: AsOf = None,
    hidden_stems: HiddenStems = HiddenStemSet.KOREAN,
    life_stages: LifeStages = LifeStageSchool.YIN_BACKWARD,
    blade: Blade = BladeSchool.YANG_STEMS,
    goegang: Goegang = GoegangSchool.FOUR_DAYS,
    backend: Annotated[str, typer.Option(help="Kernel backend: auto, reference, numba.")] = "auto",
    text: Annotated[
        str | None, typer.Option(help="Print the compact text for a language model: ko or en.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One four-pillar chart with its facts, or a whole file of births (`charts` has more options for those)."""
    if source is not None or output is not None or birth is None:
        _chart_file(
            birth,
            source,
            output,
            sex=sex,
            place=place,
            longitude=longitude,
            zone=zone,
            time_basis=time_basis,
            day_boundary=day_boundary,
            fold=fold,
        )
        return
    from hypercube import saju
    from hypercube.cli.chart_view import chart_view
    from hypercube.saju.text import to_text

    answer = saju.chart(
        birth,
        sex=sex,
        place=place,
        longitude=longitude,
        zone=zone,
        time_basis=time_basis,
        day_boundary=day_boundary,
        fold=fold,
        calendar=Calendar.LUNAR if lunar else Calendar.SOLAR,
        leap_month=leap_month,
        include=_parts(include, sex),
        luck_age=luck_age,
        as_of=as_of,
        hidden_stems=hidden_stems,
        life_stages=life_stages,
        blade=blade,
        goegang=goegang,
        backend=backend,
    )
    if as_json:
        print_json(answer)
    elif text is not None:
        typer.echo(to_text(answer, text))
    else:
        OUT.print(chart_view(answer))


def _chart_file(birth: str | None, source: Path | None, output: Path | None, **defaults: Any) -> None:
    from hypercube.cli.bulk_command import run

    if birth is not None or source is None or output is None:
        raise invalid(
            "chart takes one birth, or --input and --output together.",
            param="birth",
            value=birth,
            fix='Write: hypercube chart "1990-05-03 07:20", or: '
            "hypercube chart --input births.csv --output charts.parquet",
        )
    run(source, output, defaults=defaults)


def _parts(include: str | None, sex: Sex | None) -> list[str]:
    """What `--include` asks for; words are checked with the rest of the birth."""
    if include is None:
        return [part for part in Include if part is not Include.LUCK or sex is not None]
    if include == "all":
        return list(Include)
    return [] if include == "none" else [part.strip() for part in include.split(",")]
