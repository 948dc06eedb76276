"""The JSON bodies of the answers, as types: what handlers build, and what the documentation shows."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from hypercube.core.chart import Chart
from hypercube.core.compatibility import CompatibilityOptions, Pair
from hypercube.core.monitor import LogRecord, SpanRecord
from hypercube.core.reading import Checked


class ErrorObject(TypedDict):
    """Why a request, or one row of it, failed."""

    message: str
    type: str
    param: str | None
    code: str
    value: str | int | float | bool | None
    fix: str | None
    details: dict[str, Any] | None


class ErrorBody(TypedDict):
    """The body of every failed request."""

    error: ErrorObject


class ChartRow(TypedDict):
    """What became of one birth: exactly one of the two is not null."""

    chart: Chart | None
    error: ErrorObject | None


class ChartsBody(TypedDict):
    """One row a birth, in the order given."""

    results: list[ChartRow]


class PairErrorBody(TypedDict):
    """Somebody of a list whose chart could not be made."""

    index: int
    error: ErrorObject


class CompatibilityBody(TypedDict):
    """One pair, or the best of a list, the best first."""

    first: Chart
    pairs: list[Pair]
    errors: list[PairErrorBody]
    compared: int
    score_version: int
    written_by: str
    corpus_version: str
    checked: Checked
    options: CompatibilityOptions


class UsageBody(TypedDict):
    """Token counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CalledFunctionBody(TypedDict):
    """What is to be called, with what; `arguments` is JSON text that the model wrote."""

    name: str
    arguments: str


class ToolCallBody(TypedDict):
    """A call that the model wants made."""

    id: str
    type: Literal["function"]
    function: CalledFunctionBody


class TopLogprobBody(TypedDict):
    """A token that could have stood in a place."""

    token: str
    logprob: float
    bytes: list[int]


class LogprobBody(TypedDict):
    """A token of the answer."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[TopLogprobBody]


class LogprobsBody(TypedDict):
    """The tokens of an answer."""

    content: list[LogprobBody]
    refusal: None


class AssistantMessage(TypedDict):
    """The model's turn; one that only calls tools has no content."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    tool_calls: NotRequired[list[ToolCallBody]]


class GroundingBody(TypedDict):
    """Not OpenAI's: what an answer of the model `saju` about a chart rests on."""

    written_by: str
    facts: list[str]
    checked: Checked


class ChatChoice(TypedDict):
    """One of the answers."""

    index: int
    message: AssistantMessage
    logprobs: LogprobsBody | None
    finish_reason: str
    x_hypercube: NotRequired[GroundingBody]


class ChatCompletionBody(TypedDict):
    """Whole answers."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: UsageBody


class CompletionLogprobsBody(TypedDict):
    """The tokens of a continued text, as parallel lists; an offset counts characters from the beginning of it."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]] | None
    text_offset: list[int]


class CompletionChoice(TypedDict):
    """One of the texts."""

    index: int
    text: str
    logprobs: CompletionLogprobsBody | None
    finish_reason: str


class CompletionBody(TypedDict):
    """Whole texts."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: UsageBody


class ResponseUsageBody(TypedDict):
    """Token counts of a response."""

    input_tokens: int
    input_tokens_details: dict[str, int]
    output_tokens: int
    output_tokens_details: dict[str, int]
    total_tokens: int


class ResponseErrorBody(TypedDict):
    """Why a response failed."""

    code: str
    message: str


class ResponseBody(TypedDict):
    """A response: what was asked, and what came of it."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: str
    background: bool
    error: ResponseErrorBody | None
    incomplete_details: dict[str, str] | None
    instructions: str | None
    max_output_tokens: int | None
    metadata: dict[str, str]
    model: str
    output: list[dict[str, Any]]
    parallel_tool_calls: bool
    previous_response_id: str | None
    store: bool
    temperature: float | None
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float | None
    truncation: str
    usage: ResponseUsageBody | None
    user: str | None
    x_hypercube: NotRequired[GroundingBody]


class DeletedResponseBody(TypedDict):
    """A response that is no more."""

    id: str
    object: Literal["response"]
    deleted: bool


class TokenizeBody(TypedDict):
    """The tokens of a text."""

    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str] | None


class DetokenizeBody(TypedDict):
    """The text of tokens."""

    prompt: str


class EmbeddingObject(TypedDict):
    """A text's vector: numbers, or base64 of little-endian float32."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsUsageBody(TypedDict):
    """Token counts."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsBody(TypedDict):
    """One vector a text, in the order given."""

    object: Literal["list"]
    data: list[EmbeddingObject]
    model: str
    usage: EmbeddingsUsageBody


class ModelVersionBody(TypedDict):
    """A version of a served model; the figures are of the split's window, and null or 0 without a split."""

    id: str
    version: str
    state: str
    reason: str
    aliases: list[str]
    share: float
    in_flight: int
    measured_bytes: int | None
    requests: int
    failed: int
    first_p95_s: float | None
    total_p95_s: float | None
    withdrawn: str


class ModelBody(TypedDict):
    """A served model: OpenAI's four fields, then ours."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    engine: str
    context_length: int
    licence: str
    state: str
    reason: str
    progress: float | None
    version: str
    on_demand: bool
    pinned: bool
    measured_bytes: int | None
    versions: list[ModelVersionBody]
    routing_note: str
    digest: str
    parent: str | None
    capabilities: list[str]


class ModelListBody(TypedDict):
    """Every served model."""

    object: Literal["list"]
    data: list[ModelBody]


class DependencyBody(TypedDict):
    """A cube that must run first."""

    name: str
    versions: str


class CubeBody(TypedDict):
    """Who a cube is and how it is."""

    name: str
    version: str
    color: str
    category: str
    summary: str
    dependencies: list[DependencyBody]
    capabilities: list[str]
    state: str
    health: str
    health_reason: str


class CubeListBody(TypedDict):
    """Every cube."""

    cubes: list[CubeBody]


class MetricBody(TypedDict):
    """One number."""

    name: str
    labels: dict[str, str]
    value: float


class CubeDetailBody(CubeBody):
    """A cube with what it takes and gives, and what it remembers of its last minute."""

    request_schema: dict[str, Any]
    response_schema: dict[str, Any]
    metrics: list[MetricBody]
    logs: list[LogRecord]
    traces: list[SpanRecord]


class PartBody(TypedDict):
    """One part of the server."""

    ready: bool
    reason: str


class ReadyBody(TypedDict):
    """The server and each of its parts."""

    ready: bool
    parts: dict[str, PartBody]


class LiveBody(TypedDict):
    """The process answers."""

    live: bool
