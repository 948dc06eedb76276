"""The name of a request: the caller's, or one made for it."""

import random
import re
from typing import Final

REQUEST_ID: Final = "x-request-id"
SERVED_BY: Final = "x-hypercube-model"
"""Of an answer: the version of the model that made it, `name@version`."""
"""HTTP header and gRPC metadata key."""
_random: Final = random.Random()  # noqa: S311 - a name, not a secret; the system's own source costs a call
_SANE: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def request_id_of(given: str | None) -> str:
    """The caller's request id if it is short and plain enough for a log line, else a new one."""
    if given is not None and _SANE.fullmatch(given):
        return given
    return _random.getrandbits(128).to_bytes(16, "big").hex()
