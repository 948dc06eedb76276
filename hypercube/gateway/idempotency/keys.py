"""What an idempotency key is, and where a request carries it."""

import re
from collections.abc import Iterable
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid

IDEMPOTENCY_KEY: Final = "idempotency-key"
REPLAYED: Final = "idempotent-replayed"
"""HTTP header and gRPC metadata key: of a request its name; of an answer that it was computed for another request."""
_LONGEST: Final = 255
_KEY: Final = re.compile(f"[!-~]{{1,{_LONGEST}}}")
_HEADER: Final = IDEMPOTENCY_KEY.encode()


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key among headers, whose names are in lower case; None where there is none.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a header whose value is no key.
    """
    for name, value in headers:
        if name == _HEADER:
            return checked(value.decode("latin-1"))
    return None


def checked(key: str) -> str:
    """The key.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for what is none.
    """
    if _KEY.fullmatch(key):
        return key
    raise invalid(
        "The idempotency key has characters that no key has."
        if 0 < len(key) <= _LONGEST
        else f"The idempotency key has {len(key):,} characters.",
        param=IDEMPOTENCY_KEY,
        value=key,
        fix=f"Write 1 to {_LONGEST} printable ASCII characters without spaces, for instance a UUID.",
    )


def another(key: str) -> HyperCubeError:
    """The refusal of a request whose key another one went by."""
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        "Another request went by this idempotency key.",
        param=IDEMPOTENCY_KEY,
        value=key,
        fix="Take a new key for a new request; repeat a key only with the very same request.",
    )
