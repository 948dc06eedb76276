"""Templates: `{word}` as it is, `{word:은}` with the particle that fits it; and the forms of those with slots."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hypercube.saju.grounding.forms import Form, Slot, fits, learned
from hypercube.saju.reading.josa import with_particle

_WORD: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_AGE: Final = (Slot.AGE,)
_SLOTS: Final[dict[str, tuple[tuple[Slot, ...], ...]]] = {
    "age": (_AGE,),
    "until": (_AGE,),
    "from": ((Slot.YEAR,),),
    **dict.fromkeys(("year", "month", "day", "hour"), ((Slot.HANGUL,), (Slot.ROMAN, Slot.HANJA))),
}
"""By word: what it may consist of, of which a pillar in English has two parts, Gap-ja (甲子)."""
_MARK: Final = "\ue000"
"""Stands for a value in the text of a form; no corpus uses it."""
_COMPILED: Final = 4_096
_FORMS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Template:
    """A template, ready to be filled."""

    text: str
    """With `%s` for each word."""
    words: tuple[tuple[str, str | None], ...]
    """Each with its particle, in order."""
    slots: tuple[str, ...]
    """Those of its words that are slots, in order; none where a slot has a particle."""
    fixed: tuple[str, ...]
    """The others, each once."""


@functools.lru_cache(maxsize=_COMPILED)
def compiled(template: str) -> Template:
    """A template, read once."""
    words = tuple((name, particle or None) for name, particle in _WORD.findall(template))
    slots = [(name, particle) for name, particle in words if name in _SLOTS]
    return Template(
        _WORD.sub("%s", template.replace("%", "%%")),
        words,
        () if any(particle for _, particle in slots) else tuple(name for name, _ in slots),
        tuple(dict.fromkeys(name for name, _ in words if name not in _SLOTS)),
    )


def filled(template: str, words: dict[str, str]) -> str:
    """A template with its words."""
    known = compiled(template)
    text = known.text % tuple(
        [
            words[name] if particle is None else with_particle(words[name], particle)
            for name, particle in known.words
        ]
    )
    # A template may begin with a word that is written small elsewhere: "the day branch".
    return text[:1].upper() + text[1:]


def form_of(template: str, words: dict[str, str]) -> tuple[Form | None, tuple[str, ...]]:
    """The form of a template's sentence and the values in its slots; None for what does not fit a form."""
    values: list[str] = []
    ways: list[int] = []
    known = compiled(template)
    for name in known.slots:
        way, parts = _parts(name, words[name])
        if way < 0:
            return None, ()
        ways.append(way)
        values += parts
    fixed = tuple([words[name] for name in known.fixed])
    return _form(template, fixed, tuple(ways)), tuple(values)


@functools.lru_cache(maxsize=4_096)
def _parts(name: str, word: str) -> tuple[int, tuple[str, ...]]:
    """Which of the ways in `_SLOTS` a word goes by, and its parts; -1 for what fits none."""
    parts = tuple(word.removesuffix(")").split(" ("))
    for way, kinds in enumerate(_SLOTS[name]):
        if len(kinds) == len(parts):
            return (way, parts) if all(map(fits, kinds, parts)) else (-1, ())
    return -1, ()


@functools.lru_cache(maxsize=_FORMS)
def _form(template: str, fixed: tuple[str, ...], ways: tuple[int, ...]) -> Form | None:
    known = compiled(template)
    names = known.slots
    slots = [_SLOTS[name][way] for name, way in zip(names, ways, strict=True)]
    marks = {name: _marks(kinds) for name, kinds in zip(names, slots, strict=True)}
    text = filled(template, {**dict(zip(known.fixed, fixed, strict=True)), **marks})
    flat = tuple(_flat(slots))
    pieces = tuple(text.split(_MARK))
    return learned(pieces, flat) if len(pieces) == len(flat) + 1 else None


def _marks(kinds: tuple[Slot, ...]) -> str:
    return _MARK if len(kinds) == 1 else f"{_MARK} ({_MARK})"


def _flat(slots: Iterable[tuple[Slot, ...]]) -> list[Slot]:
    return [slot for kinds in slots for slot in kinds]
