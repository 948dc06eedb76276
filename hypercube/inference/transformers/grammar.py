"""Answers that keep to a JSON schema, token by token; runs in the child.

The library `llguidance` says of every token of the vocabulary whether it can come next. A schema is compiled once
and copied for each answer that has to keep it.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

_KEPT: Final = 32
"""Schemas that stay compiled."""
_LAYOUT: Final[Any] = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}
"""White space as `json.dumps` writes it: with a choice of it, a small model may write nothing else for ever."""


class UnusableSchemaError(Exception):
    """A schema that cannot be kept; the message says why."""


class Grammars:
    """The compiled schemas of one tokenizer; any thread may ask."""

    def __init__(self, tokenizer: Any, eos: Sequence[int]) -> None:
        """Nothing is built before the first schema: reading the vocabulary takes a second."""
        self._tokenizer = tokenizer
        self._eos = sorted(eos)
        self._words: Any = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()

    def matcher(self, schema: str) -> "Matcher":
        """A fresh matcher of a schema, given as JSON text.

        Raises:
            UnusableSchemaError: it says something that no answer can be kept to.
        """
        with self._lock:
            found = self._compiled.get(schema)
            if found is None:
                found = self._compiled[schema] = self._compile(schema)
                if len(self._compiled) > _KEPT:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(schema)
            return Matcher(found.deep_copy(), self._eos)

    def _compile(self, schema: str) -> LLMatcher:
        if self._words is None:
            try:
                self._words = from_tokenizer(self._tokenizer, eos_token=self._eos or None)
            except ValueError as error:
                raise UnusableSchemaError(f"the model's tokenizer allows no grammar ({error})") from error
        try:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_LAYOUT)
        except ValueError as error:
            raise UnusableSchemaError(str(error)) from error
        made = LLMatcher(self._words, grammar, log_level=0)
        if made.is_error():
            raise UnusableSchemaError(made.get_error().partition("\n")[0])
        return made


class Matcher:
    """Where one answer stands in its grammar."""

    def __init__(self, matcher: LLMatcher, eos: Sequence[int]) -> None:
        self._matcher = matcher
        self._eos = list(eos)
        self._read = 0

    def constrain(self, logits: torch.Tensor, generated: Sequence[int]) -> torch.Tensor:
        """The logits of the next token with those at minus infinity that cannot come.

        Args:
            logits: float32, shape (vocabulary,); not changed.
            generated: the answer so far, which only grows from call to call.

        Raises:
            UnusableSchemaError: the grammar grew over its bounds on the way.
        """
        self._matcher.consume_tokens(list(generated[self._read :]))
        self._read = len(generated)
        allowed = np.zeros(logits.numel(), bool)
        if self._matcher.is_error():
            raise UnusableSchemaError(self._matcher.get_error().partition("\n")[0])
        if self._matcher.is_stopped():
            allowed[[token for token in self._eos if token < len(allowed)]] = True
        else:
            bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
            width = min(len(bits), len(allowed))
            allowed[:width] = bits[:width]
        if not allowed.any():
            raise UnusableSchemaError("the model has no token that could come next")
        mask = torch.from_numpy(allowed).to(logits.device)
        return logits.masked_fill(~mask, -torch.inf)
