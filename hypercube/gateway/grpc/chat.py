"""hypercube.v1.Chat."""

from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.core.engine import FinishReason, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.gateway.grpc.conversation import converse
from hypercube.gateway.grpc.keyed import keyed, never_kept
from hypercube.gateway.grpc.methods import Methods, Session, Streaming, Unary
from hypercube.gateway.handlers import choices
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Mapped
from hypercube.wire import convert
from hypercube.wire.v1 import chat_pb2


async def complete(
    services: GatewayServices, request: chat_pb2.ChatRequest, call: Call
) -> chat_pb2.ChatReply:
    """Whole answers."""
    answer = await choices.complete(services, _requests(request), call)
    first, *further = map(_choice, answer.choices)
    usage = choices.total([each.usage for each in answer.choices], len(answer.choices))
    return chat_pb2.ChatReply(
        id=answer.id,
        model=answer.model,
        content=first.content,
        finish_reason=first.finish_reason,
        usage=convert.usage_to_proto(usage),
        tool_calls=first.tool_calls,
        logprobs=first.logprobs,
        further=further,
        grounding=first.grounding if first.HasField("grounding") else None,
    )


async def stream(
    services: GatewayServices, request: chat_pb2.ChatRequest, call: Call
) -> AsyncIterator[Message]:
    """Answers piece by piece."""
    answer = await choices.stream(services, _requests(request), call)

    def written(piece: choices.ChoiceEvent) -> Message:
        return convert.event_to_proto(piece.event, id=answer.id, model=answer.model, index=piece.index)

    return Mapped(answer.events, written)


def _requests(message: chat_pb2.ChatRequest) -> tuple[GenerationRequest, ...]:
    """One request for each answer that is wanted."""
    n = message.n if message.HasField("n") else 1
    if not 1 <= n <= choices.MAX_CHOICES:
        raise invalid(f"n is {n}.", param="n", value=n, fix=f"Ask for 1 to {choices.MAX_CHOICES} answers.")
    return choices.repeated(convert.chat_request_from_proto(message), n)


def _choice(choice: choices.Choice) -> chat_pb2.ChatChoice:
    return chat_pb2.ChatChoice(
        content=choice.text,
        finish_reason=_reason(choice.finish_reason),
        tool_calls=map(convert.tool_call_to_proto, choice.tool_calls),
        logprobs=convert.logprobs_to_proto(choice.logprobs),
        grounding=convert.grounding_to_proto(choice.grounding),
    )


def _reason(reason: FinishReason | None) -> str:
    if reason is None:  # the handler's streams end with one, or fail
        raise HyperCubeError(ErrorKind.ENGINE_FAILED, "The model stopped in the middle of its answer.")
    return reason.value


METHODS: Final[Methods] = {
    "Complete": Unary(
        chat_pb2.ChatRequest,
        keyed("hypercube.v1.Chat/Complete", complete),
        lambda services: services.limits.chat_s,
    ),
    "Stream": Streaming(chat_pb2.ChatRequest, never_kept(stream), lambda services: services.limits.chat_s),
    "Converse": Session(converse, lambda services: services.limits.chat_s),
}
