"""Calls are taken up in turns of their connections, a few a turn of the loop, and none is lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from hypercube.gateway.acquainted import Acquainted
from hypercube.gateway.door_queue import DoorQueue
from hypercube.gateway.grpc.lines import Lines, SortedLines
from hypercube.gateway.grpc.newcomers import ASKED_FOR, REFUSED, Newcomers, fair_newcomers

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
Came = tuple[str, int]
TAKEN_UP = 8
"""In a turn, where to take one up costs 75 us."""


class Core:
    """gRPC: calls that came, handed over to whoever asked, in their order."""

    def __init__(self, burst_s: float = 5.0) -> None:
        self.now = 0.0
        self.cost_s = 75e-6
        self.queue = DoorQueue(burst_s, lambda: self.now)
        self.refused: list[tuple[int, Came]] = []
        """What was refused, and in which turn."""
        self.loop = asyncio.get_running_loop()
        self.asked: list[asyncio.Future[Came]] = []
        self.line: list[Came] = []
        self.runs = True
        self.acquainted = Acquainted()
        self.newcomers: Newcomers[Came] = Newcomers(
            self.loop,
            self.ask,
            lambda call: call[0],
            lambda: self.runs,
            self.queue,
            self.refuse,
            self.acquainted,
        )
        self.taken: list[tuple[int, Came]] = []
        """What was taken up, and in which turn."""
        self.turn = 0

    def ask(self) -> "asyncio.Task[Came]":
        future: asyncio.Future[Came] = self.loop.create_future()
        self.asked.append(future)

        async def call() -> Came:
            return await future

        self.deliver()
        return self.loop.create_task(call())

    def refuse(self, call: Came) -> None:
        self.refused.append((self.turn, call))

    def deliver(self) -> None:
        while self.asked and self.line:
            self.asked.pop(0).set_result(self.line.pop(0))

    def come(self, *calls: Came) -> None:
        self.line.extend(calls)
        self.deliver()

    async def serve(self) -> None:
        """What gRPC's server does with a call that it was handed."""
        wanted = self.newcomers.next()
        while True:
            done, _ = await asyncio.wait([wanted], return_when=asyncio.FIRST_COMPLETED)
            self.taken.append((self.turn, done.pop().result()))
            self.now += self.cost_s
            wanted = self.newcomers.next()

    async def turns(self, count: int) -> None:
        for _ in range(count):
            self.turn += 1
            await asyncio.sleep(0)


def crowd(connections: int, calls: int) -> list[Came]:
    return [(f"crowd {connection}", number) for connection in range(connections) for number in range(calls)]


def test_lines_take_turns_and_first_calls_do_not_wait_for_the_rest_of_others() -> None:
    lines: Lines[Came] = Lines()
    for connection, number in crowd(3, 4):
        lines.add(connection, (connection, number))
    assert [lines.next() for _ in range(4)] == [
        ("crowd 0", 0),
        ("crowd 0", 1),  # of two one is a later one, so that nobody waits for ever
        ("crowd 1", 0),
        ("crowd 0", 2),
    ]
    lines.add("quick", ("quick", 0))
    lines.add("crowd 0", ("crowd 0", 4))
    order = [lines.next() for _ in range(len(lines))]
    assert order.index(("quick", 0)) <= 2
    assert len(order) == 3 * 4 - 4 + 2
    for connection in ("crowd 0", "crowd 1", "crowd 2"):
        numbers = [number for name, number in order if name == connection]
        assert numbers == sorted(numbers)
    assert len(lines) == 0


