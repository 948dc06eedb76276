"""gRPC wakes the event loop once for all that it has to tell, not once for each of it."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_MOST: Final = 4_096
"""Bytes looked for at a time; whatever is more wakes the loop again."""


@contextmanager
def gathered_wakeups() -> Iterator[None]:
    """Gather the wake-ups of what gRPC registers with the running loop within the block.

    gRPC's threads queue what happened and write a byte to a socket for each of it, four a call. The loop reads one
    byte a turn, tells of everything in the queue, and is woken again for every byte that is left, for nothing: a
    turn of the loop and two system calls each. Here all bytes but the one that gRPC itself will read are taken at
    once. What they were written for is in the queue by then, so nothing waits for a byte that is gone.

    Where the loop has no readers of sockets, or gRPC comes to use none, nothing is changed.
    """
    loop: Any = asyncio.get_running_loop()
    if not hasattr(socket, "MSG_DONTWAIT"):
        yield
        return
    plain = loop.add_reader

    def add_reader(file: Any, callback: Callable[..., object], *args: Any) -> None:
        if isinstance(file, socket.socket) and not args:
            callback = Gathered(file, callback)
        plain(file, callback, *args)

    loop.add_reader = add_reader
    try:
        yield
    finally:
        loop.add_reader = plain


class Gathered:
    """A callback that reads one byte of a socket, called once for all bytes that are there."""

    __slots__ = ("_callback", "_receive")

    def __init__(self, read: socket.socket, callback: Callable[[], object]) -> None:
        self._receive = read.recv
        self._callback = callback

    def __call__(self) -> None:
        """Take every byte but one, and let the callback have that."""
        try:
            waiting = len(self._receive(_MOST, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return  # somebody else took it
        if waiting > 1:
            self._receive(waiting - 1)
        self._callback()
