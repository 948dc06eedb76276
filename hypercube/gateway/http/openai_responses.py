"""OpenAI's responses request as its official client sends it, and its conversion to ours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling, ToolCall, ToolChoice
from hypercube.gateway.http.openai_numbers import (
    Seed,
    Temperature,
    Tokens,
    TopLogprobs,
    TopP,
)
from hypercube.gateway.http.openai_protocol import EndUser, Hint, end_user_of, only
from hypercube.gateway.http.openai_tools import (
    ANY_OBJECT,
    JsonObject,
    JsonObjectFormat,
    Strict,
    TextFormat,
    refused,
    schema_text,
    tool,
)

LOGPROBS: Final = "message.output_text.logprobs"


class InputText(Strict):
    """A text of the caller's."""

    type: Literal["input_text"]
    text: str
    prompt_cache_breakpoint: Annotated[Any, only()] = None


class OutputText(Strict):
    """A text of the model's, as it came."""

    type: Literal["output_text"]
    text: str
    annotations: Annotated[Any, only([])] = None
    logprobs: Hint = None


TextPart = Annotated[InputText | OutputText, Field(discriminator="type")]


class InputMessage(Strict):
    """One turn."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: str | tuple[TextPart, ...]
    id: Hint = None
    status: Hint = None
    phase: Hint = None


class FunctionCallItem(Strict):
    """A call that the model made, as it came."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    id: Hint = None
    status: Hint = None


class FunctionCallOutput(Strict):
    """What a called function said."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | tuple[InputText, ...]
    id: Hint = None
    status: Hint = None


def _kind_of(item: Any) -> str | None:
    """Which of the three an item is; what says nothing is a message."""
    if isinstance(item, Mapping):
        kind = item.get("type", "message")
        return kind if isinstance(kind, str) else None
    return getattr(item, "type", None)


InputItem = Annotated[
    Annotated[InputMessage, Tag("message")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")],
    Discriminator(
        _kind_of,
        custom_error_type="item_type",
        custom_error_message="names no item that is read here.",
        custom_error_context={
            "param": ("type",),
            "fix": "Write one of: message, function_call, function_call_output.",
        },
    ),
]


class ResponseTool(Strict):
    """A function that the model may call; OpenAI's own tools are not offered here."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class ResponseToolChoice(Strict):
    """The one tool that has to be called."""

    type: Literal["function"]
    name: str


class ResponseSchemaFormat(Strict):
    """JSON of a schema; the answer is constrained to it, `strict` or not."""

    type: Literal["json_schema"]
    name: str
    description: str | None = None
    schema_: Annotated[JsonObject, Field(alias="schema")]
    strict: bool | None = None


class TextOptions(Strict):
    """How the text of an answer is to look."""

    format: Annotated[
        TextFormat | JsonObjectFormat | ResponseSchemaFormat | None, Field(discriminator="type")
    ] = None
    verbosity: Annotated[Any, only("medium")] = None


class ResponsesRequest(Strict):
    """The body of POST /v1/responses."""

    input: str | tuple[InputItem, ...]
    model: str = Field(default="", description="As listed by /v1/models; empty for the server's default.")
    instructions: str | None = None
    previous_response_id: str | None = None
    max_output_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    seed: Seed | None = None
    text: TextOptions | None = None
    tools: tuple[ResponseTool, ...] | None = None
    tool_choice: Literal["none", "auto", "required"] | ResponseToolChoice | None = None
    parallel_tool_calls: bool | None = None
    include: tuple[Literal["message.output_text.logprobs"], ...] | None = None
    top_logprobs: TopLogprobs | None = None
    stream: bool | None = None
    background: bool | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None

    prompt_cache_key: Hint = None
    safety_identifier: EndUser = None

    access_programs: Annotated[Any, only()] = None
    background_options: Annotated[Any, only()] = None
    context_management: Annotated[Any, only([])] = None
    conversation: Annotated[Any, only()] = None
    image: Annotated[Any, only()] = None
    max_tool_calls: Annotated[Any, only()] = None
    moderation: Annotated[Any, only()] = None
    prompt: Annotated[Any, only()] = None
    prompt_cache_options: Annotated[Any, only()] = None
    prompt_cache_retention: Annotated[Any, only()] = None
    reasoning: Annotated[Any, only({})] = None
    service_tier: Annotated[Any, only("auto", "default")] = None
    stream_options: Annotated[Any, only({}, {"include_obfuscation": False})] = None
    truncation: Annotated[Any, only("disabled")] = None

    @model_validator(mode="after")
    def _agrees(self) -> "ResponsesRequest":
        if self.background and self.stream:
            raise refused(
                "is not streamed here.", "Leave stream out, and ask for the response by its id.", "background"
            )
        if self.background and self.store is False:
            raise refused("is kept until it is read.", "Leave store out, or send true.", "background")
        return self

    @property
    def end_user(self) -> str:
        """Whom the answer is for; empty where that is not said."""
        return end_user_of(self.safety_identifier, self.user)

    @property
    def names(self) -> dict[str, str]:
        """What the caller calls that the engines call otherwise."""
        return {
            "max_tokens": "max_output_tokens",
            "messages": "input",
            "response_format": "text.format",
            "logprobs": "include",
        }

    def turns(self) -> tuple[ChatMessage, ...]:
        """The input as turns; calls that follow one another are one turn's."""
        if isinstance(self.input, str):
            return (ChatMessage("user", self.input),)
        turns: list[ChatMessage] = []
        for item in self.input:
            match item:
                case InputMessage():
                    role = "system" if item.role == "developer" else item.role
                    turns.append(ChatMessage(role, _text(item.content)))
                case FunctionCallItem():
                    called = (ToolCall(item.call_id, item.name, item.arguments),)
                    if turns and turns[-1].role == "assistant":
                        turns[-1] = replace(turns[-1], tool_calls=turns[-1].tool_calls + called)
                    else:
                        turns.append(ChatMessage("assistant", "", called))
                case FunctionCallOutput():
                    turns.append(ChatMessage("tool", _text(item.output), tool_call_id=item.call_id))
        return tuple(turns)

    def to_generation(self, before: Sequence[ChatMessage]) -> GenerationRequest:
        """The request in our own terms; `before` are the turns of the response that it goes on from."""
        told = () if self.instructions is None else (ChatMessage("system", self.instructions),)
        choice, name = self._choice()
        rated = LOGPROBS in (self.include or ()) or bool(self.top_logprobs)
        return GenerationRequest(
            messages=(*told, *before, *self.turns()),
            model=self.model,
            max_tokens=self.max_output_tokens,
            sampling=Sampling(temperature=self.temperature, top_p=self.top_p, seed=self.seed),
            json_schema=self._schema(),
            logprobs=(self.top_logprobs or 0) if rated else None,
            tools=tuple(tool(each.name, each.description, each.parameters) for each in self.tools or ()),
            tool_choice=choice,
            tool_name=name,
            parallel_tool_calls=self.parallel_tool_calls is not False,
        )

    def _choice(self) -> tuple[ToolChoice, str]:
        if isinstance(self.tool_choice, ResponseToolChoice):
            return ToolChoice.REQUIRED, self.tool_choice.name
        return ToolChoice(self.tool_choice or "auto"), ""

    def _schema(self) -> str | None:
        match self.text.format if self.text is not None else None:
            case None | TextFormat():
                return None
            case JsonObjectFormat():
                return ANY_OBJECT
            case ResponseSchemaFormat() as form:
                return schema_text(form.schema_)


def _text(content: "str | Sequence[InputText | OutputText]") -> str:
    return content if isinstance(content, str) else "\n".join(part.text for part in content)
