"""`hypercube`: serve, chart, chat, keys, models, cubes, doctor."""

import os

from hypercube.core.errors import HyperCubeError


def main() -> None:
    """Entry point of the `hypercube` command."""
    # gRPC remarks on stderr that it cannot follow a fork; the only forks here become other programs at once.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
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
