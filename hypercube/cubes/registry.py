"""The in-process registry: checks cubes, orders their starts, calls them, watches their health.

`process` is the one way in: for both transports, for the CLI and for a cube that needs another.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from hypercube.core.cube import Call, Cube, CubeState, Health, HealthStatus, is_stream
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.core.whole import Whole
from hypercube.cubes.bus import LocalBus
from hypercube.cubes.contract import satisfies, violations

ENTRY_POINT_GROUP: Final = "hypercube.cubes"
HEALTH_EVENT: Final = "cube.health"
"""Published with `(name, HealthStatus)` whenever a cube's health changes."""


class CubeRegistry:
    """All cubes of this process."""

    def __init__(self) -> None:
        self.bus = LocalBus()
        self._cubes: dict[str, Cube] = {}
        self._started: list[Cube] = []
        self._health: dict[str, HealthStatus] = {}

    # -- who is there

    def register(self, cube: Cube) -> None:
        """Take a cube in.

        Raises:
            HyperCubeError: INVALID_ARGUMENT naming every rule it breaks; FAILED_PRECONDITION if its name is
                taken.
        """
        found = violations(cube)
        if found:
            raise HyperCubeError(
                ErrorKind.INVALID_ARGUMENT,
                f"{type(cube).__name__} is not a valid cube: {'; '.join(found)}.",
                param=type(cube).__name__,
                details={"violations": found},
            )
        name = cube.metadata.name
        if name in self._cubes:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"A cube named {name!r} is registered already ({type(self._cubes[name]).__name__}).",
                param="name",
                value=name,
            )
        cube.attach(self.bus)
        self._cubes[name] = cube

    def discover(self, points: Iterable[EntryPoint] | None = None) -> tuple[str, ...]:
        """Register every cube that an installed distribution offers as an entry point of `hypercube.cubes`.

        Each entry point names a `Cube` subclass without constructor arguments.

        Returns:
            The names registered.
        """
        names = []
        for point in entry_points(group=ENTRY_POINT_GROUP) if points is None else points:
            cube_class = point.load()
            if not (isinstance(cube_class, type) and issubclass(cube_class, Cube)):
                raise HyperCubeError(
                    ErrorKind.INVALID_ARGUMENT,
                    f"Entry point {point.name!r} ({point.value}) is not a Cube subclass.",
                    param=point.name,
                )
            cube = cast("Callable[[], Cube]", cube_class)()
            self.register(cube)
            names.append(cube.metadata.name)
        return tuple(names)

    def names(self) -> tuple[str, ...]:
        """Every registered cube, in alphabetical order."""
        return tuple(sorted(self._cubes))

    def all(self) -> tuple[Cube, ...]:
        """Every registered cube, in the order of `names`."""
        return tuple(self._cubes[name] for name in self.names())

    def get(self, name: str) -> Cube:
        """One cube.

        Raises:
            HyperCubeError: NOT_FOUND, with the nearest name and all names.
        """
        cube = self._cubes.get(name)
        if cube is None:
            close = nearest(name, self._cubes)
            raise HyperCubeError(
                ErrorKind.NOT_FOUND,
                f"There is no cube named {name!r}.",
                param="name",
                value=name,
                fix=(f"Did you mean {close!r}? " if close else "")
                + f"Cubes here: {', '.join(self.names())}.",
            )
        return cube

    # -- life

    def start_order(self) -> tuple[Cube, ...]:
        """Cubes with their dependencies first.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming a missing cube, an unmet version or the cycle.
        """
        order: list[Cube] = []
        state: dict[str, bool] = {}

        def visit(name: str, path: tuple[str, ...]) -> None:
            if state.get(name):
                return
            if name in path:
                cycle = " -> ".join((*path[path.index(name) :], name))
                raise HyperCubeError(ErrorKind.FAILED_PRECONDITION, f"Cubes depend on each other: {cycle}.")
            cube = self._cubes[name]
            for dependency in cube.metadata.dependencies:
                other = self._cubes.get(dependency.name)
                wanted = f"{dependency.name} {dependency.versions}".strip()
                if other is None:
                    raise HyperCubeError(
                        ErrorKind.FAILED_PRECONDITION,
                        f"Cube {name!r} needs {wanted}, which is not registered.",
                        fix=f"Cubes here: {', '.join(self.names())}.",
                    )
                if not satisfies(other.metadata.version, dependency.versions):
                    raise HyperCubeError(
                        ErrorKind.FAILED_PRECONDITION,
                        f"Cube {name!r} needs {wanted}, but {dependency.name} {other.metadata.version} is here.",
                    )
                visit(dependency.name, (*path, name))
            state[name] = True
            order.append(cube)

        for name in self.names():
            visit(name, ())
        return tuple(order)

    async def start_all(self, config: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Initialize and start every cube, dependencies first; on a failure stop what was started."""
        try:
            for cube in self.start_order():
                if cube.state is CubeState.CREATED:
                    await cube.initialize((config or {}).get(cube.metadata.name, {}))
                if cube.state in (CubeState.INITIALIZED, CubeState.STOPPED):
                    await cube.start()
                    self._started.append(cube)
        except BaseException:
            await self.stop_all()
            raise

    async def stop_all(self) -> None:
        """Stop and destroy in reverse order of starting; a cube that fails to stop does not hold the others."""
        while self._started:
            cube = self._started.pop()
            try:
                await cube.stop()
                await cube.destroy()
            except Exception as error:  # noqa: BLE001 - the others must still stop
                cube.monitor.log("error", f"{cube.metadata.name} did not stop: {error!r}")

    async def health(self) -> dict[str, HealthStatus]:
        """Ask every cube, and tell subscribers of `HEALTH_EVENT` what changed since the last time."""
        now: dict[str, HealthStatus] = {}
        for cube in self.all():
            name = cube.metadata.name
            try:
                now[name] = await cube.health_check()
            except Exception as error:  # noqa: BLE001 - a check that breaks is an answer
                now[name] = HealthStatus(Health.UNHEALTHY, f"health check failed: {error!r}")
        changed = {name: status for name, status in now.items() if self._health.get(name) != status}
        self._health = now
        for name, status in changed.items():
            await self.bus.publish(HEALTH_EVENT, (name, status))
        return now

    # -- calls

    def at_once(self, name: str, request: Any, call: Call) -> Any:
        """A cube's answer that needs no waiting; None where it has none, or does not run: `process` says why."""
        cube = self._cubes.get(name)
        if cube is None or cube.state is not CubeState.RUNNING:
            return None
        began = time.perf_counter()
        answer = cube.at_once(request, call)
        if answer is not None:
            took = time.perf_counter() - began
            call.timing.compute_s += took
            cube.monitor.done("process", took, call.request_id)
        return answer

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """Call a cube; the answer is its response, or an async iterator of them.

        Raises:
            HyperCubeError: NOT_FOUND; UNAVAILABLE when it is not running; what the cube raises.
        """
        cube = self.get(name)
        if cube.state is not CubeState.RUNNING:
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE, f"Cube {name!r} is {cube.state.value}.", retry_after_s=1.0
            )
        span = cube.monitor.span("process", request_id=call.request_id)
        with span:
            answer = await cube.process(request, call)
        if isinstance(answer, Whole):
            return answer  # its work is done and was measured
        return _instrumented(cube, answer, call) if is_stream(answer) else answer


async def _instrumented(cube: Cube, stream: Any, call: Call) -> AsyncIterator[Any]:
    with cube.monitor.span("stream", request_id=call.request_id):
        async with aclosing(stream):
            async for piece in stream:
                yield piece
