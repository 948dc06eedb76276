"""A conversation cut to what a model's context holds: the facts always stay, the newest turns go first."""

import re
from collections.abc import Sequence
from typing import Final

from hypercube.core.engine import ChatMessage

PER_TURN: Final = 4
"""Tokens that a chat template puts around a turn, about."""
_ANSWER: Final = 4
"""A quarter of the context is left for an answer whose length is not bounded, and half of it at most for any."""
_PIECE: Final = re.compile(r"\s*(?:[A-Za-z]{1,4}|[^\sA-Za-z])|\s+")


def pieces(text: str) -> list[str]:
    """A text in tokens by rule: up to four Latin letters, or one other character, with the space before it."""
    return _PIECE.findall(text)


def tokens(text: str) -> int:
    """How many tokens a text counts for here; models' own tokenizers make fewer of it."""
    return len(pieces(text))


def room_of(context_length: int, max_tokens: int | None) -> int:
    """What a prompt may take of a context, in tokens."""
    answer = context_length // _ANSWER if max_tokens is None else min(max_tokens, context_length // 2)
    return context_length - answer


def fitted(system: str, turns: Sequence[ChatMessage], room: int) -> tuple[ChatMessage, ...]:
    """The system part, then as many of the newest turns as `room` tokens hold.

    The last turn stays whatever it takes. What the caller's own system turns say follows the system part, as far as
    it fits after the last turn.

    Args:
        system: the platform's own part, with the facts.
        turns: the conversation, oldest first; at least one.
        room: tokens, by `tokens`.
    """
    left = room - tokens(system) - tokens(turns[-1].content) - 2 * PER_TURN
    told, newest = [], [turns[-1]]
    for each in turns[:-1]:
        if each.role == "system" and (size := tokens(each.content) + PER_TURN) <= left:
            told.append(each.content)
            left -= size
    for each in reversed(turns[:-1]):
        if each.role == "system":
            continue
        left -= tokens(each.content) + PER_TURN
        if left < 0:
            break
        newest.append(each)
    head = ChatMessage("system", "\n\n".join((system, *told)))
    body = newest[::-1]
    while len(body) > 1 and body[0].role != "user":
        body.pop(0)  # templates expect the user to speak first
    return (head, *body)
