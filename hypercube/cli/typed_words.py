"""What was typed after `hypercube`, read as it was meant; and what is wrong with it in the words of the other doors.

An unquoted birth, `1990-05-03 07:20`, arrives as two arguments: a date followed by a time is one birth.
"""

import re
from enum import Enum
from typing import Any, Final, get_args

import typer
from typer.core import TyperCommand, TyperGroup

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.wrong_input import no_choice, wrong_kind

_DATE: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_TIME: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_GIVEN: Final = re.compile(r"(?P<quote>['\"])(?P<value>.*)(?P=quote) is not one of", re.DOTALL)
_KINDS: Final[dict[Any, str]] = {float: "a number", int: "an integer"}
"""By the type of an option."""
_EXTRA: Final = "Got unexpected extra argument"
_BIRTH_COMMANDS: Final = frozenset({"chart", "reading", "compatibility"})


class BirthCommand(TyperCommand):
    """A command whose arguments are births."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typed, but for a date and the time behind it, which are one birth."""
        return super().parse_args(ctx, joined(args))


class TypedWords(TyperGroup):
    """The commands, whose complaints about an option's value are those of HTTP, gRPC and the SDK."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a value that is no choice or no number, and for a birth whose
                parts the shell has taken for several arguments.
        """
        arguments = list(ctx.args)
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            told = _value_error(error, arguments)
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


def joined(args: list[str]) -> list[str]:
    """The arguments with each date and the time right behind it as one; what follows an option is left alone."""
    found: list[str] = []
    for at, each in enumerate(args):
        after_option = at >= 2 and args[at - 2].startswith("-")
        if at and _TIME.fullmatch(each) and _DATE.fullmatch(args[at - 1]) and not after_option:
            found[-1] = f"{found[-1]} {each}"
        else:
            found.append(each)
    return found


def _value_error(error: Any, arguments: list[str]) -> HyperCubeError | None:
    """The same complaint in our words; None for one that is not about a choice or a number."""
    if error.param is None:
        return None
    kind = _kind_of(error.param)
    if isinstance(kind, type) and issubclass(kind, Enum):
        given = _GIVEN.search(error.message)
        words = [str(each.value) for each in kind]
        return None if given is None else no_choice(error.param.name, given["value"], words)
    wanted = _KINDS.get(kind)
    value = _value_of(error.param.opts, arguments)
    return None if wanted is None or value is None else wrong_kind(error.param.name, value, wanted)


def _kind_of(option: Any) -> Any:
    """The type that an option's values have; of one that may be given again, that of each."""
    annotation = getattr(getattr(option, "type_descriptor", None), "annotation", None)
    inner = get_args(annotation)
    return inner[0] if inner else annotation


def _value_of(names: list[str], arguments: list[str]) -> str | None:
    """What was typed behind an option, which the parser's complaint about it leaves out."""
    for at, each in enumerate(arguments):
        name, equals, value = each.partition("=")
        if name in names:
            return value if equals else arguments[at + 1] if at + 1 < len(arguments) else None
    return None


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
