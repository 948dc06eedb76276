"""The words for a field of the wrong kind, the same on every door: HTTP, gRPC, the SDK and the command line.

Each function returns the error; whoever finds the fault raises it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hypercube.core.errors import HyperCubeError, invalid, nearest, shown

_NEAR: Final = 0.6
"""Of the words of a choice, how like one must be to be meant: `career` is not a slip for `temper`."""
_LONGEST_WORD: Final = 40
FIXES: Final = {
    "birth": 'Write "1990-05-03T07:20", or "1990-05-03" when the hour is unknown.',
    "longitude": "Give degrees east of Greenwich, west negative: Seoul is 126.978.",
    "fold": "Write 0 for the first pass of a clock time that came twice, 1 for the second, or leave it out.",
    "leap_month": "Write true or false: true for a leap month (윤달) of a lunar date.",
    "place": "Write Seoul or 서울.",
    "year": "Write a whole number, such as 2026.",
    "zone": "Write Asia/Seoul.",
    "as_of": "Write YYYY-MM-DD, or leave it out for today in the birth zone.",
}
"""What to write instead, by the name of a field of a birth or of the calendar."""


def display(value: object) -> str:
    """A value for a message: short, and an object or a list only by its kind."""
    match value:
        case dict():
            return "an object"
        case list() | tuple():
            return "a list"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case _:
            return repr(shown(value))


def wrong_kind(param: str | None, value: object, wanted: str, items: Sequence[str] = ()) -> HyperCubeError:
    """A value of the wrong kind: "longitude is 'east', but it should be a number".

    Args:
        param: the field as the caller wrote it; None for the body as a whole.
        value: what was there.
        wanted: what should be there, with its article: `a number`.
        items: of an array, the words that may stand in it, where only some may.
    """
    leaf = (param or "").rsplit(".", 1)[-1]
    return invalid(
        f"{param or 'The body'} is {display(value)}, but it should be {wanted}.",
        param=param,
        value=value,
        fix=f"Write {wanted} of: {', '.join(items)}." if items else FIXES.get(leaf, f"Write {wanted}."),
    )


def no_choice(param: str | None, value: object, known: Sequence[str]) -> HyperCubeError:
    """A word that is none of the choices, with the one that was meant where one is near."""
    words = [str(each) for each in known]
    quoted = [repr(each) for each in words]
    close = None
    if isinstance(value, str) and len(value) < _LONGEST_WORD and len(known) > 1:
        close = _meant(value, words)
    wanted = " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
    return invalid(
        f"{param or 'The body'} is {display(value)}, but it should be {wanted}.",
        param=param,
        value=value,
        fix=f"{f'Did you mean {close!r}? ' if close else ''}Write one of: {', '.join(words)}.",
        choices=words,
    )


def _meant(value: str, known: Sequence[str]) -> str | None:
    """The one choice that begins so, else the one most like it, whatever the case of the letters."""
    typed, spelt = value.strip().casefold(), {each.casefold(): each for each in known}
    begun = [each for each in spelt if typed and each.startswith(typed)]
    close = begun[0] if len(begun) == 1 else nearest(typed, spelt, cutoff=_NEAR)
    return spelt[close] if close else None


def unknown_field(name: str, param: str, value: Any, known: Iterable[str], where: str = "") -> HyperCubeError:
    """A field that nothing is called, with the one that is called nearly so.

    Args:
        name: of the field alone.
        param: the field as the caller wrote it, with what it stands in.
        value: what was there.
        known: the fields that there are.
        where: what it stands in, in words that follow the name: " in births[3]".
    """
    fields = sorted(known)
    like = nearest(name, fields)
    return invalid(
        f"Unknown field {shown(name)!r}{where}.",
        param=param,
        value=value,
        fix=(f"Did you mean {like!r}? " if like else "") + f"Known fields: {', '.join(fields) or 'none'}.",
        did_you_mean=like,
    )


def missing(param: str | None, name: str) -> HyperCubeError:
    """A field that has to be there and is not; `name` is the field alone."""
    return invalid(f"{param} is missing.", param=param, fix=f"Add {name!r}.")
