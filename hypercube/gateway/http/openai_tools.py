"""Tools and answer formats as OpenAI's clients send them, and their conversion to ours."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from hypercube.core.engine import Tool, ToolCall, ToolChoice

ANY_OBJECT: Final = '{"type": "object"}'
"""The JSON schema of `json_object`."""


class Strict(BaseModel):
    """A body or a part of one: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def refused(message: str, fix: str, *param: str | int, value: Any = None) -> PydanticCustomError:
    """An error of a validator here that `gateway.validation` writes out; `param` goes on from where it stands."""
    # The message is a template there: a brace of the caller's must not be one.
    return PydanticCustomError(
        "refused", "{said}", {"said": message, "param": param, "value": value, "fix": fix}
    )


def _encodable(value: dict[str, Any]) -> dict[str, Any]:
    """JSON can spell what cannot be written again: half of a surrogate pair, a number that is infinite."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise refused("holds what no JSON text can hold.", "Send valid Unicode and finite numbers.") from None
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_encodable), WithJsonSchema({"type": "object"})]


class FunctionDefinition(Strict):
    """A function that the model may call; `strict` asks for what is done anyway where a call is forced."""

    name: str
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class FunctionTool(Strict):
    """A tool; OpenAI's tools of its own (search, code, custom grammars) are not offered here."""

    type: Literal["function"]
    function: FunctionDefinition

    def to_tool(self) -> Tool:
        """The tool in our own terms."""
        return tool(self.function.name, self.function.description, self.function.parameters)


def tool(name: str, description: str | None, parameters: dict[str, Any] | None) -> Tool:
    """A tool in our own terms; one without parameters takes none."""
    given = parameters or {"type": "object", "properties": {}}
    return Tool(name, description or "", json.dumps(given, ensure_ascii=False))


class NamedFunction(Strict):
    """The name of a tool."""

    name: str


class NamedToolChoice(Strict):
    """The one tool that has to be called."""

    type: Literal["function"]
    function: NamedFunction


ToolChoiceBody = Literal["none", "auto", "required"] | NamedToolChoice


def choice_of(choice: ToolChoiceBody | None) -> tuple[ToolChoice, str]:
    """Whether a tool must be called, and which."""
    match choice:
        case None:
            return ToolChoice.AUTO, ""
        case NamedToolChoice():
            return ToolChoice.REQUIRED, choice.function.name
        case _:
            return ToolChoice(choice), ""


class CalledFunction(Strict):
    """What was called, with what; `arguments` is JSON text."""

    name: str
    arguments: str


class CalledTool(Strict):
    """A call in an assistant's turn, as it came in an answer."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
    index: Annotated[int | None, Field(description="Accepted and without effect here.")] = None

    def to_call(self) -> ToolCall:
        """The call in our own terms."""
        return ToolCall(self.id, self.function.name, self.function.arguments)


class TextFormat(Strict):
    """Free text."""

    type: Literal["text"]


class JsonObjectFormat(Strict):
    """Any JSON object."""

    type: Literal["json_object"]


class NamedSchema(Strict):
    """A JSON schema; the answer is constrained to it, `strict` or not."""

    name: str
    description: str | None = None
    schema_: Annotated[JsonObject | None, Field(alias="schema")] = None
    strict: bool | None = None


class JsonSchemaFormat(Strict):
    """JSON of a schema."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


def schema_of(form: TextFormat | JsonObjectFormat | JsonSchemaFormat | None) -> str | None:
    """The JSON schema of an answer as JSON text; None for free text."""
    match form:
        case None | TextFormat():
            return None
        case JsonObjectFormat():
            return ANY_OBJECT
        case JsonSchemaFormat():
            return schema_text(form.json_schema.schema_)


def schema_text(schema: dict[str, Any] | None) -> str:
    """A schema as JSON text; without one, any object will do."""
    return ANY_OBJECT if schema is None else json.dumps(schema, ensure_ascii=False)
