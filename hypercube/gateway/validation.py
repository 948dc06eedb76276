"""JSON bytes to typed requests, and pydantic's complaints to errors that say what to write instead."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.core.wrong_input import display, missing, no_choice, unknown_field, wrong_kind

T = TypeVar("T")
Path = tuple[int | str, ...]

_UNKNOWN_FIELD: Final = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING: Final = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_UNKNOWN_TAG: Final = frozenset({"union_tag_invalid", "union_tag_not_found"})
_CHOICE: Final = frozenset({"enum", "literal_error"})
_OTHERS_SHOWN: Final = 9
_QUOTED: Final = re.compile(r"'([^']*)'")
_ARTICLE: Final = re.compile(r"\ba valid (?=[aeio])")


class JsonModel(Generic[T]):
    """A request type that reads JSON. Types are strict: `"127"` is no number and `true` is no integer."""

    def __init__(self, type_: Any) -> None:
        self.adapter: TypeAdapter[T] = TypeAdapter(type_)

    def read(self, body: bytes | str) -> T:
        """The request in a body.

        Raises:
            HyperCubeError: INVALID_ARGUMENT naming the first thing that is wrong; `details.others` lists more.
        """
        try:
            return self.adapter.validate_json(body, strict=True)
        except ValidationError as error:
            problems = error.errors(include_url=False)
            raise self.explain(problems, body) from None

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the type."""
        return self.adapter.json_schema()

    def explain(self, problems: Sequence[ErrorDetails], body: bytes | str) -> HyperCubeError:
        """One error for the first of pydantic's complaints, with the others as short lines in `details`."""
        if problems[0]["type"] == "json_invalid":
            return _not_json(problems[0])
        document = from_json(body)
        return self.explain_document(problems, document)

    def explain_document(self, problems: Sequence[ErrorDetails], document: Any) -> HyperCubeError:
        """`explain`, for a body that was parsed already."""
        problems = _telling(problems[: _OTHERS_SHOWN + 1], document)
        first = self._one(problems[0], document)
        if len(problems) == 1:
            return first
        others = [self._one(problem, document) for problem in problems[1:]]
        return invalid(
            first.message,
            param=first.param,
            value=first.value,
            fix=first.fix,
            **{
                **first.details,
                "others": [{"param": other.param, "message": other.message} for other in others],
            },
        )

    def _one(self, problem: ErrorDetails, document: Any) -> HyperCubeError:
        path = _path(problem, document)
        param = written(path) or None
        if problem["type"] in _UNKNOWN_FIELD:
            return self._unknown_field(path, problem)
        if problem["type"] in _MISSING:
            return missing(param, str(path[-1]))
        context = problem.get("ctx") or {}
        if problem["type"] in _UNKNOWN_TAG:  # which of several forms it is, one of its fields says
            name = written((*path, context["discriminator"].strip("'")))
            tag, known = context.get("tag"), context.get("expected_tags")
            return invalid(
                f"{name} is missing." if tag is None else f"{name} is {display(tag)}.",
                param=name,
                value=tag,
                fix=f"Write one of: {known}." if known else f"Add {name!r}.",
            )
        if "param" in context:  # one of our own validators: it knows the field and the words
            field = written((*path, *context["param"]))
            return invalid(
                f"{field} {problem['msg']}", param=field, value=context.get("value"), fix=context.get("fix")
            )
        value = problem["input"]
        said = problem["msg"].removeprefix("Value error, ")
        wanted = None
        if said.startswith("Input should be "):
            wanted = _ARTICLE.sub("an ", said.removeprefix("Input should be ")).replace("a valid ", "a ")
        choices = _QUOTED.findall(str(context.get("expected", ""))) if problem["type"] in _CHOICE else ()
        if wanted and choices:
            return no_choice(param, value, choices)
        if wanted:
            items = _item_choices(self.schema, path) if wanted == "an array" else ()
            return wrong_kind(param, value, wanted, items)
        return invalid(f"{param or 'The body'} is {display(value)}: {said}.", param=param, value=value)

    def _unknown_field(self, path: Path, problem: ErrorDetails) -> HyperCubeError:
        name = str(path[-1]) if path else ""
        known = _properties(self.schema, path[:-1])
        where = f" in {written(path[:-1])}" if len(path) > 1 else ""
        return unknown_field(name, written(path), problem["input"], known, where)


@lru_cache(maxsize=256)
def json_model(type_: Any) -> JsonModel[Any]:
    """The reader of a type; building one takes milliseconds, so each is built once."""
    return JsonModel(type_)


def written(path: Path) -> str:
    """A path as the caller wrote it: `births[3].longitude`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(shown(step))
    return str(shown(text))


def _not_json(problem: ErrorDetails) -> HyperCubeError:
    reason = str((problem.get("ctx") or {}).get("error", problem["msg"]))
    body = problem["input"]
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return invalid(
        f"The body is not JSON: {reason}." if text else "The body is empty.",
        value=text or None,
        fix="Send one JSON object, in UTF-8, with the header content-type: application/json.",
        reason=reason,
    )


def _path(problem: ErrorDetails, document: Any) -> Path:
    """The steps of a complaint that exist in what the caller sent: pydantic's own labels drop out."""
    steps: list[int | str] = []
    at = document
    location = problem["loc"]
    for place, step in enumerate(location):
        inside = (isinstance(at, dict) and step in at) or (
            isinstance(at, list) and isinstance(step, int) and step < len(at)
        )
        if inside:
            steps.append(step)
            at = at[step]
        elif place == len(location) - 1 and problem["type"] in _MISSING:
            steps.append(step)
    return tuple(steps)


def _telling(problems: Sequence[ErrorDetails], document: Any) -> list[ErrorDetails]:
    """The complaints with those last that the others go deeper than.

    A list with one bad item, where a text may stand too, is not wrong for being no text.
    """
    paths = [_path(problem, document) for problem in problems]
    outside = [any(len(a) < len(b) and a == b[: len(a)] for b in paths) for a in paths]
    order = sorted(range(len(problems)), key=lambda at: outside[at])
    return [problems[at] for at in order]


def _properties(schema: Mapping[str, Any], path: Path) -> set[str]:
    """The field names that a JSON Schema knows at a path."""
    return {name for node in _nodes(schema, path) for name in node.get("properties", {})}


def _item_choices(schema: Mapping[str, Any], path: Path) -> list[str]:
    """The words that a JSON Schema lets stand in the array at a path; empty where it lets more than some words."""
    items = [found for node in _nodes(schema, path) for found in _child(schema, node, 0)]
    return [word for node in items for word in node.get("enum", ()) if isinstance(word, str)]


def _nodes(schema: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    """What a JSON Schema says of a path, each alternative by itself."""
    nodes = list(_resolved(schema, schema))
    for step in path:
        nodes = [found for node in nodes for found in _child(schema, node, step)]
    return nodes


def _child(
    schema: Mapping[str, Any], node: Mapping[str, Any], step: int | str
) -> Iterator[Mapping[str, Any]]:
    below = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
    if isinstance(below, Mapping):
        yield from _resolved(schema, below)


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A node with its references followed and its alternatives laid side by side."""
    if "$ref" in node:
        yield from _resolved(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
        return
    yield node
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _resolved(schema, choice)
