"""What a rule asks of a chart while it decides, written down: whatever answers the same has the same verdict.

A rule decides by nothing but its claim and what it reads of a `Ground`. It is given a watched ground, which answers
as the ground does and notes each question with its answer. What cannot be noted (a tuple of records, say) ends the
watching, and that verdict is not kept. So a rule may be changed without a word here.
"""

import functools
import inspect
import operator
import typing
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, Final, cast

from hypercube.saju.grounding.ground import Ground

Step = tuple[str, Any]
"""attribute and its name, item and its key, call and its arguments; keys or values at the end."""
Answer = Hashable
_THERE: Final = object()
"""The answer where a record or mapping stands: what is read of it are further questions."""
_QUICK: Final = frozenset({str, int, float, bool, type(None)})
_UNSAID: Final = object()
"""The answer that is never noted, and so never known again."""


class UnwatchedError(Exception):
    """A rule looked at something that cannot be noted."""


class Question:
    """Something to ask of a ground; there is one object for each, so that it is found by identity."""

    __slots__ = ("_read",)

    def __init__(self, path: tuple[Step, ...]) -> None:
        self._read = _reading(path)

    def of(self, ground: Ground) -> Answer:
        """The answer of a chart where all that was asked before it has the same answers."""
        value = self._read(ground)
        return value if type(value) in _QUICK else _answer(value)


def _reading(path: tuple[Step, ...]) -> Callable[[Any], Any]:
    """What walks a path; the usual two kinds in one step."""
    kinds, whats = [how for how, _ in path], [what for _, what in path]
    if set(kinds) == {"attribute"}:
        return operator.attrgetter(".".join(whats))
    if kinds == ["attribute", "call"]:
        return operator.methodcaller(whats[0], *whats[1])

    def walk(value: Any) -> Any:
        for step in path:
            value = _taken(value, step)
        return value

    return walk


question: Final = functools.lru_cache(maxsize=65_536)(Question)
"""The question of a path; there are some hundreds, as many as rules have things to ask."""


class Answers(dict[Question, Answer]):
    """What one chart answered, asked once."""

    __slots__ = ("ground",)

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground

    def __missing__(self, asked: Question) -> Answer:
        found = self[asked] = asked.of(self.ground)
        return found


def watched(ground: Ground) -> tuple[Ground, dict[Question, Answer]]:
    """A ground that notes what it is asked, and its notes in the order of asking."""
    notes: dict[Question, Answer] = {}
    return cast("Ground", _Record(ground, (), notes)), notes


def _taken(value: Any, step: Step) -> Any:
    how, what = step
    if how == "attribute":
        return getattr(value, what)
    if how == "item":
        return value.get(what)
    if how == "call":
        return value(*what)
    return tuple(value if how == "keys" else value.values())


def _answer(value: Any) -> Answer:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple | frozenset):
        return value if _plain(value) else _UNSAID
    return _THERE if isinstance(value, dict) or is_dataclass(value) else _UNSAID


def _plain(value: Any) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float)


class _Watched:
    """What both watched kinds share; it can be read, and nothing else."""

    __slots__ = ("_notes", "_path", "_value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, path: tuple[Step, ...], notes: dict[Question, Answer]) -> None:
        self._value = value
        self._path = path
        self._notes = notes

    def __eq__(self, other: object) -> bool:
        raise UnwatchedError

    def _told(self, step: Step, *, certain: bool = False) -> Any:
        """What a step leads to, noted unless it is certain to lead to a record."""
        value = _taken(self._value, step)
        path = (*self._path, step)
        if callable(value) and not is_dataclass(value):
            return _call(value, path, self._notes)
        answer = _answer(value)
        if answer is _UNSAID:
            raise UnwatchedError(path)
        if not certain:
            self._notes.setdefault(question(path), answer)
        if answer is not _THERE:
            return value
        return (_Items if isinstance(value, dict) else _Record)(value, path, self._notes)


class _Record(_Watched):
    """A ground, or a record that it leads to."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        kind = cast("Hashable", type(self._value))
        return self._told(("attribute", name), certain=_always(kind, name))


class _Items(_Watched, Mapping[Any, Any]):
    """A mapping that a ground leads to."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, key: Any) -> Any:
        found = self._told(("item", key))
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self._told(("keys", "")))

    def __len__(self) -> int:
        return len(self._told(("keys", "")))

    def values(self) -> Any:
        """All of them, where they are plain; else one by one."""
        if _plain(tuple(self._value.values())):
            return self._told(("values", ""))
        return super().values()


def _call(
    method: Callable[..., Any], path: tuple[Step, ...], notes: dict[Question, Answer]
) -> Callable[..., Any]:
    def asked(*arguments: Any) -> Any:
        answer = method(*arguments)
        if not _plain(answer):
            raise UnwatchedError(path)
        notes.setdefault(question((*path, ("call", arguments))), answer)
        return answer

    return asked


@functools.lru_cache(maxsize=1_024)
def _always(kind: Any, name: str) -> bool:
    """Whether an attribute is a record or mapping, by its type, and never None."""
    member = inspect.getattr_static(kind, name, None)
    if isinstance(member, functools.cached_property):
        hint = typing.get_type_hints(member.func).get("return")
    else:
        hint = typing.get_type_hints(kind).get(name)
    return is_dataclass(hint) or typing.get_origin(hint) is dict
