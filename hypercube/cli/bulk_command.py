"""`hypercube charts --input births.csv --output charts.parquet`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hypercube.cli.output import ERR
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import DayBoundary, Sex, TimeBasis


def charts(
    source: Annotated[Path, typer.Option("--input", help="Births: .csv, .jsonl or .parquet.")],
    output: Annotated[Path, typer.Option("--output", help="Charts: .csv, .jsonl or .parquet.")],
    bad_rows: Annotated[
        Path | None, typer.Option(help="CSV for births that are wrong. Default: <output>.errors.csv.")
    ] = None,
    include: Annotated[
        str, typer.Option(help="Of pillars, facts, luck, lunar, with commas.")
    ] = "pillars,facts",
    sex: Annotated[Sex | None, typer.Option(help="For births that do not say.")] = None,
    place: Annotated[str | None, typer.Option(help="For births that do not say.")] = None,
    longitude: Annotated[float | None, typer.Option(help="For births that do not say.")] = None,
    zone: Annotated[str | None, typer.Option(help="For births that do not say.")] = None,
    time_basis: Annotated[TimeBasis | None, typer.Option(help="For births that do not say.")] = None,
    day_boundary: Annotated[DayBoundary | None, typer.Option(help="For births that do not say.")] = None,
    fold: Annotated[int | None, typer.Option(help="For births that do not say.")] = None,
    luck_age: Annotated[LuckAge, typer.Option(help="How start ages are counted.")] = LuckAge.ROUNDED,
    script: Annotated[str, typer.Option(help="hangul or hanja.")] = "hangul",
    encoding: Annotated[str, typer.Option(help="Of a text file; Korean Excel may need cp949.")] = "utf-8-sig",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    backend: Annotated[str, typer.Option(help="Kernel backend: auto, reference, numba.")] = "auto",
) -> None:
    """Charts of a whole file of births, larger than memory if need be."""
    run(
        source,
        output,
        bad_rows=bad_rows,
        include=tuple(part.strip() for part in include.split(",") if part.strip()),
        defaults={
            "sex": sex,
            "place": place,
            "longitude": longitude,
            "zone": zone,
            "time_basis": time_basis,
            "day_boundary": day_boundary,
            "fold": fold,
        },
        script=script,
        luck_age=luck_age,
        encoding=encoding,
        overwrite=overwrite,
        backend=backend,
    )


def run(source: Path, output: Path, **options: Any) -> None:
    """`bulk.convert` with a progress bar, and what came of it on stderr. Ctrl-C ends with status 130."""
    from hypercube.cli.bulk import convert

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    try:
        with Progress(*columns, TimeRemainingColumn(), console=ERR, transient=True) as bar:
            task = bar.add_task(source.name, total=1.0)
            done = convert(
                source, output, progress=lambda share: bar.update(task, completed=share), **options
            )
    except KeyboardInterrupt:
        ERR.print("Stopped; nothing was written.")
        raise typer.Exit(130) from None
    for warning in done.warnings:
        ERR.print(f"warning: {warning}", markup=False, style="yellow")
    rate = done.rows / done.seconds if done.seconds else 0.0
    ERR.print(
        f"{done.charts:,} charts -> {done.output} ({done.seconds:.1f} s, {rate:,.0f} births/s)", markup=False
    )
    if done.bad_rows:
        ERR.print(
            f"{done.bad:,} of {done.rows:,} births are wrong, with reasons: {done.bad_rows}", markup=False
        )
