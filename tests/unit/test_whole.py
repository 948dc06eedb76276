"""A stream whose pieces are there already gives them one by one, or turned into something else at once."""

import asyncio

from hypercube.core.whole import Whole


async def _all(stream: Whole[int]) -> list[int]:
    return [piece async for piece in stream]


def test_it_gives_its_pieces_in_order_and_ends() -> None:
    assert asyncio.run(_all(Whole(iter([3, 1, 2])))) == [3, 1, 2]


def test_what_is_turned_is_so_before_the_first_is_asked_for() -> None:
    seen: list[int] = []

    def double(piece: int) -> int:
        seen.append(piece)
        return 2 * piece

    async def first_then_turned() -> None:
        stream = Whole([1, 2, 3])
        assert await anext(stream) == 1
        turned = stream.turned(double)
        assert seen == [2, 3]
        assert await _all(stream) == [], "they went along"
        assert await _all(turned) == [4, 6]

    asyncio.run(first_then_turned())


def test_closed_it_gives_no_more() -> None:
    async def closed() -> list[int]:
        stream = Whole([1, 2])
        await stream.aclose()
        return await _all(stream)

    assert asyncio.run(closed()) == []
