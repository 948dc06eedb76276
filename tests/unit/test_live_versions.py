"""Aliases and splits moved under a running server: the right version answers, nobody is lost; in virtual time."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal
from hypercube.core.served_models import EngineState, ServedVersion
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.inference.routing import Routing
from hypercube.inference.upkeep import LINGER_S
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
SEEN_S = 0.6
"""Longer than a server needs to see a move: two polls."""


def manifest(version: str, name: str = "tiny") -> ModelManifest:
    return ModelManifest(name, version, "", "MIT", "scripted", "none", 10, 77)


@dataclass
class Script:
    """How the engines of one version behave."""

    load_s: float = 2.0
    token_s: float = 0.5
    load_errors: int = 0
    bytes: int = 1
    error: HyperCubeError | None = None
    fails_after: int = 0
    first_token: bool = True


class ScriptedEngine(GeneratesOnly):
    """Three pieces an answer, each the version that made it; more than one answer at a time."""

    context_length = 10
    slots = 1000

    def __init__(self, bench: "Bench", which: ModelManifest) -> None:
        self.script = bench.scripts.setdefault(which.version, Script())
        self.version, self.bench = which.version, bench
        self.description = f"scripted {which.reference}"
        self.loaded, self.active = False, 0
        self.death: asyncio.Future[HyperCubeError] = asyncio.get_running_loop().create_future()

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        on_status("reading weights")
        await asyncio.sleep(self.script.load_s)
        if self.script.load_errors:
            self.script.load_errors -= 1
            raise engine_failed("its process ended with status 1")
        self.loaded = True
        self.bench.events.append(f"+{self.version}")

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert self.loaded
        if request.max_tokens == 1:  # the first token after loading
            if not self.script.first_token:
                raise engine_failed("its logits are no numbers")
            yield GenerationEvent(finish_reason=FinishReason.LENGTH, usage=Usage(1, 1))
            return
        self.active += 1
        self.bench.asked[self.version] += 1
        self.bench.last_asked[self.version] = asyncio.get_running_loop().time()
        try:
            for piece in range(3):
                if self.script.error is not None and piece == self.script.fails_after:
                    raise HyperCubeError.of(self.script.error.failure())
                await asyncio.sleep(self.script.token_s)
                assert self.loaded, "computed on after it was unloaded"
                yield GenerationEvent(f"{self.version} ")
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 3))
        finally:
            self.active -= 1

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    async def unload(self) -> None:
        if self.loaded:
            self.loaded = False
            self.bench.events.append(f"-{self.version}")


@dataclass
class Answer:
    """What a caller got: the version of each piece, and the one told beside it."""

    pieces: list[str] = field(default_factory=list)
    served_by: str = ""

    @property
    def version(self) -> str:
        """The one version that made the whole answer."""
        assert len(self.pieces) == 3
        (version,) = set(self.pieces)
        assert self.served_by == f"tiny@{version}"
        return version


class Bench:
    """A cluster that follows a registry of scripted versions of one model."""

    def __init__(
        self,
        folder: Path,
        *versions: str,
        lazy: bool = False,
        production: str = "",
        means: str = "tiny",
        **options: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        store = ModelStore(folder)
        for version in versions:
            store.publish(manifest(version), {})
        self.scripts: dict[str, Script] = {}
        self.events: list[str] = []
        self.lines: list[str] = []
        self.asked: Counter[str] = Counter()
        self.last_asked: dict[str, float] = {}
        self.operator = ModelRegistry(ModelStore(folder), poll_s=0)
        if production:
            self.operator.set_alias("tiny", "production", production)
        registry = ModelRegistry(store, clock=loop.time)
        self.cluster = Hypercluster(
            [registry.resolve(means)],
            store,
            make=self._make,
            clock=loop.time,
            lazy=["tiny"] if lazy else [],
            estimate=lambda which: self.scripts.setdefault(which.version, Script()).bytes,
            measure=lambda engine: engine.script.bytes if isinstance(engine, ScriptedEngine) else None,
            routing=Routing(registry, means={"tiny": means}),
            on_line=self.lines.append,
            max_queued=1000,
            **options,
        )
        self.cluster.start()

    def _make(self, which: ModelManifest) -> Engine:
        return ScriptedEngine(self, which)

    async def answer(self, model: str = "tiny", **call: Any) -> Answer:
        """Ask, and read the answer."""
        said, beside = Answer(), Call(**call)
        request = GenerationRequest((ChatMessage("user", "hello"),), model=model)
        async for event in self.cluster.generate(request, beside):
            said.pieces += event.text.split()
        said.served_by = beside.served_by
        return said

    def ask(self, model: str = "tiny", **call: Any) -> "asyncio.Task[Answer]":
        return asyncio.create_task(self.answer(model, **call))

    async def version(self, model: str = "tiny", **call: Any) -> str:
        """Which version answers."""
        return (await self.answer(model, **call)).version

    def shown(self) -> dict[str, ServedVersion]:
        (model,) = self.cluster.models()
        return {each.version: each for each in model.versions}

    def note(self) -> str:
        return self.cluster.models()[0].routing_note

    async def until_ready(self, *versions: str) -> None:
        for version in versions:
            while version not in self.shown():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)
            assert (await self.cluster.settled(f"tiny@{version}")).state is EngineState.READY

    async def stream_of_requests(self, seconds: float, every_s: float = 0.05) -> list["asyncio.Task[Answer]"]:
        """Ask again and again, each time as somebody else."""
        asked = []
        for number in range(round(seconds / every_s)):
            asked.append(self.ask(request_id=f"request-{number}"))
            await asyncio.sleep(every_s)
        return asked


async def refused(work: Coroutine[Any, Any, object]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written to the disk takes no virtual time."""

    async def at_once(work: Callable[[], object]) -> object:
        return work()

    monkeypatch.setattr(asyncio, "to_thread", at_once)


