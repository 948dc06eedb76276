"""From a chat to token ids, with the model's own template; runs in the child."""

import json
from collections.abc import Sequence
from typing import Any, Final

from hypercube.core.engine import ChatMessage, GenerationRequest, Tokenized, TokenizeRequest
from hypercube.core.errors import invalid
from hypercube.inference.tool_calls import tools_of
from hypercube.inference.transformers.token_text import TokenTexts

_TITLES: Final = {"system": "System", "user": "User", "assistant": "Assistant"}
PLAIN_STOPS: Final = ("\nUser:", "\nSystem:")
"""Where the answer of a model without a template ends: it would write the next turn too."""


class Prompts:
    """Renders and tokenizes chats.

    A model without a template (a base model) reads one paragraph a turn, `User: …`, `Assistant: …`, ending in
    `Assistant:`.
    """

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer` as transformers loads it."""
        self._tokenizer = tokenizer
        self.texts = TokenTexts(tokenizer)
        self.stops: tuple[str, ...] = () if tokenizer.chat_template else PLAIN_STOPS

    def stops_of(self, request: GenerationRequest) -> tuple[str, ...]:
        """What ends an answer beside what the request names."""
        return self.stops if request.prompt is None else ()

    def render(self, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] | None = None) -> str:
        """The prompt as text; `tools` in OpenAI's words.

        Raises:
            HyperCubeError: INVALID_ARGUMENT when the model's template refuses the turns (two of one role in a row),
                or knows no tools.
        """
        template = self._tokenizer.chat_template
        called = any(turn.tool_calls or turn.tool_call_id for turn in messages)
        if (tools or called) and "tool" not in str(template or ""):
            raise invalid(
                "The model's chat template knows no tools.",
                param="tools" if tools else "messages",
                fix="Leave the tools out, or use a model that was trained to call them.",
            )
        if not template:
            turns = [f"{_TITLES[message.role]}: {message.content}" for message in messages]
            return "\n".join([*turns, "Assistant:"])
        import jinja2

        offered = {} if tools is None else {"tools": list(tools)}
        try:
            text: str = self._tokenizer.apply_chat_template(
                [_turn(message) for message in messages],
                tokenize=False,
                add_generation_prompt=True,
                **offered,
            )
        except (jinja2.TemplateError, TypeError) as error:
            raise invalid(
                f"The model's chat template refuses these messages: {error}.".replace("..", "."),
                param="messages",
                value=" ".join(message.role for message in messages),
                fix="Order the turns as the model wants them: mostly user and assistant in turn, user last.",
            ) from None
        return text

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """A chat as token ids."""
        return self._numbered(messages, None)

    def read(self, request: GenerationRequest) -> list[int]:
        """What a request asks to be continued, as token ids; INVALID_ARGUMENT as `render`, or for a foreign token."""
        self._check_bias(request)
        if request.prompt is None:
            return self._numbered(request.messages, tools_of(request))
        if isinstance(request.prompt, str):
            found: list[int] = self._tokenizer(request.prompt, add_special_tokens=True)["input_ids"]
            return found
        return self._known(request.prompt, "prompt")

    def tokenize(self, request: TokenizeRequest, context_length: int) -> Tokenized:
        """Text or a chat to tokens, or tokens to text; INVALID_ARGUMENT as `render`, or for a foreign token."""
        if request.tokens is not None:
            known = self._known(request.tokens, "tokens")
            spelled: str = self._tokenizer.decode(
                known, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
            return Tokenized(request.tokens, (), spelled, context_length)
        text = self.render(request.messages) if request.text is None else request.text
        special = request.add_special_tokens
        if special is None:
            special = request.text is not None or not self._tokenizer.chat_template
        tokens: list[int] = self._tokenizer(text, add_special_tokens=special)["input_ids"]
        pieces = tuple(self.texts.text_of(token) for token in tokens)
        return Tokenized(tuple(tokens), pieces, text, context_length)

    def _numbered(self, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] | None) -> list[int]:
        # A template writes the special tokens itself; only a plain text needs the tokenizer to add its own.
        plain = not self._tokenizer.chat_template
        text = self.render(messages, tools)
        found: list[int] = self._tokenizer(text, add_special_tokens=plain)["input_ids"]
        return found

    def _check_bias(self, request: GenerationRequest) -> None:
        for token, _ in request.sampling.logit_bias:
            self._known((token,), "logit_bias")

    def _known(self, tokens: Sequence[int], param: str) -> list[int]:
        """The tokens, all of which the vocabulary has: a foreign one would break the model, not only the request."""
        size = len(self._tokenizer)
        for at, token in enumerate(tokens):
            if not 0 <= token < size:
                where = param if param == "logit_bias" else f"{param}[{at}]"
                raise invalid(
                    f"There is no token {token}; the vocabulary has {size:,}.",
                    param=where,
                    value=token,
                    fix=f"Write ids from 0 to {size - 1}.",
                )
        return list(tokens)


def _turn(message: ChatMessage) -> dict[str, Any]:
    """A turn as templates take it: the arguments of a call as an object."""
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.loads(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        said["tool_call_id"] = message.tool_call_id
    return said
