"""The cube contract: what may register, in which order cubes start, what a caller sees."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from hypercube.core.cube import (
    TRANSITIONS,
    Call,
    Color,
    Cube,
    CubeMetadata,
    CubeState,
    Dependency,
    Health,
    HealthStatus,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.cubes.registry import HEALTH_EVENT, CubeRegistry


@dataclass(frozen=True)
class Question:
    text: str


def cube(name: str, version: str = "1.0.0", *needs: Dependency, **overrides: Any) -> Cube:
    class Small(Cube):
        metadata = CubeMetadata(
            name=name,
            version=version,
            color=overrides.get("color", Color.BLUE),
            summary=overrides.get("summary", "a cube of the tests"),
            request_model=overrides.get("request_model", Question),
            response_model=str,
            dependencies=needs,
        )
        trail: list[str] = overrides.get("trail", [])

        async def process(self, request: Question, call: Call) -> Any:
            if request.text == "stream":
                return self.pieces()
            if request.text == "refuse":
                raise HyperCubeError(ErrorKind.INVALID_ARGUMENT, "no")
            return request.text.upper()

        def at_once(self, request: Question, call: Call) -> Any:
            return "NOW" if request.text == "quick" else None

        async def pieces(self) -> AsyncIterator[str]:
            for piece in "abc":
                yield piece

        async def on_start(self) -> None:
            if overrides.get("fails"):
                raise RuntimeError("cannot start")
            self.trail.append(f"start {name}")

        async def on_stop(self) -> None:
            self.trail.append(f"stop {name}")

    return Small()


async def running(*cubes: Cube) -> CubeRegistry:
    registry = CubeRegistry()
    for one in cubes:
        registry.register(one)
    await registry.start_all()
    return registry


async def test_cubes_start_after_what_they_need_and_stop_before_it() -> None:
    trail: list[str] = []
    registry = await running(
        cube("a", "1.0.0", Dependency("b", ">=1.0,<2"), trail=trail),
        cube("b", "1.4.0", Dependency("c"), trail=trail),
        cube("c", trail=trail),
    )
    assert trail == ["start c", "start b", "start a"]
    await registry.stop_all()
    assert trail[3:] == ["stop a", "stop b", "stop c"]
    assert {one.state for one in registry.all()} == {CubeState.DESTROYED}


@pytest.mark.parametrize(
    ("cubes", "words"),
    [
        ((cube("a", "1.0.0", Dependency("ghost", ">=1")),), ["'a' needs ghost >=1", "not registered"]),
        ((cube("a", "1.0.0", Dependency("b", ">=2,<3")), cube("b", "1.9.0")), ["needs b >=2,<3", "b 1.9.0"]),
        (
            (
                cube("a", "1.0.0", Dependency("b")),
                cube("b", "1.0.0", Dependency("c")),
                cube("c", "1.0.0", Dependency("a")),
            ),
            ["a -> b -> c -> a"],
        ),
    ],
    ids=["missing", "version", "cycle"],
)
async def test_what_cannot_start_says_why(cubes: tuple[Cube, ...], words: list[str]) -> None:
    with pytest.raises(HyperCubeError) as refused:
        await running(*cubes)
    assert refused.value.kind is ErrorKind.FAILED_PRECONDITION
    assert all(word in str(refused.value) for word in words)


async def test_a_failed_start_stops_what_was_started() -> None:
    trail: list[str] = []
    with pytest.raises(RuntimeError, match="cannot start"):
        await running(cube("a", "1.0.0", Dependency("b"), fails=True), cube("b", trail=trail))
    assert trail == ["start b", "stop b"]


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        (cube("a", "1.0"), "semantic version"),
        (cube("a", summary=" "), "summary"),
        (cube("a", color="blue!"), "color"),
        (cube("a", "1.0.0", Dependency("a")), "itself"),
        (cube("a", "1.0.0", Dependency("b", "newest")), "not a range"),
        (cube("a", "1.0.0", Dependency("b"), Dependency("b")), "twice"),
        (cube("a", request_model=object()), "request_model"),
    ],
    ids=["version", "summary", "color", "self", "range", "twice", "model"],
)
def test_a_cube_that_breaks_the_contract_is_refused_by_rule(broken: Cube, word: str) -> None:
    with pytest.raises(HyperCubeError, match=word) as refused:
        CubeRegistry().register(broken)
    assert refused.value.kind is ErrorKind.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["", "Saju", "a_b", "1a", "a" * 64])
def test_names_are_routes(name: str) -> None:
    with pytest.raises(ValueError, match="cube name"):
        cube(name)


def test_a_name_is_taken_once() -> None:
    registry = CubeRegistry()
    registry.register(cube("a"))
    with pytest.raises(HyperCubeError, match="registered already"):
        registry.register(cube("a"))


async def test_an_unknown_cube_names_the_nearest() -> None:
    registry = await running(cube("saju"), cube("chat"))
    with pytest.raises(HyperCubeError, match="Did you mean 'saju'") as unknown:
        await registry.process("sajoo", Question("x"), Call())
    assert unknown.value.kind is ErrorKind.NOT_FOUND


async def test_calls_streams_and_failures_are_counted() -> None:
    registry = await running(cube("a"))
    assert await registry.process("a", Question("hi"), Call("r1")) == "HI"
    stream = await registry.process("a", Question("stream"), Call("r2"))
    assert [piece async for piece in stream] == ["a", "b", "c"]
    with pytest.raises(HyperCubeError):
        await registry.process("a", Question("refuse"), Call("r3"))
    one = registry.get("a")
    counted = {(s.name, s.labels): s.value for s in one.metrics()}
    assert counted["calls_total", (("outcome", "ok"),)] == 3
    assert counted["calls_total", (("outcome", "invalid_argument"),)] == 1
    assert counted["in_flight", ()] == 0
    assert [span.request_id for span in one.traces()] == ["r1", "r2", "r2", "r3"]
    assert [span.outcome for span in one.traces()][-1] == "invalid_argument"
    assert any("running" in line.message for line in one.logs())


async def test_what_is_there_at_once_is_counted_and_the_rest_is_left_to_process() -> None:
    registry = await running(cube("a"))
    call = Call("r1")
    assert registry.at_once("a", Question("quick"), call) == "NOW"
    assert call.timing.compute_s > 0
    assert registry.at_once("a", Question("slow"), Call("r2")) is None
    assert registry.at_once("nobody", Question("quick"), Call("r3")) is None
    one = registry.get("a")
    assert [(span.name, span.outcome, span.request_id) for span in one.traces()] == [("process", "ok", "r1")]
    counted = {(s.name, s.labels): s.value for s in one.metrics()}
    assert counted["calls_total", (("outcome", "ok"),)] == 1
    assert counted["in_flight", ()] == 0
    assert counted["busy_seconds_total", ()] > 0
    await one.stop()
    assert registry.at_once("a", Question("quick"), Call("r4")) is None


async def test_a_stream_that_is_left_early_is_closed_and_counted() -> None:
    registry = await running(cube("a"))
    stream = await registry.process("a", Question("stream"), Call())
    assert await anext(stream) == "a"
    await stream.aclose()
    assert {s.name: s.value for s in registry.get("a").metrics()}["in_flight"] == 0
    assert registry.get("a").traces()[-1].outcome == "cancelled"


async def test_a_stopped_cube_answers_unavailable() -> None:
    registry = await running(cube("a"))
    await registry.get("a").stop()
    with pytest.raises(HyperCubeError) as refused:
        await registry.process("a", Question("x"), Call())
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert (await registry.health())["a"] == HealthStatus(Health.UNHEALTHY, "a is stopped")


@pytest.mark.parametrize("state", list(CubeState))
async def test_every_illegal_step_is_an_error(state: CubeState) -> None:
    steps = {
        CubeState.INITIALIZED: lambda c: c.initialize({}),
        CubeState.RUNNING: lambda c: c.start(),
        CubeState.STOPPED: lambda c: c.stop(),
        CubeState.DESTROYED: lambda c: c.destroy(),
    }
    road: Mapping[CubeState, list[CubeState]] = {
        CubeState.CREATED: [],
        CubeState.INITIALIZED: [CubeState.INITIALIZED],
        CubeState.RUNNING: [CubeState.INITIALIZED, CubeState.RUNNING],
        CubeState.STOPPED: [CubeState.INITIALIZED, CubeState.RUNNING, CubeState.STOPPED],
        CubeState.DESTROYED: [CubeState.DESTROYED],
    }
    for target, step in steps.items():
        one = cube("a")
        for stop in road[state]:
            await steps[stop](one)
        if target in TRANSITIONS[state]:
            await step(one)
            assert one.state is target
        else:
            with pytest.raises(HyperCubeError, match=f"is {state.value} and cannot become {target.value}"):
                await step(one)
            assert one.state is state


async def test_cubes_hear_of_each_others_health_and_survive_a_deaf_listener() -> None:
    a, b = cube("a"), cube("b")
    registry = await running(a, b)
    heard: list[tuple[str, HealthStatus]] = []

    async def listen(event: str, data: Any) -> None:
        heard.append(data)

    async def broken(event: str, data: Any) -> None:
        raise ValueError("deaf")

    a.subscribe(HEALTH_EVENT, broken)
    a.subscribe(HEALTH_EVENT, listen)
    await registry.health()
    await registry.health()
    assert sorted(name for name, _ in heard) == ["a", "b"], "told once, not each time"
    await b.stop()
    await registry.health()
    assert heard[-1] == ("b", HealthStatus(Health.UNHEALTHY, "b is stopped"))
    assert any("deaf" in line.message for line in registry.bus.monitor.logs())


async def test_an_unregistered_cube_has_nobody_to_talk_to() -> None:
    with pytest.raises(HyperCubeError, match="not registered"):
        await cube("a").publish("x", 1)


class Offered(Cube):
    """What another distribution would offer."""

    metadata = CubeMetadata("offered", "0.1.0", Color.GREEN, "from elsewhere", Question, str)

    async def process(self, request: Question, call: Call) -> str:
        await asyncio.sleep(0)
        return request.text


async def test_cubes_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("offered", f"{__name__}:Offered", "hypercube.cubes")]
    monkeypatch.setattr(EntryPoint, "load", lambda self: Offered)
    registry = CubeRegistry()
    assert registry.discover(points) == ("offered",)
    await registry.start_all()
    assert await registry.process("offered", Question("x"), Call()) == "x"
    monkeypatch.setattr(EntryPoint, "load", lambda self: Question)
    with pytest.raises(HyperCubeError, match="not a Cube subclass"):
        CubeRegistry().discover(points)