# -- a moved alias


def test_a_moved_alias_is_loaded_beside_and_loses_no_request(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_s=5.0)
        asked = asyncio.create_task(bench.stream_of_requests(10.0))
        await asyncio.sleep(1.0)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        answers = await asyncio.gather(*await asked)
        versions = [answer.version for answer in answers]
        # One switch, within two polls and the load; before it the old version answered, without a pause.
        switched = versions.index("1.1.0")
        assert versions == ["1.0.0"] * switched + ["1.1.0"] * (len(versions) - switched)
        assert 6.0 <= switched * 0.05 <= 7.0
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.0.0"]
        (model,) = bench.cluster.models()
        assert (model.version, model.routing_note) == ("1.1.0", "")
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_a_version_that_does_not_come_up_changes_nothing_and_says_why(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_errors=99)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        asked = asyncio.create_task(bench.stream_of_requests(30.0, 0.5))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert bench.note().startswith("its name leads to 1.1.0, which does not come up, and 1.0.0 answers")
        assert "status 1" in bench.note()
        assert bench.shown()["1.1.0"].status.state is EngineState.FAILED
        tries = 99 - bench.scripts["1.1.0"].load_errors
        await asyncio.sleep(100)
        assert 99 - bench.scripts["1.1.0"].load_errors == tries, "it is not loaded again and again"
        # A rollback by the operator ends it; a repaired version is taken with the next move.
        bench.operator.rollback("tiny")
        await asyncio.sleep(SEEN_S)
        assert bench.note() == ""
        bench.scripts["1.1.0"].load_errors = 0
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S + 3)
        assert await bench.version() == "1.1.0"
        await bench.cluster.close()

    run_virtual(main)


