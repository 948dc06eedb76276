"""Who asks, and what they may do: the one answer that every door gives and every handler reads."""

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, shown


class Role(StrEnum):
    """What a caller may do; an administrator may do everything."""

    USER = "user"
    """Asks for charts, readings, chat, vectors."""
    ADMIN = "admin"
    """Also changes what the server serves: models, aliases, splits, adapters, keys."""


class ScopeKind(StrEnum):
    """What a scope is about; it is written `kind:pattern`, with `*` for anything."""

    ROUTE = "route"
    """A path of HTTP (`/v1/saju/*`) or a method of gRPC (`hypercube.v1.Saju/*`)."""
    CUBE = "cube"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Rate:
    """So much in so long, spread evenly; who was quiet for that long may take all of it at once."""

    amount: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that a door has let in.

    Attributes:
        name: who, for histories and audits; never a secret.
        roles: what they may do.
        scopes: routes, cubes and models they are limited to; a kind without a scope has no limit.
        id: what quotas are counted under; differs between callers of one name.
        requests: how many requests they may send; None = no limit.
        tokens: how many tokens their requests and answers may have together; None = no limit.
    """

    name: str
    roles: frozenset[Role] = frozenset({Role.USER})
    scopes: frozenset[str] = field(default_factory=frozenset)
    id: str = ""
    requests: Rate | None = None
    tokens: Rate | None = None

    def allows(self, kind: ScopeKind, name: str) -> bool:
        """Whether the scopes leave room for the route, cube or model of that name."""
        limited = False
        for scope in self.scopes:
            of, _, pattern = scope.partition(":")
            if of == kind.value:
                limited = True
                if fnmatchcase(name, pattern.replace("[", "[[]")):
                    return True
        return not limited

    def require_scope(self, kind: ScopeKind, name: str) -> None:
        """Return if `allows`.

        Raises:
            HyperCubeError: PERMISSION_DENIED.
        """
        if not self.scopes or self.allows(kind, name):
            return
        own = sorted(scope for scope in self.scopes if scope.startswith(f"{kind.value}:"))
        raise HyperCubeError(
            ErrorKind.PERMISSION_DENIED,
            f"{self.name!r} may not use the {kind.value} {str(shown(name))!r}.",
            param="model" if kind is ScopeKind.MODEL else None,
            value=name,
            fix=f"It is limited to {', '.join(own)}: use another key, or one with a wider scope.",
            details={"scopes": own},
        )

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
