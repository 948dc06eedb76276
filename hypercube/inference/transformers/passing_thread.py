"""Work of the tensor library on a thread that ends with it; runs in the child.

Every thread that computes in parallel gets a pool of OpenMP threads of its own, for as long as it lives. GNU OpenMP,
which PyTorch computes with on CPUs, counts all of them: while they are more than the cores, threads that wait for the
rest of their pool no longer spin but sleep at once, hundreds of times a step of a model. A pool that nobody uses any
more, such as that of the thread that opened the model, makes every step longer, a small model's by a quarter.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_passing_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What `work` returns, or raises; its thread is gone a moment later.

    Where the caller is cancelled the thread works on, and ends then.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="passing")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: work(*arguments, **named))
    finally:
        executor.shutdown(wait=False)
