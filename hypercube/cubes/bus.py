"""Events between cubes, in one process."""

from typing import Any

from hypercube.core.cube import EventHandler
from hypercube.core.monitor import Monitor


class LocalBus:
    """Calls each subscriber in turn; a subscriber's failure is logged and reaches nobody else."""

    def __init__(self) -> None:
        self.monitor = Monitor()
        self._handlers: dict[str, list[EventHandler]] = {}

    def subscribe(self, event: str, handler: EventHandler) -> None:
        """Call `handler(event, data)` for every later `event`."""
        self._handlers.setdefault(event, []).append(handler)

    async def publish(self, event: str, data: Any) -> None:
        """Tell every subscriber of `event`."""
        for handler in tuple(self._handlers.get(event, ())):
            try:
                with self.monitor.span(event):
                    await handler(event, data)
            except Exception as error:  # noqa: BLE001 - one listener must not silence the others
                self.monitor.log("error", f"a subscriber of {event} failed: {error!r}")
