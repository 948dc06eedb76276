"""A reading in a form of the caller's: a JSON schema whose properties are filled with the reading's own sentences.

Sentences are chosen and put in order, never made or changed, so what was checked and cited stays so, whoever wrote it.
A property says by its name, or else by its description, which section it wants. A schema that cannot be honoured to
the letter is refused before anything is written.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.core.reading import Reading, ReadingSection, ReadingSentence
from hypercube.saju.reading.naming import NAMES

_SUMMARY: Final = "summary"
_WHOLE: Final = "reading"
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    _SUMMARY: ("summary", "overview", "요약", "총평", "총운"),
    _WHOLE: ("reading", "interpretation", "풀이", "해석", "전체"),
    ReadingSection.TEMPER: ("temper", "personality", "character", "기질", "성격"),
    ReadingSection.WORK: ("work", "career", "job", "talent", "직업", "직업운", "재능"),
    ReadingSection.WEALTH: ("wealth", "money", "재물", "재물운"),
    ReadingSection.RELATIONSHIPS: (
        "relationships",
        "relationship",
        "love",
        "marriage",
        "관계",
        "결혼",
        "연애",
    ),
    ReadingSection.HEALTH: ("health", "건강", "건강운"),
    ReadingSection.LUCK: ("luck", "대운"),
    ReadingSection.NOW: ("now", "thisyear", "thismonth", "올해", "이번달"),
    ReadingSection.ADVICE: ("advice", "조언"),
}
"""What is meant by a name, beside the sections' titles; without spaces, hyphens and the like."""
_MEANT: Final = {word: what for what, words in _WORDS.items() for word in words}


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


_TITLES: Final = {
    _bare(title): section for names in NAMES.values() for section, title in names.titles.items()
}
_ABOUT: Final = frozenset({"description", "title"})
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "object": frozenset({"type", "properties", "required", "additionalProperties", "$schema"}) | _ABOUT,
    "string": frozenset({"type", "maxLength"}) | _ABOUT,
    "array": frozenset({"type", "items", "maxItems"}) | _ABOUT,
}
"""Keywords of each type that are honoured; there is no other type."""
_DEEPEST: Final = 5
_MOST: Final = 100
"""Properties of a schema."""
_FIX: Final = (
    "A string or an array of strings can be filled that is named "
    + ", ".join(_WORDS)
    + (", or the like in Korean or English; or whose description names one of them.")
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A property to be filled.

    Attributes:
        path: from the root of the answer.
        where: of it in the request.
        what: a section, `summary` or `reading`; empty for what nothing can fill, which becomes null.
        listed: an array of sentences, not one string.
        most: characters of a string, or sentences of an array; None without a limit.
    """

    path: tuple[str, ...]
    where: str
    what: str
    listed: bool
    most: int | None


@dataclass(frozen=True, slots=True)
class Filled:
    """A form, filled.

    Attributes:
        values: as the schema says.
        sources: ids of the facts that each filled property rests on, by its path (`sections.advice`).
    """

    values: dict[str, Any]
    sources: dict[str, list[str]]


class Form:
    """A schema that a reading can fill."""

    def __init__(self, schema: object, param: str) -> None:
        """`param` is where the schema stands in the request.

        Raises:
            HyperCubeError: INVALID_ARGUMENT naming the first part that cannot be honoured.
        """
        self._objects: list[tuple[str, ...]] = []
        self._places = tuple(_places(schema, (), param, self._objects))
        if len(self._places) > _MOST:
            raise invalid(
                f"The schema has {len(self._places)} properties.",
                param=param,
                fix=f"At most {_MOST} are filled.",
            )
        if not any(place.what for place in self._places):
            raise invalid("No property of the schema can be filled.", param=param, fix=_FIX)

    @property
    def sections(self) -> tuple[ReadingSection, ...]:
        """The sections that are needed, in the order of a reading."""
        wanted = {place.what for place in self._places}
        if wanted & {_SUMMARY, _WHOLE}:
            return tuple(ReadingSection)
        return tuple(section for section in ReadingSection if section in wanted)

    def fill(self, reading: Reading) -> Filled:
        """The form with the sentences of a reading, which has its `sections` at least.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a `maxLength` that not even one sentence fits in.
        """
        found = Filled({}, {})
        at: dict[tuple[str, ...], dict[str, Any]] = {(): found.values}
        for path in self._objects:  # the outer ones first
            at[path] = at[path[:-1]][path[-1]] = {}
        for place in self._places:
            into = at[place.path[:-1]]
            if not place.what:
                into[place.path[-1]] = None
                continue
            used = _fitting(place, tuple(_said(reading, place.what)))
            texts = [sentence.text for sentence in used]
            into[place.path[-1]] = texts if place.listed else " ".join(texts)
            facts = dict.fromkeys(fact for sentence in used for fact in sentence.facts)
            found.sources[".".join(place.path)] = list(facts)
        return found


def _said(reading: Reading, what: str) -> Iterator[ReadingSentence]:
    for section in reading.sections:
        if what == _SUMMARY:
            yield from section.sentences[:1]
        elif what in (_WHOLE, section.section):
            yield from section.sentences


def _fitting(place: _Place, sentences: tuple[ReadingSentence, ...]) -> tuple[ReadingSentence, ...]:
    """The first sentences, as many as the property has room for; none is cut."""
    if place.most is None or not sentences:
        return sentences
    if place.listed:
        return sentences[: place.most]
    used, size = 0, -1
    while used < len(sentences) and size + 1 + len(sentences[used].text) <= place.most:
        size += 1 + len(sentences[used].text)
        used += 1
    if not used:
        first = len(sentences[0].text)
        raise invalid(
            f"maxLength is {place.most}, and the first sentence has {first} characters.",
            param=f"{place.where}.maxLength",
            value=place.most,
            fix="Sentences are not cut: leave maxLength out, or write more.",
        )
    return sentences[:used]


def _places(
    schema: object, path: tuple[str, ...], where: str, objects: list[tuple[str, ...]]
) -> Iterator[_Place]:
    """The properties of an object's schema, and those of the objects in it, whose paths go into `objects`."""
    kind, nullable = _kind(schema, where)
    assert isinstance(schema, dict)  # `_kind` has seen to it
    if kind != "object" or nullable:
        raise _refused(f"{where}.type", schema.get("type"), "The form of a reading is an object.")
    if len(path) >= _DEEPEST:
        raise _refused(where, None, f"Objects are filled {_DEEPEST} deep.")
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict):
        raise _refused(f"{where}.properties", properties, "It should be an object.")
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise _refused(f"{where}.required", required, "It should be a list of names.")
    for name in required:
        if name not in properties:
            raise _refused(f"{where}.required", name, "Nothing of that name is among the properties.")
    for name, inner in properties.items():
        at = f"{where}.properties.{shown(name)}"
        kind, nullable = _kind(inner, at)
        if kind == "object":
            objects.append((*path, name))
            yield from _places(inner, (*path, name), at, objects)
            continue
        what = _what(name, str(inner.get("description", "")))
        if what or nullable:
            most = inner.get("maxItems" if kind == "array" else "maxLength")
            if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 0):
                raise _refused(at, most, "A limit is a whole number.")
            yield _Place((*path, name), at, what, kind == "array", most)
        elif name in required:
            raise invalid(f"Nothing in a reading fills {shown(name)!r}.", param=at, value=name, fix=_FIX)


