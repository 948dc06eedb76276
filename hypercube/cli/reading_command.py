"""`hypercube reading`: a reading computed here, or asked of a running server."""

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
    Language,
    LeapMonth,
    LifeStages,
    Longitude,
    Lunar,
    OtherServer,
    Place,
    PlainText,
    Sources,
    Zone,
)
from hypercube.cli.output import OUT, print_json
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import Calendar, DayBoundary
from hypercube.core.errors import invalid
from hypercube.core.reading import (
    Reading,
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingRequest,
    ReadingSection,
    ReadingTone,
    ReadingWriter,
)
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool


def reading(
    birth: Annotated[
        str, typer.Argument(help='Civil time of the birth place: "1990-05-03 07:20", or the date alone.')
    ],
    sex: BirthSex = None,
    place: Place = None,
    longitude: Longitude = None,
    zone: Zone = None,
    time_basis: Basis = None,
    day_boundary: Boundary = DayBoundary.MIDNIGHT,
    fold: Fold = None,
    lunar: Lunar = False,
    leap_month: LeapMonth = False,
    luck_age: AgeCount = LuckAge.ROUNDED,
    as_of: AsOf = None,
    hidden_stems: HiddenStems = HiddenStemSet.KOREAN,
    life_stages: LifeStages = LifeStageSchool.YIN_BACKWARD,
    blade: Blade = BladeSchool.YANG_STEMS,
    goegang: Goegang = GoegangSchool.FOUR_DAYS,
    section: Annotated[
        list[ReadingSection] | None, typer.Option(help="Only this one; may be given again.")
    ] = None,
    language: Language = ReadingLanguage.KO,
    length: Annotated[ReadingLength, typer.Option(help="How much of each section.")] = ReadingLength.NORMAL,
    tone: Annotated[ReadingTone, typer.Option(help="With pictures, or without.")] = ReadingTone.WARM,
    audience: Annotated[
        ReadingAudience, typer.Option(help="A beginner is told what the terms mean.")
    ] = ReadingAudience.GENERAL,
    writer: Annotated[
        ReadingWriter | None,
        typer.Option(help="The corpus, or a model of the --server. Default: the server's."),
    ] = None,
    model: Annotated[str, typer.Option(help="Which model writes. Default: the server's choice.")] = "",
    question: Annotated[str, typer.Option(help="What you want to know; a model is shown it.")] = "",
    server: OtherServer = None,
    sources: Sources = False,
    text: PlainText = False,
    as_json: AsJson = False,
) -> None:
    """A reading (해석) of one birth: by rule or by a model, every sentence checked against the chart."""
    request = ReadingRequest(
        birth,
        sex,
        place,
        longitude,
        zone,
        time_basis,
        day_boundary,
        fold,
        calendar=Calendar.LUNAR if lunar else Calendar.SOLAR,
        leap_month=leap_month,
        luck_age=luck_age,
        as_of=as_of,
        hidden_stems=hidden_stems,
        life_stages=life_stages,
        blade=blade,
        goegang=goegang,
        sections=tuple(section or ()),
        language=language,
        length=length,
        tone=tone,
        audience=audience,
        writer=writer,
        model=model,
        question=question,
    )
    run(request, server=server, sources=sources, as_json=as_json, text=text)


def run(request: ReadingRequest, *, server: str | None, sources: bool, as_json: bool, text: bool) -> None:
    """Read and show.

    Raises:
        HyperCubeError: what is wrong with the birth or the options, or with the server.
    """
    reading = _here(request) if server is None else _asked(server, request)
    if as_json:
        print_json(reading)
    elif text:
        for section in reading.sections:
            typer.echo(f"[{section.title}]\n{' '.join(each.text for each in section.sentences)}\n")
    else:
        from hypercube.cli.reading_view import reading_view

        OUT.print(reading_view(reading, sources=sources))


def _here(request: ReadingRequest) -> Reading:
    asked = {
        "--writer": request.writer if request.writer is ReadingWriter.MODEL else None,
        "--model": request.model,
        "--question": request.question,
    }
    option = next((name for name, value in asked.items() if value), None)
    if option is not None:
        raise invalid(
            "Models run in a server, and no --server is named.",
            param=option,
            value=asked[option],
            fix="Start one with `hypercube serve`, then add --server 127.0.0.1:50051.",
        )
    from hypercube.saju import chart
    from hypercube.saju.interpretation import interpret

    return interpret(chart(request.to_birth()), request.to_options())


def _asked(server: str, request: ReadingRequest) -> Reading:
    from hypercube.client import Client

    options: ReadingOptions = request.to_options()
    how: dict[str, Any] = {
        "sections": options.sections or None,
        "language": options.language,
        "length": options.length,
        "tone": options.tone,
        "audience": options.audience,
        "writer": request.writer,
        "model": request.model or None,
        "question": request.question or None,
    }
    with Client(server) as client:
        return client.reading(request.to_birth(), **how)
