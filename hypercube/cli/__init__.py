"""`hypercube`: serve, chart, chat, keys, models, cubes, doctor."""

import os
from typing import Final

from hypercube.core.errors import HyperCubeError

ONE_POLLER: Final = "-event_engine_listener"
"""Of gRPC's two ways to read a server's sockets the one without threads that hand each other every event: the thread
that waits for events reads, too. A seventh of the processor time of a call; it has to be said before gRPC is loaded."""


def main() -> None:
    """Entry point of the `hypercube` command."""
    # gRPC remarks on stderr that it cannot follow a fork; the only forks here become other programs at once.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("GRPC_EXPERIMENTS", ONE_POLLER)
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
