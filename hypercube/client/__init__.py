"""The SDK: `Client` and `AsyncClient` talk to a HyperCube server over gRPC.

It needs gRPC and protobuf, no NumPy and no server. Both clients have the same methods and share every decision;
what they raise is drawn in `hypercube.client.exceptions`.
"""

from hypercube.client._answers import ChatAnswer, ChatChoice, CubeInfo, Vectors
from hypercube.client._async import AsyncClient
from hypercube.client._async_streams import AsyncChatStream, AsyncPillarsStream
from hypercube.client._channel import NOT_GIVEN, NotGiven, Tls
from hypercube.client._chat_options import ChatOptions
from hypercube.client._conversation_async import AsyncChatTurn, AsyncConversation
from hypercube.client._conversation_sync import ChatTurn, Conversation
from hypercube.client._raw import RawAnswer
from hypercube.client._sync import Client
from hypercube.client._sync_streams import ChatStream, PillarsStream
from hypercube.client.exceptions import (
    Cancelled,
    ClientError,
    ConnectionFailed,
    ContextLengthExceeded,
    DeadlineExceeded,
    EngineFailed,
    FailedPrecondition,
    InternalError,
    InvalidArgument,
    ModelNotFound,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    error_of,
)
from hypercube.core.adapters import ServedAdapter
from hypercube.core.calendar import LuckAge, LunarDay, YearTerms
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.chart import (
    BirthInput,
    Calendar,
    Chart,
    ChartResult,
    DayBoundary,
    Include,
    Sex,
    TimeBasis,
)
from hypercube.core.compatibility import Compatibility, CompatibilityLength, Pair
from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.core.model_admin import (
    ModelRemoval,
    ModelRoutes,
    ModelVerification,
    RouteMove,
    StoreCollection,
)
from hypercube.core.reading import (
    FormedReading,
    Reading,
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingSection,
    ReadingTone,
    ReadingWriter,
)
from hypercube.core.served_models import ServedModel

__all__ = [
    "NOT_GIVEN",
    "AsyncChatStream",
    "AsyncChatTurn",
    "AsyncClient",
    "AsyncConversation",
    "AsyncPillarsStream",
    "BirthInput",
    "Calendar",
    "CanaryBounds",
    "Cancelled",
    "Chart",
    "ChartResult",
    "ChatAnswer",
    "ChatChoice",
    "ChatMessage",
    "ChatOptions",
    "ChatStream",
    "ChatTurn",
    "Client",
    "ClientError",
    "Compatibility",
    "CompatibilityLength",
    "ConnectionFailed",
    "ContextLengthExceeded",
    "Conversation",
    "CubeInfo",
    "DayBoundary",
    "DeadlineExceeded",
    "EngineFailed",
    "ErrorKind",
    "FailedPrecondition",
    "Failure",
    "FinishReason",
    "FormedReading",
    "GenerationEvent",
    "HyperCubeError",
    "Include",
    "InternalError",
    "InvalidArgument",
    "LuckAge",
    "LunarDay",
    "ModelNotFound",
    "ModelRemoval",
    "ModelRoutes",
    "ModelVerification",
    "NotFound",
    "NotGiven",
    "Overloaded",
    "Pair",
    "PayloadTooLarge",
    "PermissionDenied",
    "PillarsStream",
    "RawAnswer",
    "Reading",
    "ReadingAudience",
    "ReadingLanguage",
    "ReadingLength",
    "ReadingSection",
    "ReadingTone",
    "ReadingWriter",
    "RouteMove",
    "ServedAdapter",
    "ServedModel",
    "Sex",
    "StoreCollection",
    "TimeBasis",
    "Tls",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "Unauthenticated",
    "Unavailable",
    "Usage",
    "Vectors",
    "YearTerms",
    "error_of",
]
