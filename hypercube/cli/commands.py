"""The commands, each a few lines around the same functions that the servers call."""

from typing import Annotated

import typer

from hypercube import __version__
from hypercube.cli.bulk_command import charts
from hypercube.cli.calendar_command import lunar, terms
from hypercube.cli.chart_command import chart
from hypercube.cli.compatibility_command import compatibility
from hypercube.cli.keys_command import keys_cli
from hypercube.cli.models_command import models_cli
from hypercube.cli.options import AsJson, Config
from hypercube.cli.output import OUT, print_json, print_table
from hypercube.cli.reading_command import reading
from hypercube.cli.serve_command import serve
from hypercube.cli.typed_words import BirthCommand, TypedWords
from hypercube.core.saju_model import SAJU_MODEL

cli = typer.Typer(
    cls=TypedWords,
    help="HEAL7 HyperCube: saju charts and chat, served.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cubes_cli = typer.Typer(help="The cubes: the platform's service modules.", no_args_is_help=True)
cli.add_typer(keys_cli, name="keys")
cli.add_typer(models_cli, name="models")
cli.add_typer(cubes_cli, name="cubes")
for command in (charts, serve, terms, lunar):
    cli.command()(command)
for of_births in (chart, reading, compatibility):
    cli.command(cls=BirthCommand)(of_births)


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
