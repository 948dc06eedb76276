"""Bodies of other servers' answers, read as far as they are of use and no further."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

LONGEST_REFUSAL: Final = 1 << 20
"""Bytes of an answer that says what is wrong, or which models there are; what follows is not read."""
LONGEST_LINE: Final = 8 << 20
"""Bytes of one line of an event stream; a server that sends more of it sends no event stream."""


async def first_bytes(response: "httpx.Response", most: int) -> bytes:
    """The body of an answer, unpacked; of one longer than `most` bytes its beginning, a little more than that.

    Raises:
        httpx.RequestError: the connection broke or fell silent, or the body cannot be unpacked.
    """
    pieces, size = [], 0
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            break
    return b"".join(pieces)
