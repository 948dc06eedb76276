"""What is asked of a move before it is recorded, and who is said to have made it."""

import getpass

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown
from hypercube.model_registry.routes import ALIAS, RESERVED, SPLIT, Routes


def whoami() -> str:
    """The user of this process, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def check_alias(alias: str) -> None:
    """INVALID_ARGUMENT for what cannot be the name of an alias."""
    if not ALIAS.fullmatch(alias) or alias in RESERVED:
        raise invalid(
            f"{shown(alias)!r} cannot be an alias.",
            param="alias",
            value=alias,
            fix=f"Use a small letter, then letters, digits, '_' and '-'; not {' or '.join(RESERVED)}.",
        )


def no_such(name: str, subject: str, routes: Routes) -> HyperCubeError:
    """NOT_FOUND: the model has no such alias, or no split."""
    known = ", ".join(routes.aliases) or "none"
    what = "split" if subject == SPLIT else f"alias {shown(subject)!r}"
    close = nearest(subject, routes.aliases)
    return HyperCubeError(
        ErrorKind.NOT_FOUND,
        f"The model {name!r} has no {what}.",
        param="alias",
        value=subject,
        fix=(f"Did you mean {close!r}? " if close else "") + f"Its aliases: {known}.",
    )
