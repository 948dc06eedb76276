"""gRPC's own threads, which read and write its sockets, beside the one that answers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def patient_threads() -> Iterator[None]:
    """Let threads that begin within the block, and theirs, wait for a turn instead of breaking in.

    Where event loop and gRPC share a core, every event that gRPC's threads deliver stops the loop in the middle of
    an answer, six times a call, and each time the answer goes on with cold caches: a sixth of what a chart costs.
    Under Linux's SCHED_BATCH they have the same share of the processor, but begin when the loop waits or its time
    slice (a few milliseconds) is over. Elsewhere, and where the operator chose a policy, nothing is changed.
    """
    if not hasattr(os, "SCHED_BATCH") or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    with suppress(OSError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
