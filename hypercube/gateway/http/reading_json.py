"""The JSON of a reading, put together from sentences and facts that were encoded when they were said before."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

import orjson

from hypercube.core.reading import CitedFact, Reading, ReadingSentence, SectionText
from hypercube.gateway.http.chart_json import chart_document
from hypercube.gateway.http.responses import encode

_KEPT: Final = 32_768
"""Pieces kept encoded, some 500 bytes each."""
_MET: Final = 8_192
"""Pieces said once that are remembered."""
_SECTION: Final = tuple(each.name for each in fields(SectionText))
_READING: Final = tuple(each.name for each in fields(Reading))
_Piece = ReadingSentence | CitedFact
_encoded: Final[dict[int, tuple[_Piece, orjson.Fragment]]] = {}
_met: Final[dict[int, int]] = {}


def reading_json(reading: Reading) -> bytes:
    """What `encode` makes of a reading, sooner: the same bytes."""
    shown: dict[str, Any] = {name: getattr(reading, name) for name in _READING}
    shown["sections"] = [_section(each) for each in reading.sections]
    shown["facts"] = _pieces(reading.facts)
    shown["chart"] = chart_document(reading.chart)
    return encode(shown)


def _section(section: SectionText) -> dict[str, Any]:
    shown: dict[str, Any] = {name: getattr(section, name) for name in _SECTION}
    shown["sentences"] = _pieces(section.sentences)
    return shown


def _pieces(said: Iterable[_Piece]) -> list[_Piece | orjson.Fragment]:
    """By identity: the corpus says the same objects again, and one that is kept is held."""
    known = _encoded.get
    return [found[1] if (found := known(id(each))) is not None else _new(each) for each in said]


def _new(piece: _Piece) -> _Piece | orjson.Fragment:
    """One that is not kept; it is from the second time on.

    A sentence with an age or a date in it, and the words of such a fact, are made anew for each reading. To encode
    and keep each of them would cost more than it saves, and crowd out the others. They are not held, so that the
    next one takes their place in memory, with another text.
    """
    at, said = id(piece), hash(piece.text)
    if _met.get(at) != said:
        if len(_met) >= _MET:
            _met.clear()
        _met[at] = said
        return piece
    if len(_encoded) >= _KEPT:
        _encoded.clear()
    made = orjson.Fragment(encode(piece))
    _encoded[at] = piece, made
    return made
