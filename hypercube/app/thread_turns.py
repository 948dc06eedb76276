"""How long a thread keeps Python's interpreter to itself while the event loop wants it back.

Large batches are read and put together in threads beside the event loop. CPython lets such a thread go on for 5 ms
before it has to hand over, and the loop asks anew after every wait of its own: a request of a few turns then waits
20 ms beside one batch, and all the time beside many.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SWITCH_S: Final = 0.0005
"""A tenth of CPython's own: what one such thread keeps the loop waiting, at each of its waits."""
_before: list[float] = []
"""What was set, by each block that runs: it is the process's, and blocks may end in any order."""


@contextmanager
def short_turns() -> Iterator[None]:
    """Threads hand over after `SWITCH_S` while the block runs, or after what was set, where that is less."""
    _before.append(sys.getswitchinterval())
    sys.setswitchinterval(min(_before[-1], SWITCH_S))
    try:
        yield
    finally:
        # The last one to end gives back what the first had found.
        if len(_before) == 1:
            sys.setswitchinterval(_before.pop())
        else:
            _before.pop()
