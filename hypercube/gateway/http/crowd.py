"""The connections of one server that nobody is answering, and the look at all of them that ends those that are late."""

import asyncio
import math
from collections.abc import Iterator
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from hypercube.gateway.http.lobby import Lobby
from hypercube.gateway.slices import slices_of

_ENDED: Final = 16
"""What ending a connection takes, in looks at one."""


class Waiting(Protocol):
    """What is known here of a connection."""

    transport: asyncio.Transport
    since: float
    """When it began to do what it does, by the loop's clock."""

    def look(self, now: float) -> None:
        """End the connection if it has been too slow; `now` by the loop's clock."""


class Outside(Protocol):
    """Sockets that are no connections yet (`doorstep`)."""

    @property
    def longest_since(self) -> float:
        """When the one that has waited longest began to; infinite if nobody waits."""

    def turn_out(self) -> bool:
        """End that one; False if all that were looked at had asked for something meanwhile."""


class Crowd:
    """Those that wait longest come first."""

    __slots__ = ("answered", "between", "doorstep", "look", "slow", "strangers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.strangers: dict[Waiting, None] = {}
        """Without a request so far."""
        self.between: dict[Waiting, None] = {}
        """Between two requests."""
        self.doorstep: Outside | None = None
        """Those of which not even that is known, if they wait apart."""
        self.look: asyncio.TimerHandle | None = None
        """The next look at the server's connections."""
        self.slow = Lobby(loop)
        """Where those rest of which a request is under way or the first has not come."""
        self.answered = Lobby(loop)
        """Where those rest that were answered before, until their next request."""

    def leave(self, connection: Waiting) -> None:
        """It is being answered, or gone."""
        self.strangers.pop(connection, None)
        self.between.pop(connection, None)

    def make_room(self) -> bool:
        """End a connection that is not being answered; whether there was one."""
        victim = _first(self.strangers)
        outside = self.doorstep
        if (
            outside is not None
            and outside.longest_since < (math.inf if victim is None else victim.since)
            and outside.turn_out()
        ):
            return True
        victim = victim or _first(self.between)
        if victim is None:
            return False
        self.leave(victim)
        victim.transport.abort()
        return True

    def watch(self, connections: set[Any], every_s: float, loop: asyncio.AbstractEventLoop) -> None:
        """Look at those that are `Waiting` from time to time, in slices, while there are any."""

        def looks() -> Iterator[int]:
            rest = list(connections)
            while rest:
                # One that has gone since the slice before is let go here, and not all of them at the end.
                connection = rest.pop()
                if connection in connections and hasattr(connection, "look"):
                    was_closing = connection.transport.is_closing()
                    connection.look(loop.time())
                    yield _ENDED if connection.transport.is_closing() and not was_closing else 1
            self.look = loop.call_later(every_s, look) if connections else None

        def look() -> None:
            slices_of(loop).add(looks())

        self.look = loop.call_later(every_s, look)


def _first(waiting: dict[Waiting, None]) -> Waiting | None:
    return next((each for each in waiting if not each.transport.is_closing()), None)


_crowds: "WeakKeyDictionary[ServerState, Crowd]" = WeakKeyDictionary()


def crowd_of(state: ServerState, loop: asyncio.AbstractEventLoop) -> Crowd:
    """The one of this server."""
    crowd = _crowds.get(state)
    if crowd is None:
        crowd = _crowds[state] = Crowd(loop)
    return crowd
