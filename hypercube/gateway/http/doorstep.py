"""Whoever has connected and not yet asked for anything is a socket and a time, and no more.

A connection with its transport, protocol and parser costs the event loop some 0.1 ms when it comes and nearly as much
when it goes. In a flood eight a turn of them were most of what there was to do, and whoever really asked for something
on a new connection waited behind thousands that never would. Here a socket is accepted, watched by an epoll of its own,
and becomes a connection when there is something to read: those with a whole request first, others in a line of their
own, and who has sent less than a small head not at all. Who stands in that line and sends the rest goes over to the
first: many clients send a head and a body apart. Those who say nothing, or a byte at a time, are ended (408)
without ever having been more.

What has come is only looked at, and read anew by the connection: it alone judges what was asked. Where there is no
epoll, and for what is encrypted, nobody waits here.
"""

import asyncio
import contextlib
import errno
import math
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from hypercube.gateway.http.crowd import Crowd
from hypercube.gateway.http.early_answers import answer_of, head_took_too_long
from hypercube.gateway.http.first_look import SEEN, is_whole, may_wait
from hypercube.gateway.slices import slices_of

ACCEPTED: Final = 32
"""Sockets that are accepted in a turn of the loop."""
LOOKED_AT: Final = 32
"""And looked at, because something came."""
_AT_ONCE: Final = 8
_LONG_S: Final = 0.001
"""Fewer, if it takes so long: each may have to wait for Python's interpreter, if threads have work."""
WHOLE: Final = 8
"""Connections that are made in a turn, of those with a whole request."""
BEGUN: Final = 4
"""And of the others."""
_ENDED: Final = 8
"""What ending one takes, in units of `slices`."""
_TOLD: Final = 256
"""Connections for which there is no room and that may wait to be told so; more are closed at once."""
_FULL_S: Final = 0.1
"""Until the next try, where nobody can be accepted and nobody can make room."""
_FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What the system says where there is no descriptor, or no memory, for one more."""
_TRIES: Final = 16
"""How many of those that would be ended are looked at once more, for one that can be."""
_READ: Final = 3
"""Turns of the loop in which what had come to a new connection is read; one does."""
_LAST_S: Final = 0.1
"""For accepting those who had connected when the server ends."""


class _Outside:
    """One socket."""

    __slots__ = ("descriptor", "since", "socket", "spoke", "watched")

    def __init__(self, came: socket.socket, since: float) -> None:
        self.socket = came
        self.descriptor = came.fileno()
        self.since = since
        """When it came, or when it first said something."""
        self.spoke = False
        self.watched = False
        """Whether the epoll tells of it."""


class Doorstep:
    """Accepts what comes to a listening socket; it is closed as an `asyncio.Server` is.

    One event loop drives it.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[float | None], asyncio.Protocol],
        crowd: Crowd,
        *,
        header_s: float,
        full: Callable[[], bool],
    ) -> None:
        """Accept from now on; `make` makes what answers a connection, given when its head began if that was before.

        `header_s` is how long a request's head may take, and its first byte, in seconds; `full` says whether there
        may be no connection more, those that wait here counted.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._make = make
        self._crowd = crowd
        self._header_s = header_s
        self._full = full
        self._poll = select.epoll()
        self._outside: dict[int, _Outside] = {}
        """Those who have not asked for anything, by descriptor and in the order of their times."""
        self._whole: deque[_Outside] = deque()
        self._begun: dict[int, _Outside] = {}
        """Those whose turn to become a connection is to come; these may still go over to the others."""
        self._turning = False
        self._seen = bytearray(SEEN)
        self._made: set[asyncio.Task[Any]] = set()
        self._accepting = True
        self._again: asyncio.TimerHandle | None = None
        crowd.doorstep = self
        self._loop.add_reader(listener.fileno(), self._accept)
        self._loop.add_reader(self._poll.fileno(), self._look)
        self._later: asyncio.TimerHandle | None = None
        self._cleared = False
        self._look_at_times()

    def __len__(self) -> int:
        return len(self._outside) + len(self._whole) + len(self._begun)

    # -- coming

    def _accept(self) -> bool:
        """Accept some; whether there may be more."""
        until = time.perf_counter() + _LONG_S
        for _ in range(ACCEPTED):
            if time.perf_counter() > until:
                break
            try:
                came, _ = self._listener.accept()
            except BlockingIOError:
                return False
            except ConnectionError:
                continue  # it left before its turn
            except OSError as error:
                self._make_room_or_wait(error)
                return False
            outside = _Outside(came, self._loop.time())
            if self._full() and not self._crowd.make_room():
                if len(self._begun) < _TOLD:
                    self._watch(outside)
                    self._line_up(outside, whole=False)  # the connection says that there is no room
                else:
                    came.close()
                continue
            self._watch(outside)
            if outside.watched:
                self._outside[outside.descriptor] = outside
            else:
                self._line_up(outside, whole=False)
        return True

    def _watch(self, outside: _Outside) -> None:
        # Told of each piece that comes once, and not again and again of one that is too little.
        with contextlib.suppress(OSError):  # the system watches no more for this user
            self._poll.register(outside.descriptor, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
            outside.watched = True

    def _watch_no_more(self, outside: _Outside) -> None:
        if outside.watched:
            self._poll.unregister(outside.descriptor)
            outside.watched = False

    def _make_room_or_wait(self, error: OSError) -> None:
        if error.errno not in _FULL or not self._crowd.make_room():
            self._loop.remove_reader(self._listener.fileno())
            self._again = self._loop.call_later(_FULL_S, self._accept_again)

    def _accept_again(self) -> None:
        self._again = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    # -- speaking

    def _look(self) -> None:
        until = time.perf_counter() + _LONG_S
        for _ in range(LOOKED_AT // _AT_ONCE):
            came = self._poll.poll(0, _AT_ONCE)
            for descriptor, events in came:
                outside = self._outside.get(descriptor) or self._begun.get(descriptor)
                if outside is not None:
                    self._judge(outside, ended=bool(events & select.EPOLLRDHUP))
            if len(came) < _AT_ONCE or time.perf_counter() > until:
                return

    def _judge(self, outside: _Outside, *, ended: bool) -> None:
        try:
            length = outside.socket.recv_into(self._seen, SEEN, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            length = 0
        if not length:
            self._end(outside)
            return
        seen = bytes(memoryview(self._seen)[:length])
        whole = is_whole(seen)
        if outside.descriptor in self._begun:
            if whole:
                del self._begun[outside.descriptor]
                self._line_up(outside, whole=True)
            return
        if not whole and may_wait(seen):
            if ended:  # there will be no more of it
                self._end(outside)
            elif not outside.spoke:
                outside.spoke = True
                outside.since = self._loop.time()
                self._outside[outside.descriptor] = self._outside.pop(outside.descriptor)
            return
        del self._outside[outside.descriptor]
        self._line_up(outside, whole=whole)

    def _line_up(self, outside: _Outside, *, whole: bool) -> None:
        if whole:
            self._watch_no_more(outside)
            self._whole.append(outside)
        else:
            self._begun[outside.descriptor] = outside
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        for _ in range(min(WHOLE, len(self._whole))):
            self._let_in(self._whole.popleft())
        for _ in range(min(BEGUN, len(self._begun))):
            outside = self._begun.pop(next(iter(self._begun)))
            self._watch_no_more(outside)
            self._let_in(outside)
        self._turning = bool(self._whole or self._begun)
        if self._turning:
            self._loop.call_soon(self._turn)

    def _let_in(self, outside: _Outside) -> None:
        task = self._loop.create_task(self._connected(outside))
        self._made.add(task)
        task.add_done_callback(self._made.discard)

    async def _connected(self, outside: _Outside) -> None:
        # Who had begun a head has no more time for it than others.
        since = outside.since if outside.spoke else None
        try:
            await self._loop.connect_accepted_socket(lambda: self._make(since), outside.socket)
        except OSError:  # it left at this very moment
            outside.socket.close()

    # -- going

    def _end(self, outside: _Outside) -> None:
        self._outside.pop(outside.descriptor, None)
        self._begun.pop(outside.descriptor, None)
        outside.socket.close()  # and is watched no more

    def _is_still_silent(self, outside: _Outside) -> bool:
        """Look at one that is to be ended once more; False if it has asked meanwhile, begun to, or left."""
        spoke = outside.spoke
        self._judge(outside, ended=False)
        return outside.descriptor in self._outside and outside.spoke == spoke

    @property
    def longest_since(self) -> float:
        """When the one that has waited longest began to, by the loop's clock; infinite if nobody waits."""
        first = next(iter(self._outside.values()), None)
        return math.inf if first is None else first.since

    def turn_out(self) -> bool:
        """End the one that has waited longest; whether one was. Who has asked and was not looked at comes in."""
        before = len(self)
        for _ in range(_TRIES):
            first = next(iter(self._outside.values()), None)
            if first is not None and self._is_still_silent(first):
                self._end(first)
            if first is None or len(self) < before:
                break
        return len(self) < before

    def turn_all_out(self) -> None:
        """End all who have not asked for anything."""
        for outside in [*self._outside.values()]:
            if self._is_still_silent(outside):
                self._end(outside)

    def look(self, now: float) -> Iterator[int]:
        """End those that are late at this time of the loop's clock, a step each, as `slices` wants it."""
        words = answer_of(408, head_took_too_long(self._header_s))
        while self.longest_since < now - self._header_s:
            outside = next(iter(self._outside.values()))
            if self._is_still_silent(outside):
                with contextlib.suppress(OSError):
                    # With something unread the connection would be reset, and these words lost.
                    outside.socket.recv_into(self._seen, SEEN, socket.MSG_DONTWAIT)
                with contextlib.suppress(OSError):
                    outside.socket.send(words, socket.MSG_DONTWAIT)
                self._end(outside)
            yield _ENDED

    def _look_at_times(self) -> None:
        def looks() -> Iterator[int]:
            yield from self.look(self._loop.time())
            if not self._cleared:
                self._later = self._loop.call_later(min(1.0, self._header_s / 4), self._look_at_times)

        slices_of(self._loop).add(looks())

    def close(self) -> None:
        """Accept nobody more; those who are here may still ask."""
        if not self._accepting:
            return
        self._accepting = False
        if self._again is not None:
            self._again.cancel()
        else:
            self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    async def finish(self) -> None:
        """Accept nobody more, let in all who have asked by now, though they waited to be accepted, and turn others out.

        When it returns what they asked has been read.
        """
        until = self._loop.time() + _LAST_S
        while self._accepting and self._again is None and self._loop.time() < until:
            if not self._accept():
                break
            await asyncio.sleep(0)
        self.close()
        self.turn_all_out()
        while self._whole or self._begun or self._made:  # noqa: ASYNC110 - at the end nobody minds a few turns more
            await asyncio.sleep(0)
        for _ in range(_READ):
            await asyncio.sleep(0)
        self.clear()

    def clear(self) -> None:
        """Turn all out."""
        self.close()
        if self._cleared:
            return
        self._cleared = True
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._poll.fileno())
        self._poll.close()
        for outside in (*self._outside.values(), *self._whole, *self._begun.values()):
            outside.socket.close()
        self._outside.clear()
        self._whole.clear()
        self._begun.clear()

    async def wait_closed(self) -> None:
        """Nothing more than what `close` did."""


def can_wait_outside() -> bool:
    """Whether sockets can be watched so (on Linux)."""
    return sys.platform == "linux"
