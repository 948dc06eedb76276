"""Who asks, and what they may do: the one answer that every door gives and every handler reads."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError


class Role(StrEnum):
    """What a caller may do; an administrator may do everything."""

    USER = "user"
    """Asks for charts, readings, chat, vectors."""
    ADMIN = "admin"
    """Also changes what the server serves: models, aliases, splits, adapters, keys."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that a door has let in.

    Attributes:
        name: who, for histories and audits; never a secret.
        roles: what they may do.
        scopes: routes or models they are limited to; empty = no limit.
    """

    name: str
    roles: frozenset[Role] = frozenset({Role.USER})
    scopes: frozenset[str] = field(default_factory=frozenset)

    def require(self, role: Role) -> None:
        """Return if this caller has the role.

        Raises:
            HyperCubeError: PERMISSION_DENIED.
        """
        if role in self.roles or Role.ADMIN in self.roles:
            return
        raise HyperCubeError(
            ErrorKind.PERMISSION_DENIED,
            f"{self.name!r} does not have the role {role.value!r} that this needs.",
            fix=f"Use a key that has the role {role.value!r}.",
            details={"role": role.value},
        )


LOCAL: Final = Principal("local", frozenset({Role.USER, Role.ADMIN}))
"""Whoever reaches a server that asks for no keys, which listens on loopback only."""
