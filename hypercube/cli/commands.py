"""The commands, each a few lines around the same functions that the servers call."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from hypercube import __version__
from hypercube.cli.bulk_command import charts as charts_command
from hypercube.cli.keys_command import keys_cli
from hypercube.cli.models_command import models_cli
from hypercube.cli.output import OUT, print_json, print_table
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import Calendar, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.compatibility import CompatibilityLength, CompatibilityRequest
from hypercube.core.errors import invalid
from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingRequest,
    ReadingSection,
    ReadingTone,
    ReadingWriter,
)
from hypercube.core.saju_model import SAJU_MODEL
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool

cli = typer.Typer(
    help="HEAL7 HyperCube: saju charts and chat, served.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cubes_cli = typer.Typer(help="The cubes: the platform's service modules.", no_args_is_help=True)
cli.add_typer(keys_cli, name="keys")
cli.add_typer(models_cli, name="models")
cli.add_typer(cubes_cli, name="cubes")
cli.command("charts")(charts_command)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default ./hypercube.toml if there.")
]


def _version(value: bool) -> None:
    if value:
        OUT.print(f"hypercube {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """HEAL7 HyperCube: saju charts and chat, served."""


@cli.command()
def serve(
    http_port: Annotated[
        int | None, typer.Option(help="HTTP port; 0 takes a free one. Default 8080.")
    ] = None,
    grpc_port: Annotated[
        int | None, typer.Option(help="gRPC port; 0 takes a free one. Default 50051.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default 127.0.0.1.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Front-end processes that share one engine process. Default 1.")
    ] = None,
    allow_remote: Annotated[
        bool | None, typer.Option("--allow-remote", help="Needed for an address other than loopback.")
    ] = None,
    access: Annotated[
        str | None, typer.Option(help="on asks for keys on loopback, too; auto, the default, elsewhere only.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model of the catalogue, `fake`, or `none`.")] = None,
    embedding_model: Annotated[
        str | None, typer.Option(help="A second model, for embeddings, e.g. all-minilm-l6-v2.")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="Another model, loaded by its first request; may be repeated.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Who runs the model: auto, llama.cpp, transformers, vllm.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, or one GPU: cuda:0 …")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32, bf16, fp16, fp8, int8 or int4.")] = None,
    tensor_parallel: Annotated[
        int | None, typer.Option(help="Devices (processes on a CPU) that share each layer.")
    ] = None,
    pipeline_parallel: Annotated[int | None, typer.Option(help="Devices that share the layers out.")] = None,
    backend: Annotated[str | None, typer.Option(help="Kernel backend: auto, reference, numba.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    config: Config = None,
) -> None:
    """Serve HTTP and gRPC until Ctrl-C, which lets the answers in flight finish."""
    from hypercube.app.loop import loop_factory
    from hypercube.cli.serve import serve_until_stopped
    from hypercube.settings import load_settings

    given: dict[str, dict[str, Any]] = {
        "server": {
            "http_port": http_port,
            "grpc_port": grpc_port,
            "host": host,
            "workers": workers,
            "allow_remote": allow_remote,
        },
        "access": {"mode": access},
        "model": {
            "name": model,
            "engine": engine,
            "device": device,
            "precision": precision,
            "tensor_parallel": tensor_parallel,
            "pipeline_parallel": pipeline_parallel,
        },
        "models": {"also": also or None},
        "embedding": {"name": embedding_model},
        "kernels": {"backend": backend},
        "log": {"level": log_level},
    }
    flags = {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in given.items()
    }
    settings = load_settings(flags, file=config)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve_until_stopped(settings))


@cli.command()
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
    sex: Annotated[Sex | None, typer.Option(help="Decides the direction of luck pillars.")] = None,
    place: Annotated[str | None, typer.Option(help="Seoul, 부산, 강남구, Portland, US-OR …")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees east; overrides the place's.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="IANA zone. Default: the place's, else Asia/Seoul.")
    ] = None,
    time_basis: Annotated[
        TimeBasis | None, typer.Option(help="Default: mean_solar with a place or longitude, else civil.")
    ] = None,
    day_boundary: Annotated[
        DayBoundary, typer.Option(help="What 23:00-24:00 belongs to.")
    ] = DayBoundary.MIDNIGHT,
    fold: Annotated[int | None, typer.Option(help="0 or 1: which pass of a repeated civil time.")] = None,
    lunar: Annotated[bool, typer.Option("--lunar", help="The date is a Korean lunar one (음력).")] = False,
    leap_month: Annotated[
        bool, typer.Option("--leap-month", help="Of a lunar date: the leap month (윤달).")
    ] = False,
    include: Annotated[
        str | None,
        typer.Option(
            help="Of facts,luck,periods; all; or none. Default: facts,periods and, with --sex, luck."
        ),
    ] = None,
    luck_age: Annotated[LuckAge, typer.Option(help="How the age of luck is counted.")] = LuckAge.ROUNDED,
    as_of: Annotated[
        str | None, typer.Option(help="The day that counts as now. Default: today in the birth zone.")
    ] = None,
    hidden_stems: Annotated[HiddenStemSet, typer.Option(help="School of 지장간.")] = HiddenStemSet.KOREAN,
    life_stages: Annotated[
        LifeStageSchool, typer.Option(help="School of 12운성.")
    ] = LifeStageSchool.YIN_BACKWARD,
    blade: Annotated[BladeSchool, typer.Option(help="School of 양인.")] = BladeSchool.YANG_STEMS,
    goegang: Annotated[GoegangSchool, typer.Option(help="School of 괴강.")] = GoegangSchool.FOUR_DAYS,
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


@cli.command()
def reading(
    birth: Annotated[
        str, typer.Argument(help='Civil time of the birth place: "1990-05-03 07:20", or the date alone.')
    ],
    sex: Annotated[Sex | None, typer.Option(help="Decides the direction of luck pillars.")] = None,
    place: Annotated[str | None, typer.Option(help="Seoul, 부산, 강남구, Portland, US-OR …")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees east; overrides the place's.")] = None,
    zone: Annotated[
        str | None, typer.Option(help="IANA zone. Default: the place's, else Asia/Seoul.")
    ] = None,
    lunar: Annotated[bool, typer.Option("--lunar", help="The date is a Korean lunar one (음력).")] = False,
    leap_month: Annotated[
        bool, typer.Option("--leap-month", help="Of a lunar date: the leap month (윤달).")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option(help="The day that counts as now. Default: today in the birth zone.")
    ] = None,
    section: Annotated[
        list[ReadingSection] | None, typer.Option(help="Only this one; may be given again.")
    ] = None,
    language: Annotated[ReadingLanguage, typer.Option(help="Of the text.")] = ReadingLanguage.KO,
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
    server: Annotated[
        str | None, typer.Option(help="Ask a running server (host:port of its gRPC) instead.")
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Each sentence with the facts and schools it rests on.")
    ] = False,
    text: Annotated[bool, typer.Option("--text", help="Plain text, no table.")] = False,
    as_json: AsJson = False,
) -> None:
    """A reading (해석) of one birth: by rule or by a model, every sentence checked against the chart."""
    from hypercube.cli.reading_command import run

    request = ReadingRequest(
        birth,
        sex,
        place,
        longitude,
        zone,
        calendar=Calendar.LUNAR if lunar else Calendar.SOLAR,
        leap_month=leap_month,
        as_of=as_of,
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


@cli.command()
def compatibility(
    first: Annotated[
        str, typer.Argument(help='Birth, and the place behind it if known: "1990-05-03 07:20 서울".')
    ],
    others: Annotated[
        list[str], typer.Argument(help="One other birth to be explained; several to be ranked.")
    ],
    zone: Annotated[
        str | None, typer.Option(help="IANA zone of births without a place. Default: Asia/Seoul.")
    ] = None,
    top: Annotated[int, typer.Option(help="Of several: how many to name.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Of several: sentences for each named.")] = False,
    language: Annotated[ReadingLanguage, typer.Option(help="Of the text.")] = ReadingLanguage.KO,
    length: Annotated[
        CompatibilityLength, typer.Option(help="How much is said.")
    ] = CompatibilityLength.NORMAL,
    server: Annotated[
        str | None, typer.Option(help="Ask a running server (host:port of its gRPC) instead.")
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Each sentence with the facts and schools it rests on.")
    ] = False,
    text: Annotated[bool, typer.Option("--text", help="Plain text, no table.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compatibility (궁합): two people part by part and in words, or the best of several."""
    from hypercube.cli.compatibility_command import birth_of, run

    people = [birth_of(each, zone) for each in (first, *others)]
    request = CompatibilityRequest(
        people[0],
        people[1] if len(people) == 2 else None,
        () if len(people) == 2 else tuple(people[1:]),
        top=top,
        explain=explain,
        language=language,
        length=length,
    )
    run(request, server=server, sources=sources, as_json=as_json, text=text)


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


