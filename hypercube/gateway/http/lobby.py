"""Connections that have nothing to say are watched apart from the event loop, which hears of a few of them a turn.

The loop reads whatever has come on any socket in one turn. Thousands of slow clients that each send a byte in the same
moment, or all leave in it, so hold up everybody else: 3,200 bytes for 12 to 20 ms, 4,900 ends for 100 ms. Here a
connection at rest is not read by the loop. The kernel keeps a list of those on which something came (a second epoll),
and each turn takes at most `AT_A_TURN` of them, in the order of that list, and has the loop read them.

Those who were answered before and those who never said anything whole rest in lobbies of their own, so that the first
do not stand behind the second. Where there is no epoll nobody rests.
"""

import asyncio
import select
import sys
from collections.abc import Callable
from typing import Final

AT_A_TURN: Final = 16
"""Connections of one lobby; one is read, or let go, in some 15 to 40 us."""


class Lobby:
    """Connections at rest, each with what to call when it is no longer; one event loop drives it.

    It takes a descriptor while anybody is in it.
    """

    __slots__ = ("_loop", "_poll", "_resting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """For connections of this loop."""
        self._loop = loop
        self._poll: select.epoll | None = None
        self._resting: dict[int, Callable[[], object]] = {}

    def __len__(self) -> int:
        return len(self._resting)

    def rest(self, descriptor: int, wake: Callable[[], object]) -> bool:
        """Call `wake` once, in a turn of the loop, when something came on this socket, if only its end.

        False where that cannot be done.
        """
        if sys.platform != "linux":
            return False
        if self._poll is None:
            self._poll = select.epoll()
            self._loop.add_reader(self._poll.fileno(), self._turn)
        self._poll.register(descriptor, select.EPOLLIN | select.EPOLLRDHUP)
        self._resting[descriptor] = wake
        return True

    def leave(self, descriptor: int) -> None:
        """It is woken no more; its socket is still open."""
        if self._resting.pop(descriptor, None) is not None and self._poll is not None:
            self._poll.unregister(descriptor)
            self._close_if_empty()

    def _turn(self) -> None:
        poll = self._poll
        if poll is None:
            return
        came = poll.poll(0, AT_A_TURN)
        wakes = []
        for descriptor, _ in came:
            poll.unregister(descriptor)
            wakes.append(self._resting.pop(descriptor))
        self._close_if_empty()
        for wake in wakes:
            wake()

    def _close_if_empty(self) -> None:
        if not self._resting and self._poll is not None:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None
