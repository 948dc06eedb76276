"""What both clients decide of model administration: the methods, the commands, and what their outcomes hold."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from hypercube.client import _constants as const
from hypercube.client._answers import read
from hypercube.client._methods import Method
from hypercube.client._requests import own_errors
from hypercube.client.exceptions import InternalError
from hypercube.core.errors import ErrorKind
from hypercube.core.model_admin import ModelAction, ModelCommand, ModelOutcome
from hypercube.wire.convert import ADMIN_METHODS, command_to_proto

T = TypeVar("T")

ADMIN: Final[Mapping[ModelAction, Method[Any, Any]]] = {
    action: Method(
        f"/hypercube.v1.Models/{method.name}",
        method.request,
        method.reply,
        const.DEFAULT_CHAT_TIMEOUT_S if method.slow else const.DEFAULT_TIMEOUT_S,
        method.repeatable,
    )
    for action, method in ADMIN_METHODS.items()
}


def command(action: ModelAction, model: str = "", **fields: Any) -> ModelCommand:
    """What is asked."""
    return ModelCommand(action, model, **fields)


def command_message(asked: ModelCommand) -> Message:
    """The message that travels."""
    with own_errors():
        return command_to_proto(asked)


def outcome(action: ModelAction, reply: Message) -> ModelOutcome:
    """What the server says it did."""
    return read(ADMIN_METHODS[action].to_outcome, reply)


def given(part: T | None) -> T:
    """The part of an outcome that belongs to its action."""
    if part is None:
        raise InternalError(ErrorKind.INTERNAL, "The server's answer is empty.")
    return part
