"""A conversation for ordinary code: many turns in one call."""

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Any, Unpack

import grpc

from hypercube.client._base import Attempt
from hypercube.client._chat_options import ChatOptions
from hypercube.client._conversation import Turn, Turns
from hypercube.client._methods import CONVERSE
from hypercube.client._requests import Messages
from hypercube.client._status import error_from_status
from hypercube.client._sync_streams import failed
from hypercube.core.engine import GenerationEvent
from hypercube.wire.v1 import chat_pb2


class ChatTurn(Turn, Iterator[GenerationEvent]):
    """One turn's answer as it is written: iterate over its pieces, each with `.text`.

    After the end `finish_reason` and `usage` are set, and `text` is the whole answer. What went wrong with this
    turn is raised by the iteration, and the conversation goes on as if the turn had not been said.
    """

    def __init__(self, conversation: "Conversation", name: str) -> None:
        super().__init__(name)
        self._conversation = conversation

    def __next__(self) -> GenerationEvent:
        if self._over:
            raise StopIteration
        event = self._conversation._next_of(self)  # noqa: SLF001 - a turn is a part of its conversation
        if event is None:
            self._over = True
            self._check_whole()
            raise StopIteration
        return self._took(event)

    def whole(self) -> str:
        """Wait for the end; the whole answer."""
        for _ in self:
            pass
        return self.text

    def cancel(self) -> None:
        """Stop this answer; the iteration raises `Cancelled`, unless all was said. The conversation goes on."""
        self._conversation._stop(self)  # noqa: SLF001


class Conversation(Turns):
    """A conversation that the server remembers while it lasts: each turn sends only what is new.

    Turns are answered in the order they were said; a turn can be said before the one ahead of it is read. Leaving
    a `with` block, or `close()`, ends the conversation and stops the server's work.
    """

    def __init__(self, channel: grpc.Channel, attempt: Attempt, options: ChatOptions) -> None:
        super().__init__(options, attempt.site)
        self._requests: SimpleQueue[chat_pb2.ConverseRequest | None] = SimpleQueue()
        self._reading = Lock()
        stub = CONVERSE.of(channel.stream_stream)
        requests = self._requests
        self._call: Any = stub(iter(requests.get, None), timeout=attempt.timeout_s, metadata=attempt.metadata)
        # gRPC's thread that takes the requests goes on after the end of the call, until there are no more.
        self._call.add_done_callback(lambda _: requests.put(None))

    def say(self, messages: Messages, **options: Unpack[ChatOptions]) -> ChatTurn:
        """Say something: a prompt, or the new messages. Options hold for the later turns, too."""
        request = self._saying(messages, options)
        turn = ChatTurn(self, request.turn)
        self._waiting[request.turn] = turn
        self._requests.put(request)
        return turn

    def close(self) -> None:
        """End the conversation now. Harmless after the end."""
        self._closed = True
        self._requests.put(None)
        self._call.cancel()

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stop(self, turn: Turn) -> None:
        request = self._stopping(turn)
        if request is not None:
            self._requests.put(request)

    def _next_of(self, turn: Turn) -> chat_pb2.ConverseEvent | None:
        """The next event of a turn; None where the conversation ended without an error."""
        while True:
            # Whoever reads hands out what belongs to others, too.
            with self._reading:
                if turn._events:  # noqa: SLF001
                    return turn._events.popleft()  # noqa: SLF001
                if self._ended:
                    if self._problem is not None:
                        raise self._problem
                    return None
                self._read()

    def _read(self) -> None:
        try:
            self._deliver(next(self._call))
        except StopIteration:
            self._end(None)
        except grpc.RpcError as problem:
            self._end(None if self._closed else error_from_status(failed(problem).status, self._site))