def test_a_version_that_loads_but_makes_no_first_token_is_never_switched_to(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(first_token=False)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        asked = asyncio.create_task(bench.stream_of_requests(30.0, 0.5))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert "+1.1.0" in bench.events
        assert bench.asked["1.1.0"] == 0
        assert "its logits are no numbers" in bench.note()
        await bench.cluster.close()

    run_virtual(main)


def test_without_room_for_both_the_old_version_finishes_first(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", memory_budget=1)
        await bench.cluster.settled()
        asked = asyncio.create_task(bench.stream_of_requests(8.0, 0.25))
        await asyncio.sleep(1.0)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        versions = [answer.version for answer in await asyncio.gather(*await asked)]
        assert versions == sorted(versions)
        assert set(versions) == {"1.0.0", "1.1.0"}
        assert bench.events == ["+1.0.0", "-1.0.0", "+1.1.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_what_does_not_fit_beside_and_does_not_come_up_gives_the_old_version_back(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", memory_budget=1)
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_errors=1)
        asked = asyncio.create_task(bench.stream_of_requests(12.0, 0.25))
        bench.operator.set_alias("tiny", "production", "1.1.0")
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert bench.events == ["+1.0.0", "-1.0.0", "+1.0.0"]
        assert "1.1.0, which does not come up" in bench.note()
        await bench.cluster.close()

    run_virtual(main)


def test_a_model_that_is_not_loaded_is_not_loaded_by_a_move(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", lazy=True)
        await asyncio.sleep(1)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S)
        (model,) = bench.cluster.models()
        assert (model.version, model.on_demand) == ("1.1.0", True)
        assert bench.events == []
        assert await bench.version() == "1.1.0"
        assert bench.events == ["+1.1.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_version_that_was_moved_to_while_nothing_was_loaded_does_not_come_up(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", lazy=True)
        await asyncio.sleep(1)
        bench.scripts["1.1.0"] = Script(load_errors=99)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S)
        asked = asyncio.create_task(bench.stream_of_requests(30.0, 0.5))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert "1.1.0, which does not come up, and 1.0.0 answers" in bench.note()
        assert bench.cluster.models()[0].version == "1.0.0"
        bench.scripts["1.1.0"].load_errors = 0
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S + 3)
        assert await bench.version() == "1.1.0"
        await asyncio.sleep(SEEN_S)
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_settings_that_name_a_version_or_an_alias_decide_for_the_bare_name(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0", means="tiny@2.0.0")
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "production", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "1.0.0": 1})
        await asyncio.sleep(SEEN_S)
        assert {await bench.version(end_user=f"user {number}") for number in range(20)} == {"2.0.0"}
        assert await bench.version("tiny@production") == "1.1.0"
        await bench.cluster.close()

    run_virtual(main)


# -- by version, by alias


