"""`hypercube chat`: a conversation in the terminal, with a model loaded here or with a running server."""

import asyncio
import contextlib
import sys
from collections.abc import Callable

from hypercube.app.model_choice import chat_manifests, make_engines
from hypercube.cli.output import ERR, OUT, print_error
from hypercube.cli.serve import ModelReport
from hypercube.client import Client
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.served_models import EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.model_registry.store import ModelStore
from hypercube.settings import NO_MODEL, Settings

Answer = Callable[[list[ChatMessage]], str]
"""Prints the next turn as it comes and returns all of it."""


def talk(settings: Settings, message: str | None, *, max_tokens: int | None) -> None:
    """Load the model here, then talk.

    Raises:
        HyperCubeError: when the model cannot be served, or its first answer fails.
    """
    if settings.model.name == NO_MODEL:
        raise invalid(
            "model.name is 'none', so there is nobody to talk to.", param="model.name", value="none"
        )
    with asyncio.Runner() as runner:
        report = ModelReport()
        report.begin()
        cluster = Hypercluster(
            chat_manifests(settings),
            ModelStore(settings.model.dir),
            make=make_engines(settings, slots=1),
            on_status=report,
            on_line=lambda line: ERR.print(line, markup=False, soft_wrap=True),
        )

        async def load() -> None:
            cluster.start()
            status = await cluster.settled()
            if status.state is not EngineState.READY:
                raise HyperCubeError(ErrorKind.UNAVAILABLE, status.reason)

        async def stream(messages: list[ChatMessage]) -> str:
            request = GenerationRequest(tuple(messages), max_tokens=max_tokens)
            pieces = []
            async with contextlib.aclosing(cluster.generate(request, Call("cli"))) as events:
                async for event in events:
                    show(event.text)
                    pieces.append(event.text)
            return "".join(pieces)

        try:
            runner.run(load())
            report.end()
            converse(lambda messages: runner.run(stream(messages)), message)
        finally:
            report.end()
            runner.run(cluster.close())


def talk_to_server(target: str, message: str | None, *, model: str, max_tokens: int | None) -> None:
    """Talk with a running server over gRPC."""
    with Client(target) as client:

        def answer(messages: list[ChatMessage]) -> str:
            with client.chat(messages, model=model, max_tokens=max_tokens, stream=True) as stream:
                for piece in stream:
                    show(piece.text)
                return stream.text

        converse(answer, message)


def converse(answer: Answer, first: str | None) -> None:
    """Answer one question, or what is typed until the end of the input."""
    if first is not None:
        answer([ChatMessage("user", first)])
        OUT.print()
        return
    messages: list[ChatMessage] = []
    while True:
        try:
            said = input("you> " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            OUT.print()
            return
        if not said.strip():
            continue
        messages.append(ChatMessage("user", said))
        try:
            messages.append(ChatMessage("assistant", answer(messages)))
        except KeyboardInterrupt:
            messages.pop()
        except HyperCubeError as error:
            # A turn that failed is not part of the conversation; the next one can be better.
            messages.pop()
            print_error(error)
        OUT.print()


def show(text: str) -> None:
    """Print a piece as it comes."""
    sys.stdout.write(text)
    sys.stdout.flush()
