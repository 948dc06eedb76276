"""From a chat to token ids, with the model's own template; runs in the child."""

from collections.abc import Sequence
from typing import Any, Final

from hypercube.core.engine import ChatMessage
from hypercube.core.errors import invalid

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
        self.stops: tuple[str, ...] = () if tokenizer.chat_template else PLAIN_STOPS

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """The prompt as text.

        Raises:
            HyperCubeError: INVALID_ARGUMENT when the model's template refuses the turns (two of one role in a row).
        """
        if not self._tokenizer.chat_template:
            turns = [f"{_TITLES[message.role]}: {message.content}" for message in messages]
            return "\n".join([*turns, "Assistant:"])
        import jinja2

        turns_of = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text: str = self._tokenizer.apply_chat_template(
                turns_of, tokenize=False, add_generation_prompt=True
            )
        except jinja2.TemplateError as error:
            raise invalid(
                f"The model's chat template refuses these messages: {error}.".replace("..", "."),
                param="messages",
                value=" ".join(message.role for message in messages),
                fix="Order the turns as the model wants them: mostly user and assistant in turn, user last.",
            ) from None
        return text

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The prompt as token ids."""
        # A template writes the special tokens itself; only a plain text needs the tokenizer to add its own.
        plain = not self._tokenizer.chat_template
        found: list[int] = self._tokenizer(self.render(messages), add_special_tokens=plain)["input_ids"]
        return found