def test_versions_and_aliases_are_loaded_by_the_first_request_and_stand_side_by_side(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0")
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        await bench.cluster.settled()
        models = [
            "tiny",
            "tiny@1.1.0",
            "tiny@canary",
            "tiny@2.0.0",
            "tiny@latest",
            "tiny@production",
            "tiny@1.0.0",
        ]
        found = await asyncio.gather(*(bench.version(model) for model in models))
        assert list(found) == ["1.0.0", "1.1.0", "1.1.0", "2.0.0", "2.0.0", "1.0.0", "1.0.0"]
        assert sorted(bench.events) == ["+1.0.0", "+1.1.0", "+2.0.0"]
        shown = bench.shown()
        assert list(shown) == ["1.0.0", "1.1.0", "2.0.0"]
        assert (shown["1.1.0"].aliases, shown["1.1.0"].share) == (("canary",), 0.0)
        assert (shown["1.0.0"].aliases, shown["1.0.0"].share) == (("production",), 1.0)
        # What nobody asks for by version any more goes by itself; what answers the name stays.
        await asyncio.sleep(LINGER_S + 10)
        assert list(bench.shown()) == ["1.0.0"]
        assert sorted(bench.events)[-2:] == ["-1.1.0", "-2.0.0"]
        assert await bench.version("tiny@2.0.0") == "2.0.0"
        await bench.cluster.close()

    run_virtual(main)


def test_a_moved_alias_beside_production_is_answered_by_the_old_version_until_the_new_one_is_ready(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0")
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        await bench.cluster.settled()
        assert await bench.version("tiny@canary") == "1.1.0"
        bench.operator.set_alias("tiny", "canary", "2.0.0")
        await asyncio.sleep(SEEN_S)
        began = asyncio.get_running_loop().time()
        assert await bench.version("tiny@canary") == "1.1.0"
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.5)
        await asyncio.sleep(2)
        assert await bench.version("tiny@canary") == "2.0.0"
        await bench.cluster.close()

    run_virtual(main)


def test_a_reference_that_leads_nowhere_is_told_with_what_there_is(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", production="1.0.0")
        await bench.cluster.settled()
        error = await refused(bench.version("tiny@canary"))
        assert (error.kind, error.details["choices"]) == (
            ErrorKind.MODEL_NOT_FOUND,
            ["production", "1.0.0", "latest"],
        )
        assert (await refused(bench.version("tinny"))).kind is ErrorKind.MODEL_NOT_FOUND
        # A version that would have to be downloaded is no reason to download it.
        far = ModelStore(tmp_path)
        far.announce(manifest_with_a_file("3.0.0"))
        await asyncio.sleep(SEEN_S)
        error = await refused(bench.version("tiny@3.0.0"))
        assert (error.kind, error.fix) == (
            ErrorKind.FAILED_PRECONDITION,
            "Fetch it first: hypercube models pull tiny@3.0.0",
        )
        assert await bench.version() == "1.0.0"
        await bench.cluster.close()

    run_virtual(main)


def manifest_with_a_file(version: str) -> ModelManifest:
    from hypercube.model_registry.manifest import ModelFile

    return ModelManifest(
        "tiny", version, "", "MIT", "llama.cpp", "gguf", 10, 77, (ModelFile("tiny.gguf", 9, "0" * 64),)
    )


def test_asking_for_versions_by_number_has_an_end(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        numbers = [f"1.{minor}.0" for minor in range(8)]
        bench = Bench(tmp_path, *numbers, production="1.0.0")
        await bench.cluster.settled()
        outcomes = await asyncio.gather(
            *(bench.version(f"tiny@{number}") for number in numbers), return_exceptions=True
        )
        kinds = [each.kind for each in outcomes if isinstance(each, HyperCubeError)]
        assert kinds == [ErrorKind.OVERLOADED] * 3
        # One after the other they all get their turn: who is not in use makes room.
        for number in numbers:
            assert await bench.version(f"tiny@{number}") == number
            await asyncio.sleep(SEEN_S)
            loaded = Counter(event[1:] for event in bench.events if event[0] == "+")
            loaded.subtract(event[1:] for event in bench.events if event[0] == "-")
            assert sum(loaded.values()) <= 6
        await bench.cluster.close()

    run_virtual(main)


def test_a_store_that_cannot_be_read_takes_no_answer_away(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", production="1.0.0")
        await bench.cluster.settled()
        log = tmp_path / "routes" / "tiny.jsonl"
        kept = log.read_bytes()
        log.write_bytes(kept + b"nonsense\n")
        await asyncio.sleep(SEEN_S)
        assert await bench.version() == "1.0.0"
        assert "Line 2 of" in bench.note()
        assert len([line for line in bench.lines if "Line 2 of" in line]) == 1
        log.write_bytes(kept)
        await asyncio.sleep(SEEN_S)
        assert bench.note() == ""
        await bench.cluster.close()

    run_virtual(main)


# -- a split


def test_a_split_is_sticky_by_caller_and_user_and_comes_without_a_restart(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 70, "canary": 30})
        # Until the canary is ready nobody waits for it.
        await asyncio.sleep(SEEN_S)
        early = await asyncio.gather(*(bench.answer(end_user=f"user {number}") for number in range(50)))
        assert {answer.version for answer in early} == {"1.0.0"}
        await bench.until_ready("1.1.0")
        people: list[dict[str, Any]] = [{"end_user": f"user {number}"} for number in range(200)]
        people += [{"principal": Principal(f"shop {number}")} for number in range(100)]
        people += [{"tenant": f"team {number}"} for number in range(100)]
        first = [
            answer.version for answer in await asyncio.gather(*(bench.answer(**each) for each in people))
        ]
        again = [
            answer.version for answer in await asyncio.gather(*(bench.answer(**each) for each in people))
        ]
        assert first == again, (bench.lines, bench.shown())
        share = first.count("1.1.0") / len(first)
        assert abs(share - 0.3) < 6 * (0.3 * 0.7 / len(first)) ** 0.5
        # Two users of one shop may differ; the same user of two shops as well.
        mixed = {
            await bench.version(principal=Principal("shop"), end_user=f"user {number}")
            for number in range(20)
        }
        assert mixed == {"1.0.0", "1.1.0"}
        shown = bench.shown()
        assert (shown["1.1.0"].share, shown["1.0.0"].share) == (0.3, 0.7)
        assert shown["1.1.0"].requests == bench.asked["1.1.0"]
        assert shown["1.1.0"].first_p95_s == pytest.approx(0.5)
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_is_promoted_was_loaded_already(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        asked = asyncio.create_task(bench.stream_of_requests(4.0))
        await asyncio.sleep(1)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        bench.operator.drop_split("tiny")
        await asyncio.gather(*await asked)
        assert await bench.version() == "1.1.0"
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_split_that_ends_lets_the_canary_finish_and_go(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(token_s=10.0)
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        asked = [bench.ask(end_user=f"user {number}") for number in range(20)]
        await asyncio.sleep(11)  # the canary's first pieces are out
        bench.operator.drop_split("tiny")
        await asyncio.sleep(SEEN_S)
        late = [bench.ask(end_user=f"user {number}") for number in range(20)]
        assert {answer.version for answer in await asyncio.gather(*late)} == {"1.0.0"}
        assert bench.events == ["+1.0.0", "+1.1.0"]
        assert {answer.version for answer in await asyncio.gather(*asked)} == {"1.0.0", "1.1.0"}
        await asyncio.sleep(SEEN_S)
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.1.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_does_not_fit_beside_production_gets_nothing(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", memory_budget=1)
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        asked = asyncio.create_task(bench.stream_of_requests(5.0))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert bench.events == ["+1.0.0"]
        assert "does not hold 1.0.0 and 1.1.0 together" in bench.note()
        # By name it is served all the same: the two take turns.
        assert await bench.version("tiny@canary") == "1.1.0"
        assert await bench.version("tiny@production") == "1.0.0"
        assert bench.events == ["+1.0.0", "-1.0.0", "+1.1.0", "-1.1.0", "+1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_does_not_come_up_gets_nothing_and_says_why(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_errors=99)
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        asked = asyncio.create_task(bench.stream_of_requests(60.0, 0.2))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        shown = bench.shown()["1.1.0"]
        assert shown.status.state is EngineState.FAILED
        assert "status 1" in shown.status.reason
        assert 99 - bench.scripts["1.1.0"].load_errors <= 8
        await bench.cluster.close()

    run_virtual(main)


# -- a bad canary


BAD: dict[str, Script] = {
    "fails every request": Script(error=engine_failed("a kernel reads where nothing is")),
    "breaks its contract": Script(error=HyperCubeError(ErrorKind.INTERNAL, "KeyError: 'logits'")),
    "is slow": Script(token_s=3.0),
    "answers nobody": Script(token_s=100_000.0),
}


@pytest.mark.parametrize("how", BAD)
def test_a_bad_canary_under_load_is_withdrawn_within_five_seconds_and_no_request_is_lost(
    run_virtual: RunVirtual, tmp_path: Path, how: str
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.0.0"] = Script(token_s=0.1)
        bench.scripts["1.1.0"] = Script(**vars(BAD[how]))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 80, "canary": 20})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        answers: list[Answer] = []
        began, ends_at = loop.time(), loop.time() + 20

        # 32 at a time, each as 8 people in turn, so that the canary is asked all the time.
        async def people(first: int) -> None:
            turn = 0
            while loop.time() < ends_at:
                answers.append(await bench.answer(end_user=f"user {first + turn % 8 * 32}"))
                turn += 1

        await asyncio.gather(*(people(first) for first in range(32)))
        # Every request was answered whole, by one version.
        assert len(answers) > 200
        versions = Counter(answer.version for answer in answers)
        assert versions["1.0.0"] > 200
        if how != "is slow":
            assert set(versions) == {"1.0.0"}
        assert bench.asked["1.1.0"] >= 20
        assert bench.last_asked["1.1.0"] - began <= 5.0
        (line,) = [line for line in bench.lines if "withdrawn" in line]
        (*_, move) = bench.operator.history("tiny")
        assert (move.who, move.subject, move.action) == ("hypercube", "split", "withdraw")
        assert (move.before, move.after) == ({"production": 80.0, "canary": 20.0}, None)
        assert move.why in line
        assert ("requests failed in 60 s" in move.why) == (BAD[how].error is not None)
        await asyncio.sleep(SEEN_S)
        assert bench.operator.routes("tiny").split == {}
        # The bad version has left memory; its alias can still be asked for.
        assert "-1.1.0" in bench.events
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_fails_after_its_first_piece_is_withdrawn_too(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=engine_failed("it was killed"), fails_after=1)
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        outcomes = await asyncio.gather(
            *(bench.answer(end_user=f"user {number}") for number in range(60)), return_exceptions=True
        )
        errors = [each for each in outcomes if isinstance(each, HyperCubeError)]
        assert len(errors) >= 20
        assert {error.kind for error in errors} == {ErrorKind.ENGINE_FAILED}
        await asyncio.sleep(SEEN_S)
        assert {await bench.version(end_user=f"user {number}") for number in range(20)} == {"1.0.0"}
        assert bench.operator.history("tiny")[-1].who == "hypercube"
        await bench.cluster.close()

    run_virtual(main)


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_ARGUMENT,
        ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.OVERLOADED,
        ErrorKind.CANCELLED,
    ],
)
def test_what_clients_do_wrong_withdraws_nothing(
    run_virtual: RunVirtual, tmp_path: Path, kind: ErrorKind
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=HyperCubeError(kind, "not like this"))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        await asyncio.gather(
            *(bench.answer(end_user=f"user {number}") for number in range(200)), return_exceptions=True
        )
        await asyncio.sleep(SEEN_S)
        assert bench.asked["1.1.0"] > 50
        assert bench.operator.routes("tiny").split == {"production": 1.0, "canary": 1.0}
        assert bench.shown()["1.1.0"].withdrawn == ""
        await bench.cluster.close()

    run_virtual(main)


def test_the_bounds_of_the_split_count_before_those_of_the_settings(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=engine_failed("it was killed"))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        patient = CanaryBounds(max_error_rate=1.0, min_requests=5)
        bench.operator.set_split("tiny", {"production": 1, "canary": 1}, bounds=patient)
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        people = [f"user {number}" for number in range(40)]
        await asyncio.gather(*(bench.answer(end_user=each) for each in people))
        await asyncio.sleep(SEEN_S)
        assert bench.shown()["1.1.0"].failed >= 10
        assert bench.shown()["1.1.0"].withdrawn == ""
        strict = CanaryBounds(max_error_rate=0.5, min_requests=5)
        bench.operator.set_split("tiny", {"production": 1, "canary": 1}, bounds=strict)
        await asyncio.sleep(SEEN_S)
        move = bench.operator.history("tiny")[-1]
        assert move.action == "withdraw"
        assert "bound 50.0%" in move.why
        await bench.cluster.close()

    run_virtual(main)


def test_a_withdrawn_canary_may_be_tried_again_and_starts_afresh(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=engine_failed("it was killed"))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        people = [f"user {number}" for number in range(60)]
        await asyncio.gather(*(bench.answer(end_user=each) for each in people))
        await asyncio.sleep(SEEN_S)
        assert bench.operator.routes("tiny").split == {}
        # The operator takes the rollback back: the same split is in force again, and the repaired version is asked.
        bench.scripts["1.1.0"].error = None
        assert bench.operator.rollback("tiny", "split").after == {"production": 1.0, "canary": 1.0}
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        versions = {
            answer.version for answer in await asyncio.gather(*(bench.answer(end_user=e) for e in people))
        }
        assert versions == {"1.0.0", "1.1.0"}
        assert (bench.shown()["1.1.0"].failed, bench.shown()["1.1.0"].withdrawn) == (0, "")
        await bench.cluster.close()

    run_virtual(main)


def test_one_bad_target_of_three_leaves_the_other_two(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0")
        bench.scripts["2.0.0"] = Script(error=engine_failed("it was killed"))
        await bench.cluster.settled()
        bench.operator.set_split("tiny", {"production": 1, "1.1.0": 1, "2.0.0": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0", "2.0.0")
        people = [f"user {number}" for number in range(120)]
        first = [
            answer.version for answer in await asyncio.gather(*(bench.answer(end_user=e) for e in people))
        ]
        await asyncio.sleep(SEEN_S)
        assert bench.operator.routes("tiny").split == {"production": 1.0, "1.1.0": 1.0}
        again = [
            answer.version for answer in await asyncio.gather(*(bench.answer(end_user=e) for e in people))
        ]
        # Whoever had the second version keeps it.
        kept = [number for number, version in enumerate(first) if version == "1.1.0"]
        assert kept
        assert all(again[number] == "1.1.0" for number in kept)
        await bench.cluster.close()

    run_virtual(main)
