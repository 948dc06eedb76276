"""The JSON bodies of answers in the form of OpenAI, as types: what handlers build, and what the documentation shows."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from hypercube.core.reading import Checked


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
