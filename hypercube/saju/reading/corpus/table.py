"""What a corpus is made of: tables of sentences, each key with one or more ways to say it."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

Table = dict[Any, tuple[str, ...]]
"""By key: the variants. `{word}` is filled in; `{word:은}` is followed by the particle that fits it."""
Corpus = Mapping[str, Table]
"""By name of the table."""


def gathered(*modules: ModuleType) -> Corpus:
    """The tables of some modules, by name."""
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if name[0] != "_" and name.isupper() and isinstance(value, dict)
    }


def a(word: str) -> str:
    """The English word with its article: "an eating god"; a plural goes without."""
    if word == "seven killings":
        return word
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