def test_a_few_are_taken_up_a_turn_and_each_once(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        core = Core()
        serving = asyncio.create_task(core.serve())
        await core.turns(5)
        calls = crowd(20, 100)
        core.come(*calls)
        await core.turns(2 * len(calls))
        assert sorted(call for _, call in core.taken) == sorted(calls)
        by_turn = [sum(turn == each for each, _ in core.taken) for turn in {turn for turn, _ in core.taken}]
        assert max(by_turn) <= TAKEN_UP
        assert sum(by_turn) / len(by_turn) > TAKEN_UP / 2  # and no turn is lost while there are any
        assert core.newcomers.waiting == 0
        assert len(core.asked) == ASKED_FOR
        serving.cancel()

    run_virtual(main)


def test_who_has_one_call_does_not_wait_for_those_with_hundreds(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        core = Core()
        serving = asyncio.create_task(core.serve())
        core.come(*crowd(10, 200))
        await core.turns(20)
        assert core.newcomers.waiting > 1_000
        before = core.turn
        core.come(("quick", 0))
        while ("quick", 0) not in [call for _, call in core.taken]:
            await core.turns(1)
        # Before it gRPC's own line has to be emptied, `ASKED_FOR` a turn.
        assert core.turn - before <= 2_000 // ASKED_FOR + 5
        serving.cancel()

    run_virtual(main)


def test_of_three_times_too_much_all_are_told_soon_and_few_wait(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        core = Core()
        serving = asyncio.create_task(core.serve())
        await core.turns(5)
        core.cost_s = 1e-3
        came = 0
        while core.now < 2.0:
            core.now += 1e-5
            while came < 3 * core.now / core.cost_s:
                core.come((f"connection {came % 8}", came))
                came += 1
            await core.turns(1)
        assert core.queue.crowded
        assert core.newcomers.waiting <= core.queue.room
        await core.turns(core.newcomers.waiting + ASKED_FOR)
        taken, refused = {call for _, call in core.taken}, {call for _, call in core.refused}
        assert not taken & refused
        assert len(core.taken) + len(core.refused) == len(taken) + len(refused) == came
        assert len(refused) > came / 2
        assert core.queue.refused == len(refused)
        serving.cancel()

    run_virtual(main)


def test_where_there_is_no_room_who_has_one_call_is_let_in_and_those_with_hundreds_are_refused(
    run_virtual: RunVirtual,
) -> None:
    async def main() -> None:
        core = Core(burst_s=1e-9)
        serving = asyncio.create_task(core.serve())
        await core.turns(5)
        core.come(*crowd(2, 300), ("quick", 0))
        await core.turns(60)
        assert len(core.refused) > 500
        assert ("quick", 0) in [call for _, call in core.taken]
        by_turn = [
            sum(turn == each for each, _ in core.refused) for turn in {turn for turn, _ in core.refused}
        ]
        assert max(by_turn) <= REFUSED  # and nobody else waits for all of them
        assert len(core.taken) + len(core.refused) == 601
        serving.cancel()

    run_virtual(main)


def test_who_was_answered_before_is_let_in_before_a_crowd_of_strangers_with_one_call_each(
    run_virtual: RunVirtual,
) -> None:
    async def refused(acquainted: bool) -> int:
        core = Core(burst_s=1e-9)
        if acquainted:
            core.acquainted.add("friend")
        serving = asyncio.create_task(core.serve())
        await core.turns(5)
        for number in range(40):
            core.come(*((f"stranger {number} {each}", 0) for each in range(20)), ("friend", number))
            await core.turns(1)
        await core.turns(200)
        assert len(core.taken) + len(core.refused) == 40 * 21
        serving.cancel()
        return sum(call[0] == "friend" for _, call in core.refused)

    async def main() -> None:
        assert await refused(acquainted=False) > 20
        assert await refused(acquainted=True) == 0

    run_virtual(main)


def test_one_greedy_connection_that_is_known_does_not_shut_out_newcomers(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        core = Core(burst_s=1e-9)
        core.acquainted.add("greedy")
        serving = asyncio.create_task(core.serve())
        await core.turns(5)
        for number in range(150):
            core.come(*(("greedy", 40 * number + each) for each in range(40)), (f"new {number}", 0))
            await core.turns(1)
        await core.turns(400)
        assert len(core.taken) + len(core.refused) == 150 * 41
        assert not [call for _, call in core.refused if call[0] != "greedy"]
        serving.cancel()

    run_virtual(main)


def test_known_and_strange_connections_take_turns_and_strangers_have_to_go_first() -> None:
    lines: SortedLines[Came] = SortedLines({"friend"}.__contains__)
    for connection, number in crowd(3, 1):
        lines.add(connection, (connection, number))
    for number in range(3):
        lines.add("friend", ("friend", number))
    assert lines.crowd_out("crowd 3", ("crowd 3", 0)) == ("crowd 3", 0)
    assert lines.crowd_out("friend", ("friend", 3))[0].startswith("crowd")
    assert lines.crowd_out("crowd 3", ("crowd 3", 0)) == ("friend", 3)
    assert lines.crowd_out("friend", ("friend", 3))[0].startswith("crowd")
    assert [lines.next()[0][:6] for _ in range(5)] == ["friend", "crowd ", "friend", "crowd ", "friend"]
    assert len(lines) == 1
    assert lines.last() == ("friend", 3)
    lines.add("crowd 0", ("crowd 0", 1))
    assert lines.next() == ("crowd 0", 1)  # alone, whoever's turn it was
    assert len(lines) == 0


def test_only_the_latest_acquaintances_are_kept() -> None:
    acquainted = Acquainted(kept=2)
    for name in ("a", "b", "a", "c"):
        acquainted.add(name)
    assert [name in acquainted for name in "abc"] == [True, False, True]
    assert len(acquainted) == 2


def test_calls_that_wait_when_the_server_stops_are_let_go_and_the_failure_is_told(
    run_virtual: RunVirtual,
) -> None:
    async def main() -> None:
        core = Core()
        serving = asyncio.create_task(core.serve())
        core.come(*crowd(5, 100))
        await core.turns(10)
        assert core.newcomers.waiting
        core.runs = False
        for future in core.asked:
            future.set_exception(ValueError("stopped"))
        with pytest.raises(ValueError, match="stopped"):
            await serving
        await core.turns(5)
        assert core.newcomers.waiting == 0

    run_virtual(main)


def test_the_installed_grpc_takes_up_its_calls_in_the_way_that_this_depends_on() -> None:
    plain = cygrpc.AioServer
    with fair_newcomers(DoorQueue(), Acquainted()):
        assert cygrpc.AioServer is not plain
    assert cygrpc.AioServer is plain