@cli.command()
def terms(
    year: Annotated[int, typer.Argument(help="Civil year, 1800 to 2200.")],
    zone: Annotated[str, typer.Option(help="IANA zone whose clock is shown.")] = "Asia/Seoul",
    as_json: AsJson = False,
) -> None:
    """The 24 solar terms (절기) of a year."""
    from hypercube.cli.chart_view import terms_view
    from hypercube.saju.almanac import year_terms

    answer = year_terms(year, zone)
    if as_json:
        print_json(answer)
    else:
        OUT.print(terms_view(answer))


@cli.command()
def lunar(
    date: Annotated[str, typer.Argument(help="Solar date YYYY-MM-DD; a lunar one with --lunar.")],
    from_lunar: Annotated[bool, typer.Option("--lunar", help="The date is a Korean lunar one.")] = False,
    leap_month: Annotated[bool, typer.Option("--leap-month", help="Of a lunar date: 윤달.")] = False,
    as_json: AsJson = False,
) -> None:
    """A day by the solar and the Korean lunar calendar."""
    from hypercube.cli.chart_view import lunar_view
    from hypercube.saju.almanac import lunar_day

    calendar = Calendar.LUNAR if from_lunar else Calendar.SOLAR
    answer = lunar_day(date, calendar=calendar, leap_month=leap_month)
    if as_json:
        print_json(answer)
    else:
        OUT.print(lunar_view(answer))