def _kind(schema: object, where: str) -> tuple[str, bool]:
    """The type of a schema, and whether null will do."""
    if not isinstance(schema, dict):
        raise _refused(where, schema, "It should be an object.")
    said = schema.get("type")
    kinds = said if isinstance(said, list) else [said]
    nullable = "null" in kinds
    kind = next((each for each in kinds if each != "null"), None)
    if not isinstance(kind, str) or kind not in _KNOWN or len(kinds) - nullable != 1:
        raise _refused(f"{where}.type", said, "Readings fill objects, strings and arrays of strings.")
    for keyword in schema:
        if keyword not in _KNOWN[kind]:
            raise _refused(
                f"{where}.{keyword}", keyword, f"Honoured here are {', '.join(sorted(_KNOWN[kind]))}."
            )
    if kind == "array" and _kind(schema.get("items"), f"{where}.items") != ("string", False):
        raise _refused(f"{where}.items", None, "An array has a sentence a string.")
    if kind == "array" and "maxLength" in schema["items"]:
        raise _refused(f"{where}.items.maxLength", schema["items"]["maxLength"], "Sentences are not cut.")
    return kind, nullable


def _what(name: str, description: str) -> str:
    """What a property wants; empty where that is not clear."""
    named = _MEANT.get(_bare(name)) or _TITLES.get(_bare(name))
    if named:
        return named
    tokens = set(re.findall(r"[a-z]+", description.casefold()))
    found = {
        what for word, what in _MEANT.items() if (word in tokens if word.isascii() else word in description)
    }
    return found.pop() if len(found) == 1 else ""


def _refused(param: str, value: object, why: str) -> HyperCubeError:
    return invalid(
        f"{param.rpartition('.')[2]} cannot be honoured. {why}", param=param, value=value, fix=_FIX
    )
