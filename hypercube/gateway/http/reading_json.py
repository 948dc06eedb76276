"""The JSON of a reading, put together from sentences that were encoded when they were first said."""

from dataclasses import fields
from typing import Any, Final

import orjson

from hypercube.core.reading import Reading, ReadingSentence, SectionText
from hypercube.gateway.http.responses import encode

_KEPT: Final = 32_768
"""Sentences kept encoded, some 500 bytes each."""
_SECTION: Final = tuple(each.name for each in fields(SectionText) if each.name != "sentences")
_BEFORE: Final = tuple(each.name for each in fields(SectionText)).index("sentences")
_READING: Final = tuple(each.name for each in fields(Reading))
_encoded: Final[dict[int, tuple[ReadingSentence, orjson.Fragment]]] = {}


def reading_json(reading: Reading) -> bytes:
    """What `encode` makes of a reading, sooner: the same bytes."""
    shown: dict[str, Any] = {name: getattr(reading, name) for name in _READING}
    shown["sections"] = [_section(each) for each in reading.sections]
    return encode(shown)


def _section(section: SectionText) -> dict[str, Any]:
    shown: dict[str, Any] = {name: getattr(section, name) for name in _SECTION[:_BEFORE]}
    shown["sentences"] = [_fragment(each) for each in section.sentences]
    for name in _SECTION[_BEFORE:]:
        shown[name] = getattr(section, name)
    return shown


def _fragment(said: ReadingSentence) -> orjson.Fragment:
    """By identity: the corpus says the same objects again, and one that is kept is held."""
    found = _encoded.get(id(said))
    if found is not None:
        return found[1]
    if len(_encoded) >= _KEPT:
        _encoded.clear()
    made = orjson.Fragment(encode(said))
    _encoded[id(said)] = said, made
    return made
