"""What the client for ordinary code returns piece by piece."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any

import grpc

from hypercube.client._answers import Transcript, chunk_of
from hypercube.client._columns import PillarsReply
from hypercube.client._raw import received
from hypercube.client._requests import RequestSource
from hypercube.client._status import CallSite, StatusError, error_from_status, status_of
from hypercube.core.engine import GenerationEvent
from hypercube.wire.v1 import chat_pb2


def failed(call: Any) -> StatusError:
    """The status of a failed call, which gRPC raises as an exception."""
    return StatusError(status_of(call.code(), call.details(), call.trailing_metadata()))


class ChatStream(Transcript, Iterator[GenerationEvent]):
    """A chat answer as it is written: iterate over its pieces, each with `.text`.

    After the end `finish_reason` and `usage` are set, and `text` is the whole answer. Leaving a `with` block, or
    `close()`, before the end cancels the work on the server. An error after the first piece is raised by the
    iteration and never retried; `text` then holds what had come.
    """

    def __init__(self, call: Any, first: chat_pb2.ChatEvent | None, site: CallSite) -> None:
        super().__init__()
        self._call = call
        self._site = site
        self._first = first
        self._over = False
        if first is None:
            self._over = True
            self._check_whole()

    def __next__(self) -> GenerationEvent:
        message, self._first = self._first, None
        if message is None:
            message = self._receive()
        return self._take(message)

    def _receive(self) -> chat_pb2.ChatEvent:
        if self._over:
            raise StopIteration
        try:
            message: chat_pb2.ChatEvent = next(self._call)
        except StopIteration:
            self._over = True
            self.trailers = received(self._call.trailing_metadata())
            self._check_whole()
            raise
        except grpc.RpcError as problem:
            closed, self._over = self._over, True
            if closed:
                raise StopIteration from None
            raise error_from_status(failed(problem).status, self._site) from None
        return message

    def close(self) -> None:
        """End the stream now; the server stops writing. Harmless after the end."""
        self._over, self._first = True, None
        self._call.cancel()

    def __enter__(self) -> "ChatStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PillarsStream(Iterator[memoryview]):
    """The rows of each chunk of births, in the order of the chunks.

    A chunk that the server refuses raises its error in its place, and the iteration can go on behind it. Leaving
    a `with` block, or `close()`, ends the call.
    """

    def __init__(self, call: Any, source: RequestSource, site: CallSite) -> None:
        self._call = call
        self._source = source
        self._site = site
        self._over = False

    def __next__(self) -> memoryview:
        if self._over:
            raise StopIteration
        try:
            reply: PillarsReply = next(self._call)
        except StopIteration:
            self._over = True
            raise
        except grpc.RpcError as problem:
            closed, self._over = self._over, True
            if self._source.problem is not None:
                raise self._source.problem from None
            if closed:
                raise StopIteration from None
            raise error_from_status(failed(problem).status, self._site) from None
        return chunk_of(reply, self._site)

    def close(self) -> None:
        """End the call now. Harmless after the end."""
        self._over = True
        self._call.cancel()

    def __enter__(self) -> "PillarsStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
