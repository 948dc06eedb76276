"""What was typed after `hypercube`, read as it was meant; and what is wrong with it in the words of the other doors.

An unquoted birth, `1990-05-03 07:20`, arrives as two arguments: a date followed by a time is one birth.
"""

import re
from collections.abc import Collection
from enum import Enum
from typing import Any, Final, get_args

import typer
from typer.core import TyperCommand, TyperGroup

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.wrong_input import no_choice, wrong_kind

_DATE: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_TIME: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_KINDS: Final = {"float_parsing": "a number", "int_parsing": "an integer"}
"""By what could not be read, as the parser calls it."""
_EXTRA: Final = "Got unexpected extra argument"
_BIRTH_COMMANDS: Final = frozenset({"chart", "reading", "compatibility"})


class BirthCommand(TyperCommand):
    """A command whose arguments are births."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typed, but for a date and the time behind it, which are one birth."""
        options = [each for each in self.params if not getattr(each, "is_flag", False)]
        return super().parse_args(ctx, joined(args, {name for each in options for name in each.opts}))


class TypedWords(TyperGroup):
    """The commands, whose complaints about an option's value are those of HTTP, gRPC and the SDK."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a value that is no choice or no number, and for a birth whose
                parts the shell has taken for several arguments.
        """
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            told = _value_error(error)
            if told is None:
                raise
            raise told from None
        except _UsageError as error:
            told = _unquoted(error)
            if told is None:
                raise
            raise told from None


_UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""The parser's class for arguments that do not fit a command; the package does not name it in public."""


def joined(args: list[str], options: Collection[str]) -> list[str]:
    """The arguments with each date and the time right behind it as one; the value of an option is left alone."""
    found: list[str] = []
    for at, each in enumerate(args):
        after_option = at >= 2 and args[at - 2] in options
        if at and _TIME.fullmatch(each) and _DATE.fullmatch(args[at - 1]) and not after_option:
            found[-1] = f"{found[-1]} {each}"
        else:
            found.append(each)
    return found


def _value_error(error: Any) -> HyperCubeError | None:
    """The same complaint in our words; None for one that is not about a choice or a number."""
    from pydantic import ValidationError  # what the parser reads values with, loaded by then

    cause = error.__cause__
    if error.param is None or not isinstance(cause, ValidationError):
        return None
    problem = cause.errors(include_url=False)[0]
    kind = _kind_of(error.param)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return no_choice(error.param.name, problem["input"], [str(each.value) for each in kind])
    wanted = _KINDS.get(problem["type"])
    return None if wanted is None else wrong_kind(error.param.name, problem["input"], wanted)


def _kind_of(option: Any) -> Any:
    """The type that an option's values have; of one that may be given again, that of each."""
    annotation = getattr(getattr(option, "type_descriptor", None), "annotation", None)
    inner = get_args(annotation)
    return inner[0] if inner else annotation


def _unquoted(error: Any) -> HyperCubeError | None:
    """That an argument too many may be the rest of a birth; None where the command takes no birth."""
    command = error.ctx.info_name if error.ctx is not None else None
    if command not in _BIRTH_COMMANDS or not error.message.startswith(_EXTRA):
        return None
    place = '"1990-05-03 07:20 서울"' if command == "compatibility" else '"1990-05-03 07:20" --place 서울'
    return invalid(
        f"{error.message.rstrip('.')}.",
        param="birth",
        fix=f"Quote a birth with its time, and put nothing else beside it: hypercube {command} {place}.",
    )
