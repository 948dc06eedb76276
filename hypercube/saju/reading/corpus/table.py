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
    """The English word with its article: "an eating god"."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def overlaid(base: Corpus, own: Corpus) -> Corpus:
    """A corpus with some keys said otherwise, and tables that it has beside; a key without variants is not said.

    Raises:
        KeyError: `own` has a key that a table of `base` of its name lacks, so nothing would ever say it.
    """
    found = dict(base)
    for name, table in own.items():
        if name in base and (unknown := table.keys() - base[name].keys()):
            raise KeyError(f"{name}: {sorted(unknown)}")
        found[name] = base.get(name, {}) | table
    return found
