"""Prompts as data: templates with a name, a version and a language, checked when they are loaded.

A file `hypercube/saju/prompts/NAME@VERSION.LANGUAGE.toml` is a template. Its text never changes under its version: a
change is a new version, measured beside the old one (`python -m benchmarks.grounded prompts`), and `PROMOTED` is the
one that is used where nothing else is set.
"""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingTone,
)
from hypercube.saju.composing.outline import Outline

PROMOTED: Final = "shown@1"
"""The template that won its last measurement; see docs/grounding.md."""
MOST_ASKED: Final = 300
"""Characters of a reader's question that a model is shown."""
_FILE: Final = re.compile(r"(?P<name>[a-z][a-z-]*)@(?P<version>[1-9]\d*)\.(?P<language>[a-z]{2})\.toml")
_SLOT: Final = re.compile(r"\{(\w*)\}")
_SLOTS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "system": (frozenset(), frozenset()),
    "user": (
        frozenset({"title", "sentences", "question"}),
        frozenset({"title", "sentences", "facts", "question", "length", "tone", "audience"}),
    ),
    "question": (frozenset({"question"}), frozenset({"question"})),
    "correction": (frozenset({"sentence", "fault"}), frozenset({"sentence", "fault"})),
}
"""By text: the slots it must have, and those it may."""
_CHOICES: Final = {"length": ReadingLength, "tone": ReadingTone, "audience": ReadingAudience}
_SAMPLING: Final = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty"}
)
_KEYS: Final = frozenset({"name", "version", "language", "sampling", *_SLOTS, *_CHOICES})
_TOKENS_A_LETTER: Final = 2
_LEAST_TOKENS: Final = 160
_FACTOR: Final = {ReadingLength.SHORT: 1.0, ReadingLength.NORMAL: 1.3, ReadingLength.LONG: 1.6}
"""Length of a section against its material, at most."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template."""

    name: str
    version: int
    language: ReadingLanguage
    system: str
    user: str
    question: str
    correction: str
    choices: Mapping[str, Mapping[str, str]]
    """What is said for each length, tone and audience."""
    sampling: Sampling

    @property
    def id(self) -> str:
        """`name@version`: the same in every language."""
        return f"{self.name}@{self.version}"

    @property
    def instructions(self) -> str:
        """Its own words, which no reader should see."""
        said = [phrase for each in self.choices.values() for phrase in each.values()]
        return "\n".join(
            _SLOT.sub("\n", each) for each in (self.system, self.user, self.question, self.correction, *said)
        )

    def request(
        self,
        material: Outline,
        options: ReadingOptions,
        *,
        question: str = "",
        model: str = "",
        seed: int = 0,
    ) -> GenerationRequest:
        """What a model is asked for one section.

        Args:
            material: what it writes from.
            options: how long, in which tone, for whom.
            question: what the reader wants to know; it is shown as data, cut to `MOST_ASKED` characters.
            model: name as served; empty for the server's default.
            seed: of the draw.
        """
        asked = _one_line(question)
        text = self.user.format(
            title=material.title,
            sentences="\n".join(f"- {each.text}" for each in material.sentences),
            facts="\n".join(f"- {each.text}" for each in material.facts),
            question=self.question.format(question=asked) if asked else "",
            **{name: each[getattr(options, name)] for name, each in self.choices.items()},
        )
        letters = sum(len(each.text) for each in material.sentences)
        most = max(_LEAST_TOKENS, round(_FACTOR[options.length] * _tokens(letters, self.language)))
        sampling = Sampling(**{name: getattr(self.sampling, name) for name in _SAMPLING}, seed=seed)
        messages = (
            ChatMessage("system", self.system),
            ChatMessage("user", re.sub(r"\n{3,}", "\n\n", text).strip()),
        )
        return GenerationRequest(messages, model=model, max_tokens=most, sampling=sampling)


def prompt(ident: str, language: ReadingLanguage) -> Prompt:
    """A template by its id (`retell@1`).

    Raises:
        HyperCubeError: NOT_FOUND, with the nearest id.
    """
    found = prompts().get((ident, language))
    if found is None:
        known = sorted({name for name, _ in prompts()})
        close = nearest(ident, known)
        raise HyperCubeError(
            ErrorKind.NOT_FOUND,
            f"There is no prompt {ident!r} in {language.value}.",
            param="prompt",
            value=ident,
            fix=(f"Did you mean {close!r}? " if close else "") + f"Prompts here: {', '.join(known)}.",
        )
    return found


@functools.cache
def prompts() -> Mapping[tuple[str, ReadingLanguage], Prompt]:
    """Every template of the package, by id and language."""
    found = [
        read_prompt(each)
        for each in files("hypercube.saju").joinpath("prompts").iterdir()
        if each.name.endswith(".toml")
    ]
    return {(each.id, each.language): each for each in found}


def read_prompt(file: Traversable) -> Prompt:
    """A template from its file.

    Raises:
        ValueError: what is wrong with it, with its name.
    """
    named = _FILE.fullmatch(file.name)
    if named is None:
        raise ValueError(f"{file.name}: a prompt is called NAME@VERSION.LANGUAGE.toml.")
    values = tomllib.loads(file.read_text("utf-8"))
    _check(file.name, values, named.groupdict())
    return Prompt(
        name=values["name"],
        version=values["version"],
        language=ReadingLanguage(values["language"]),
        **{key: values[key].strip() for key in _SLOTS},
        choices={key: values[key] for key in _CHOICES},
        sampling=Sampling(**values["sampling"]),
    )


def _check(name: str, values: Mapping[str, Any], named: Mapping[str, str]) -> None:
    if set(values) != _KEYS:
        raise ValueError(f"{name}: has {sorted(set(values) ^ _KEYS)} too much or too little.")
    told = {key: str(values[key]) for key in named}
    if told != named:
        raise ValueError(f"{name}: says it is {told}.")
    for key, (least, most) in _SLOTS.items():
        slots = set(_SLOT.findall(values[key]))
        if not least <= slots <= most:
            raise ValueError(f"{name}: {key} has the slots {sorted(slots)}; it needs {sorted(least)}.")
    for key, kind in _CHOICES.items():
        if set(values[key]) != {each.value for each in kind}:
            raise ValueError(f"{name}: {key} must say {', '.join(each.value for each in kind)}.")
    if not set(values["sampling"]) <= _SAMPLING:
        raise ValueError(f"{name}: sampling knows {', '.join(sorted(_SAMPLING))}.")


def _one_line(question: str) -> str:
    """A reader's words as one line that cannot end the quotation it stands in."""
    shown = "".join(" " if ord(each) < 32 else each for each in question.replace("«", "'").replace("»", "'"))
    return re.sub(r"\s+", " ", shown).strip()[:MOST_ASKED]


def _tokens(letters: int, language: ReadingLanguage) -> float:
    """What a text of so many characters may take: Hangul up to two tokens a syllable, English one for three letters."""
    return letters * (_TOKENS_A_LETTER if language is ReadingLanguage.KO else 0.35)
