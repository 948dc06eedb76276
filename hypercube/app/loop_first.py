"""The event loop goes before gRPC's own threads where they share a core.

gRPC reads, parses and ends connections in four and more threads beside the event loop. Where an attack gives them all
work on a machine of few cores, the loop waited for its share among them: 6 to 17 ms of a turn of 10 to 20, with 1 to
6 ms of its own. Those who ask over HTTP pay for that, too. gRPC's threads are told to be nice to it; they get whatever
the loop leaves, and about a quarter of a core when both want all of it. Threads that they start are as nice.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Final

NICE: Final = 5
"""How much nicer than the loop; each step is worth a fifth to a quarter of a thread's share."""
OF_GRPC: Final = frozenset({"event_engine", "lifeguard", "grpc_global_tim"})
"""Names of gRPC's threads, as the system cuts them."""
_TASKS: Final = Path("/proc/self/task")


def put_loop_first() -> int:
    """Make gRPC's threads nicer than the one that calls; how many it were.

    A thread takes its name a moment after it has begun, so not just when gRPC's server has started.
    Only where the system has a priority for each thread (Linux); nothing is done, or said, where it cannot be.
    """
    if sys.platform != "linux":
        return 0
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    made = 0
    try:
        for task in list(_TASKS.iterdir()):
            if (task / "comm").read_text().strip() in OF_GRPC:
                os.setpriority(os.PRIO_PROCESS, int(task.name), min(19, ours + NICE))
                made += 1
    except OSError:  # one has just ended, or the system does not let us
        return made
    return made
