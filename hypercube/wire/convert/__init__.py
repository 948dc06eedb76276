"""Protobuf to core types and back, shared by the gateway and the client SDK.

`…_to_proto` takes a core value and returns a message; `…_from_proto` the reverse. An empty string or the
`…_UNSPECIFIED` member on the wire is `None` in core. A value that does not fit its field (an enum number from
nowhere, an integer past 32 bits, text that is no text) is INVALID_ARGUMENT and
names the field, on both sides.
"""

from hypercube.wire.convert.chart_bytes import everyday_to_bytes
from hypercube.wire.convert.charts import (
    birth_from_proto,
    birth_to_proto,
    chart_from_proto,
    chart_to_proto,
    charts_request_to_proto,
    result_from_proto,
    result_to_proto,
)
from hypercube.wire.convert.chat import (
    chat_request_from_proto,
    chat_request_to_proto,
)
from hypercube.wire.convert.chat_answers import (
    event_from_proto,
    event_to_proto,
    grounding_from_proto,
    grounding_to_proto,
    logprobs_from_proto,
    logprobs_to_proto,
    tool_call_from_proto,
    tool_call_to_proto,
    usage_from_proto,
    usage_to_proto,
)
from hypercube.wire.convert.compatibility import (
    compatibility_from_proto,
    compatibility_request_from_proto,
    compatibility_request_to_proto,
    compatibility_to_proto,
)
from hypercube.wire.convert.errors import (
    error_from_proto,
    error_to_proto,
)
from hypercube.wire.convert.model_commands import (
    ADMIN_METHODS,
    AdminMethod,
    command_from_proto,
    command_to_proto,
)
from hypercube.wire.convert.models import (
    model_from_proto,
    model_to_proto,
    models_to_proto,
)
from hypercube.wire.convert.readings import (
    formed_reading_from_proto,
    formed_reading_to_proto,
    reading_event_from_proto,
    reading_event_to_proto,
    reading_request_from_proto,
    reading_request_to_proto,
)
from hypercube.wire.convert.records import from_message, member, to_message

__all__ = [
    "ADMIN_METHODS",
    "AdminMethod",
    "birth_from_proto",
    "birth_to_proto",
    "chart_from_proto",
    "chart_to_proto",
    "charts_request_to_proto",
    "chat_request_from_proto",
    "chat_request_to_proto",
    "command_from_proto",
    "command_to_proto",
    "compatibility_from_proto",
    "compatibility_request_from_proto",
    "compatibility_request_to_proto",
    "compatibility_to_proto",
    "error_from_proto",
    "error_to_proto",
    "event_from_proto",
    "event_to_proto",
    "everyday_to_bytes",
    "formed_reading_from_proto",
    "formed_reading_to_proto",
    "from_message",
    "grounding_from_proto",
    "grounding_to_proto",
    "logprobs_from_proto",
    "logprobs_to_proto",
    "member",
    "model_from_proto",
    "model_to_proto",
    "models_to_proto",
    "reading_event_from_proto",
    "reading_event_to_proto",
    "reading_request_from_proto",
    "reading_request_to_proto",
    "result_from_proto",
    "result_to_proto",
    "to_message",
    "tool_call_from_proto",
    "tool_call_to_proto",
    "usage_from_proto",
    "usage_to_proto",
]
