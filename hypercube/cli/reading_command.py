"""`hypercube reading`: a reading computed here, or asked of a running server."""

from typing import Any

import typer

from hypercube.cli.output import OUT, print_json
from hypercube.core.errors import invalid
from hypercube.core.reading import Reading, ReadingOptions, ReadingRequest, ReadingWriter


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
    if request.writer is ReadingWriter.MODEL or request.model or request.question:
        raise invalid(
            "Models run in a server, and no --server is named.",
            param="--writer",
            value=request.writer,
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
