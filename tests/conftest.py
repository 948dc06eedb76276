"""Shared fixtures. No test sleeps to synchronise: time is either an event or the virtual loop below."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that never waits: it moves the loop's clock to the next timer instead."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.loop.now += timeout
        elif not ready and timeout is None:
            raise RuntimeError("deadlock: nothing is scheduled and nobody will wake the loop")
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when everything waits; `loop.time` is the clock to inject."""

    def __init__(self) -> None:
        self.now = 1000.0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


@pytest.fixture
def run_virtual() -> Callable[[Callable[[], Coroutine[Any, Any, T]]], T]:
    """Run a coroutine function to its end in virtual time; ten virtual seconds cost nothing."""

    def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(main())

    return run


@pytest.fixture(scope="session", autouse=True)
def kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kernels built by tests, and by the processes they start, go to a folder of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERCUBE_KERNELS_CACHE", str(tmp_path_factory.mktemp("kernels")))
        yield
