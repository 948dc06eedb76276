"""The query of a URL, read as strictly as a body: each name known, once, and of its type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.core.wrong_input import FIXES, display

_MAX_FIELDS: Final = 32
_LONGEST_INTEGER: Final = 12
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One name of a query, as it is read and as the documentation shows it."""

    meaning: str
    example: str
    type: Literal["string", "integer", "boolean"] = "string"
    required: bool = False
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    """The least and the greatest integer, as shown; the handler refuses others."""


def read_query(raw: bytes, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values given, by name; what was not given is absent.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a name that is unknown, repeated or missing, or a value of no such type.
    """
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise invalid(
            f"The query has more than {_MAX_FIELDS} parts.", fix=f"Known: {', '.join(known) or 'none'}."
        ) from None
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name not in known:
            raise _unknown(name, text, known)
        if name in values:
            raise invalid(f"{name} is given twice.", param=name, value=text, fix="Give it once.")
        values[name] = _typed(name, text, known[name])
    for name, parameter in known.items():
        if parameter.required and name not in values:
            raise invalid(f"{name} is missing.", param=name, fix=f"Add ?{name}={parameter.example}.")
    return values


def _typed(name: str, text: str, parameter: Parameter) -> Any:
    if parameter.type == "integer":
        digits = text.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_INTEGER:
            return int(text)
        raise _wrong(name, text, "an integer", parameter)
    if parameter.type == "boolean":
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        raise _wrong(name, text, "a boolean", parameter)
    return text


def _wrong(name: str, text: str, wanted: str, parameter: Parameter) -> HyperCubeError:
    return invalid(
        f"{name} is {display(text)}, but it should be {wanted}.",
        param=name,
        value=text,
        fix=FIXES.get(name, f"Write {wanted}, such as {name}={parameter.example}."),
    )


def _unknown(name: str, text: str, known: Mapping[str, Parameter]) -> HyperCubeError:
    close = nearest(name[:64], known)
    return invalid(
        f"Unknown query parameter {shown(name)!r}.",
        param=str(shown(name)),
        value=text,
        fix=(f"Did you mean {close!r}? " if close else "") + f"Known: {', '.join(known) or 'none'}.",
        did_you_mean=close,
    )
