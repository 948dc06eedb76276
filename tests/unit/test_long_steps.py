"""Of long steps, a turn of the loop takes one, in the order in which they came."""

import asyncio
import sys
from collections import Counter

from hypercube.app.thread_turns import SWITCH_S, short_turns
from hypercube.gateway.long_steps import my_turn


async def test_many_that_have_long_steps_take_one_a_turn_and_in_turn() -> None:
    loop = asyncio.get_running_loop()
    turn = 0
    done: list[tuple[int, int]] = []

    def count() -> None:
        nonlocal turn
        turn += 1
        counting[0] = loop.call_soon(count)

    async def work(number: int) -> None:
        for _ in range(3):
            await my_turn()
            done.append((turn, number))

    counting = [loop.call_soon(count)]
    await asyncio.gather(*(work(number) for number in range(10)))
    counting[0].cancel()
    assert [number for _, number in done] == [*range(10)] * 3
    assert max(Counter(turn for turn, _ in done).values()) == 1


async def test_who_was_cancelled_takes_nobody_s_turn() -> None:
    async def step() -> bool:
        await my_turn()
        return True

    waiting = [asyncio.create_task(step()) for _ in range(5)]
    await asyncio.sleep(0)
    for each in waiting[1:4]:
        each.cancel()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each is True for each in found] == [True, False, False, False, True]
    assert await step()  # the line was empty meanwhile


def test_threads_hand_over_sooner_while_a_server_runs() -> None:
    before = sys.getswitchinterval()
    with short_turns():
        assert sys.getswitchinterval() <= SWITCH_S
        within = sys.getswitchinterval()
        with short_turns():
            assert sys.getswitchinterval() == within
        assert sys.getswitchinterval() == within
    assert sys.getswitchinterval() == before
    first, second = short_turns(), short_turns()
    for each in (first, second):
        each.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == within  # two servers in a process need not end in turn
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before
