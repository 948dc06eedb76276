"""The gRPC methods that the clients call, and how each is called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from hypercube.client import _constants as const
from hypercube.client._columns import EmbedReply, PillarsReply, PillarsRequest
from hypercube.wire.v1 import (
    calendar_pb2,
    chat_pb2,
    cubes_pb2,
    embeddings_pb2,
    models_pb2,
    reading_pb2,
    saju_pb2,
)

RequestT = TypeVar("RequestT", bound=Message | PillarsRequest)
ReplyT = TypeVar("ReplyT", bound=Message | PillarsReply | EmbedReply)


@dataclass(frozen=True, slots=True)
class Method(Generic[RequestT, ReplyT]):
    """A gRPC method and how it is called.

    Attributes:
        path: full name.
        request: message type.
        reply: message type, of each piece where the method streams.
        timeout_s: default deadline.
        repeatable: whether a request that the server may have seen can be sent again.
        hedged: whether it is quick and the same each time, so that two may run and one be dropped.
        keyed: whether it goes with an idempotency key: it is costly, or may have effects.
    """

    path: str
    request: type[RequestT]
    reply: type[ReplyT]
    timeout_s: float = const.DEFAULT_TIMEOUT_S
    repeatable: bool = True
    hedged: bool = False
    keyed: bool = False

    def of(self, kind: Callable[..., Any]) -> Any:
        """What sends it, where `kind` is its channel's `unary_unary`, `unary_stream` or `stream_stream`."""
        return kind(self.path, self.request.SerializeToString, self.reply.FromString)


CHART: Final = Method("/hypercube.v1.Saju/Chart", saju_pb2.Birth, saju_pb2.ChartReply, hedged=True)
CHARTS: Final = Method("/hypercube.v1.Saju/Charts", saju_pb2.ChartsRequest, saju_pb2.ChartsReply, hedged=True)
TERMS: Final = Method("/hypercube.v1.Saju/Terms", saju_pb2.TermsRequest, calendar_pb2.YearTerms, hedged=True)
LUNAR: Final = Method("/hypercube.v1.Saju/Lunar", saju_pb2.LunarRequest, calendar_pb2.LunarDay, hedged=True)
PILLARS: Final = Method("/hypercube.v1.Saju/Pillars", PillarsRequest, PillarsReply, hedged=True)
PILLARS_STREAM: Final = Method(
    "/hypercube.v1.Saju/PillarsStream",
    PillarsRequest,
    PillarsReply,
    const.DEFAULT_CHAT_TIMEOUT_S,
    repeatable=False,
)
INTERPRET: Final = Method(
    "/hypercube.v1.Reading/Interpret", reading_pb2.InterpretRequest, reading_pb2.ReadingEvent
)
COMPATIBILITY: Final = Method(
    "/hypercube.v1.Reading/Compatibility", reading_pb2.CompatibilityRequest, reading_pb2.CompatibilityReply
)
COMPLETE: Final = Method(
    "/hypercube.v1.Chat/Complete",
    chat_pb2.ChatRequest,
    chat_pb2.ChatReply,
    const.DEFAULT_CHAT_TIMEOUT_S,
    keyed=True,
)
STREAM: Final = Method(
    "/hypercube.v1.Chat/Stream",
    chat_pb2.ChatRequest,
    chat_pb2.ChatEvent,
    const.DEFAULT_CHAT_TIMEOUT_S,
    keyed=True,
)
CONVERSE: Final = Method(
    "/hypercube.v1.Chat/Converse",
    chat_pb2.ConverseRequest,
    chat_pb2.ConverseEvent,
    const.DEFAULT_CONVERSATION_TIMEOUT_S,
    repeatable=False,
)
EMBED: Final = Method(
    "/hypercube.v1.Embeddings/Embed",
    embeddings_pb2.EmbedRequest,
    EmbedReply,
    const.DEFAULT_EMBED_TIMEOUT_S,
    hedged=True,
)
LIST_MODELS: Final = Method(
    "/hypercube.v1.Models/List", models_pb2.ListModelsRequest, models_pb2.ListModelsReply, hedged=True
)
LIST_CUBES: Final = Method(
    "/hypercube.v1.Cubes/List", cubes_pb2.ListCubesRequest, cubes_pb2.ListCubesReply, hedged=True
)
PROCESS: Final = Method(
    "/hypercube.v1.Cubes/Process",
    cubes_pb2.ProcessRequest,
    cubes_pb2.ProcessReply,
    const.DEFAULT_CHAT_TIMEOUT_S,  # the cube may be the chat's
    repeatable=False,
    keyed=True,
)
# The health service's messages have one field each, a string and an enum, both numbered 1: the same bytes as
# protobuf's own wrappers. So the client needs no health package, nor a second copy of its descriptors.
WATCH_HEALTH: Final = Method(
    "/grpc.health.v1.Health/Watch",
    wrappers_pb2.StringValue,
    wrappers_pb2.Int32Value,
    const.DEFAULT_READY_TIMEOUT_S,
)
