"""OpenAI's completions request (a plain text continued) and vLLM's tokenizer requests, and their conversion to ours."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from hypercube.core.engine import GenerationRequest, Sampling, TokenizeRequest
from hypercube.gateway.handlers.choices import MAX_CHOICES, repeated
from hypercube.gateway.http.openai_numbers import (
    Choices,
    FrequencyPenalty,
    MinP,
    PresencePenalty,
    Seed,
    Temperature,
    Tokens,
    TopK,
    TopP,
)
from hypercube.gateway.http.openai_protocol import (
    EndUser,
    LogitBias,
    OpenAIMessage,
    Stop,
    StreamOptions,
    bias_of,
    only,
    wants_usage,
)
from hypercube.gateway.http.openai_tools import ResponseFormat, Strict, refused, schema_of

MAX_LOGPROBS: Final = 20
_DEFAULT_TOKENS: Final = 16
"""OpenAI's own; without it a text would be continued until the context is full."""


def _prompts(given: Any) -> Any:
    """One prompt or several, each a text or token ids."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, list):
        return given
    if given and all(isinstance(each, int) and not isinstance(each, bool) for each in given):
        return (tuple(given),)
    return tuple(tuple(each) if isinstance(each, list) else each for each in given)


_TOKENS: Final[dict[str, Any]] = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "minItems": 1,
}
_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1}
_Prompts = Annotated[
    tuple[str | tuple[int, ...], ...],
    BeforeValidator(_prompts),
    WithJsonSchema(
        {
            "anyOf": [
                _TEXT,
                _TOKENS,
                {
                    "type": "array",
                    "items": {"anyOf": [_TEXT, _TOKENS]},
                    "minItems": 1,
                    "maxItems": MAX_CHOICES,
                },
            ]
        }
    ),
]


class CompletionRequest(Strict):
    """The body of POST /v1/completions."""

    prompt: _Prompts
    model: str = Field(default="", description="As listed by /v1/models; empty for the server's default.")
    max_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    top_k: TopK | None = None
    min_p: MinP | None = None
    frequency_penalty: FrequencyPenalty | None = None
    presence_penalty: PresencePenalty | None = None
    seed: Seed | None = None
    stop: Stop = ()
    logit_bias: LogitBias | None = None
    logprobs: Annotated[int, Field(ge=0, le=MAX_LOGPROBS)] | None = None
    n: Choices | None = None
    response_format: ResponseFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    user: EndUser = None

    best_of: Annotated[Any, only(1)] = None
    echo: Annotated[Any, only(False)] = None
    suffix: Annotated[Any, only("")] = None

    @model_validator(mode="after")
    def _agrees(self) -> "CompletionRequest":
        if not self.prompt:
            raise refused("is an empty list.", "Send one prompt, or a list of them.", "prompt")
        if len(self.prompt) * (self.n or 1) > MAX_CHOICES:
            raise refused(
                f"has {len(self.prompt)} prompts, which with n make {len(self.prompt) * (self.n or 1)} answers.",
                f"Ask for at most {MAX_CHOICES} answers in one request.",
                "prompt",
                value=len(self.prompt),
            )
        if self.stream_options is not None and not self.stream:
            raise refused("is for streams alone.", 'Send "stream": true, or leave it out.', "stream_options")
        return self

    @property
    def names(self) -> Mapping[str, str]:
        """What the caller calls that the engines call otherwise."""
        return {"top_logprobs": "logprobs"}

    @property
    def choices(self) -> int:
        """How many texts are wanted to each prompt."""
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk of token counts."""
        return wants_usage(self.stream_options)

    def to_generations(self) -> tuple[GenerationRequest, ...]:
        """The requests in our own terms: to each prompt as many as texts are wanted."""
        return tuple(
            each for prompt in self.prompt for each in repeated(self._generation(prompt), self.choices)
        )

    def _generation(self, prompt: str | tuple[int, ...]) -> GenerationRequest:
        return GenerationRequest(
            messages=(),
            prompt=prompt,
            model=self.model,
            max_tokens=_DEFAULT_TOKENS if self.max_tokens is None else self.max_tokens,
            sampling=Sampling(
                temperature=self.temperature,
                top_p=self.top_p,
                top_k=self.top_k,
                min_p=self.min_p,
                frequency_penalty=self.frequency_penalty,
                presence_penalty=self.presence_penalty,
                seed=self.seed,
                stop=self.stop,
                logit_bias=bias_of(self.logit_bias),
            ),
            json_schema=schema_of(self.response_format),
            logprobs=self.logprobs,
        )


class TokenizeBodyRequest(Strict):
    """The body of POST /tokenize: a text, or a chat as the model's template renders it."""

    model: str = ""
    prompt: str | None = None
    messages: tuple[OpenAIMessage, ...] | None = None
    add_special_tokens: bool | None = None
    return_token_strs: bool | None = None

    add_generation_prompt: Annotated[Any, only(True)] = None
    continue_final_message: Annotated[Any, only(False)] = None
    chat_template: Annotated[Any, only()] = None
    chat_template_kwargs: Annotated[Any, only({})] = None
    mm_processor_kwargs: Annotated[Any, only({})] = None
    tools: Annotated[Any, only([])] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "TokenizeBodyRequest":
        if (self.prompt is None) == (self.messages is None):
            missing = self.prompt is None
            raise refused(
                "is missing." if missing else "is there, and so are messages.",
                "Send a prompt, or messages.",
                "prompt",
            )
        return self

    def to_request(self) -> TokenizeRequest:
        """The request in our own terms."""
        messages = tuple(turn.to_message() for turn in self.messages or ())
        return TokenizeRequest(
            text=self.prompt, messages=messages, model=self.model, add_special_tokens=self.add_special_tokens
        )


class DetokenizeBodyRequest(Strict):
    """The body of POST /detokenize."""

    tokens: tuple[int, ...]
    model: str = ""

    def to_request(self) -> TokenizeRequest:
        """The request in our own terms."""
        return TokenizeRequest(tokens=self.tokens, model=self.model)
