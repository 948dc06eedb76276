"""Of connections at rest a few are woken a turn, each once, and an empty lobby holds nothing."""

import asyncio
import socket
import sys
from collections import Counter

import pytest

from hypercube.gateway.http.lobby import AT_A_TURN, Lobby

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no epoll")


async def test_thousands_that_speak_in_one_moment_are_heard_a_few_a_turn() -> None:
    loop = asyncio.get_running_loop()
    lobby = Lobby(loop)
    pairs = [socket.socketpair() for _ in range(200)]
    turn = 0
    woken: list[tuple[int, int]] = []
    try:
        for number, (ours, _) in enumerate(pairs):
            assert lobby.rest(ours.fileno(), lambda number=number: woken.append((turn, number)))  # type: ignore[misc]
        await asyncio.sleep(0)
        assert not woken
        for number, (_, theirs) in enumerate(pairs):
            if number % 2:
                theirs.send(b"a")
            else:
                theirs.close()
        while len(lobby):
            turn += 1
            await asyncio.sleep(0)
        assert sorted(number for _, number in woken) == list(range(200))
        assert max(Counter(turn for turn, _ in woken).values()) == AT_A_TURN
    finally:
        for pair in pairs:
            for each in pair:
                each.close()


async def test_one_that_left_is_not_woken_and_its_descriptor_may_be_another_one_s() -> None:
    lobby = Lobby(asyncio.get_running_loop())
    ours, theirs = socket.socketpair()
    woken = asyncio.Event()
    with ours, theirs:
        lobby.rest(ours.fileno(), woken.set)
        theirs.send(b"a")
        lobby.leave(ours.fileno())
        lobby.leave(ours.fileno())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not woken.is_set()
        assert len(lobby) == 0
        lobby.rest(ours.fileno(), woken.set)  # in a lobby that was empty
        await woken.wait()
        assert len(lobby) == 0