@cli.command()
def chat(
    message: Annotated[str | None, typer.Argument(help="One question; without it, a conversation.")] = None,
    model: Annotated[str | None, typer.Option(help="Model of the catalogue, `fake`, or `saju`.")] = None,
    server: Annotated[
        str | None,
        typer.Option(help="Talk to a running server (host:port of its gRPC) instead of loading a model."),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Longest answer, in tokens.")] = None,
    config: Config = None,
) -> None:
    """Talk with a model in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation."""
    from hypercube.cli.chat import talk, talk_to_server
    from hypercube.settings import load_settings

    if server is not None:
        talk_to_server(server, message, model=model or "", max_tokens=max_tokens)
        return
    if model == SAJU_MODEL:
        from hypercube.cli.saju_chat import talk_about_charts

        talk_about_charts(load_settings(file=config), message, max_tokens=max_tokens)
        return
    flags = {"model": {"name": model}} if model is not None else {}
    talk(load_settings(flags, file=config), message, max_tokens=max_tokens)


@cli.command()
def doctor(config: Config = None, as_json: AsJson = False) -> None:
    """What this machine has, and what was chosen because of it."""
    from hypercube.cli.doctor import examine
    from hypercube.settings import load_settings

    findings = examine(load_settings(file=config))
    if as_json:
        print_json(findings)
        return
    for section, facts in findings.items():
        print_table((section, ""), [(key, str(value)) for key, value in facts.items()])


@cubes_cli.command("list")
def cubes_list(as_json: AsJson = False) -> None:
    """Every cube of this installation."""
    from hypercube.cli.cubes import described

    cubes = described()
    if as_json:
        print_json(cubes)
    else:
        print_table(
            ("cube", "version", "colour", "summary"),
            [(cube["name"], cube["version"], cube["color"], cube["summary"]) for cube in cubes],
        )


@cubes_cli.command("show")
def cubes_show(name: Annotated[str, typer.Argument(help="Name of a cube.")]) -> None:
    """One cube: what it needs, takes and returns."""
    from hypercube.cli.cubes import described

    print_json(described(name)[0])
