"""`hypercube`: serve, chart, chat, models, cubes, doctor."""

from hypercube.core.errors import HyperCubeError


def main() -> None:
    """Entry point of the `hypercube` command."""
    try:
        from hypercube.cli.commands import cli
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"The command line needs the package {error.name!r}, which is not installed.\n"
            "Run: pip install 'heal7-hypercube[server]'"
        ) from None
    from hypercube.cli.output import print_error

    try:
        cli()
    except HyperCubeError as error:
        print_error(error)
        raise SystemExit(2) from None
