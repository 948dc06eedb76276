"""A conversation as both clients hold it: what is sent for a turn, and whose turn an event belongs to."""

from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import Any

from hypercube.client._answers import Transcript
from hypercube.client._methods import CONVERSE
from hypercube.client._requests import chat_request, checked_size, own_errors
from hypercube.client._status import CallSite
from hypercube.client.exceptions import ClientError, FailedPrecondition, error_of
from hypercube.core.engine import GenerationEvent
from hypercube.core.errors import ErrorKind
from hypercube.wire.convert import error_from_proto
from hypercube.wire.v1 import chat_pb2


class Turn(Transcript):
    """One turn's answer as far as it has come; both kinds of turn are one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._events: deque[chat_pb2.ConverseEvent] = deque()
        self._over = False

    def _took(self, event: chat_pb2.ConverseEvent) -> GenerationEvent:
        """The piece in an event.

        Raises:
            ClientError: the turn came to nothing; the conversation goes on without it.
        """
        if event.HasField("error"):
            self._over = True
            with own_errors():
                raise error_of(error_from_proto(event.error))
        self._over = bool(event.piece.finish_reason)
        return self._take(event.piece)


class Turns:
    """The turns that are not answered yet, and the settings that hold."""

    def __init__(self, options: Mapping[str, Any], site: CallSite) -> None:
        chat_request("?", options)  # a wrong option is refused where it was written
        self._options = dict(options)
        self._names = count(1)
        self._waiting: dict[str, Turn] = {}
        self._site = site
        self._problem: ClientError | None = None
        self._ended = False
        self._closed = False

    def _saying(self, messages: object, options: Mapping[str, Any]) -> chat_pb2.ConverseRequest:
        """The message of a new turn; its options hold from now on."""
        if self._closed:
            raise FailedPrecondition(
                ErrorKind.FAILED_PRECONDITION,
                "The conversation is closed.",
                fix="Begin another: client.conversation().",
            )
        merged = {**self._options, **options}
        say = chat_request(messages, merged)
        request = chat_pb2.ConverseRequest(turn=str(next(self._names)), say=say)
        checked_size(request, CONVERSE.path)
        self._options = merged
        return request

    def _deliver(self, event: chat_pb2.ConverseEvent) -> None:
        """Hand an event to its turn."""
        turn = self._waiting.get(event.turn)
        if turn is None:  # of a later server: nothing that we asked for
            return
        turn._events.append(event)  # noqa: SLF001 - a turn is a part of its conversation
        if event.HasField("error") or event.piece.finish_reason:
            del self._waiting[event.turn]

    def _stopping(self, turn: Turn) -> chat_pb2.ConverseRequest | None:
        """The message that stops a turn; None where nothing is left to stop."""
        if turn.name not in self._waiting or self._ended or self._closed:
            return None
        return chat_pb2.ConverseRequest(turn=turn.name, cancel=chat_pb2.ConverseRequest.Cancel())

    def _end(self, problem: ClientError | None) -> None:
        """Nothing more will come."""
        self._ended = True
        self._problem = self._problem or problem
