"""Readings that a model writes: over HTTP, as events, over gRPC and through the client, whatever the model does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from hypercube.app.readings import make_reading_cube
from hypercube.client import AsyncClient
from hypercube.core.clock import monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal
from hypercube.core.reading import Reading, ReadingLength, ReadingRequest, ReadingWriter
from hypercube.core.served_models import EngineState, EngineStatus, ServedModel
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.reading import ModelWriting, ReadingCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.access.guarded_cubes import GuardedCubes
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.http import create_http_app
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.settings import ReadingSettings
from tests.unit.scripted_model import Answer, ScriptedModel

if TYPE_CHECKING:
    from hypercube.gateway.access.authenticator import Access

BIRTH = {"birth": "1990-05-03T07:20", "sex": "female", "place": "Seoul", "as_of": "2026-11-27"}
ASK = {**BIRTH, "writer": "model", "length": "short", "sections": ["temper", "wealth"]}
OWN = {
    "기질·성격": "일간 무토는 사람들이 기대어 쉬는 너른 언덕 같아서 주위에 사람이 모입니다. "
    "무진 일주라 물을 품은 큰 산처럼 그릇이 넉넉합니다. 봄에 난 무토라서 새싹을 틔우는 산처럼 늘 맡은 일이 있습니다.",
    "재물": "재성이 겉에는 없고 지장간에 숨어 있어 조용히 모으는 방식이 몸에 맞습니다. "
    "수(水)가 재성에 해당하니 여행이나 정보 같은 일에서 길이 보입니다.",
}
"""What a good model says of two sections."""
PROMPT = "retell@1"
LIE = "일간이 갑목이니 큰 나무처럼 곧게 자랍니다."


def good(request: GenerationRequest) -> str:
    return next((said for title, said in OWN.items() if title in request.messages[1].content), "")


def lying(request: GenerationRequest) -> str:
    return f"{LIE} {good(request)} 월지가 자수라 겨울의 기운을 받으셨습니다."


class Engines(ScriptedModel):
    """The scripted model as the engines of a server."""

    def models(self) -> Sequence[ServedModel]:
        status = EngineStatus(EngineState.READY, "scripted")
        return (ServedModel("tiny", "scripted", 4096, "Apache-2.0", 1_790_000_000, status),)


class Server:
    """A gateway on real cubes and a scripted model."""

    def __init__(self, answers: Sequence[Answer] | Callable[[GenerationRequest], Answer], **how: Any) -> None:
        self.engines = Engines(answers)
        self.batchers = SajuBatchers("reference")
        self.registry = CubeRegistry()
        self.registry.register(SajuCube(self.batchers))
        self.registry.register(ReadingCube(self.registry, how=ModelWriting(PROMPT, **how)))
        self.registry.register(ChatCube(self.engines))  # type: ignore[arg-type]
        self.registry.register(ModelsCube(self.engines))  # type: ignore[arg-type]
        self.services = GatewayServices(self.registry, self._ready, lambda: b"")

    async def _ready(self) -> Readiness:
        return Readiness(True, {})

    async def __aenter__(self) -> "Server":
        await self.registry.start_all()
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_http_app(self.services)), base_url="http://test"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.registry.stop_all()
        await self.batchers.close()
        assert self.engines.active == 0

    async def reading(self, **options: Any) -> dict[str, Any]:
        answer = await self.http.post("/v1/saju/readings", json={**ASK, **options})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def texts(reading: dict[str, Any]) -> list[str]:
    return [each["text"] for section in reading["sections"] for each in section["sentences"]]


async def written(server: Server) -> dict[str, Any]:
    return await server.reading(writer="corpus")


async def test_a_good_model_s_words_are_kept_cited_and_signed() -> None:
    async with Server(good) as server:
        reading = await server.reading()
        temper, wealth = reading["sections"]
        own = " ".join(texts(reading))
        assert all(each.strip() in own for said in OWN.values() for each in said.split(".") if each.strip())
        assert (temper["written_by"], temper["fallback"]) == ("tiny", "")
        # The word of care at the end of what is said of money is the corpus's, whoever wrote the rest.
        assert wealth["written_by"] == "mixed"
        assert [each["written_by"] for each in wealth["sentences"]] == ["tiny", "tiny", "corpus"]
        assert (reading["written_by"], reading["prompt"]) == ("mixed", PROMPT)
        facts = {fact["id"] for fact in reading["facts"]}
        for section in reading["sections"]:
            for sentence in section["sentences"]:
                assert sentence["facts"]
                assert set(sentence["facts"]) <= facts
        assert temper["sentences"][1]["facts"] == ["pillar.day"]
        assert (reading["checked"]["contradictions"], reading["checked"]["asked_again"]) == (0, 0)
        assert len(server.engines.requests) == 2


async def test_the_corpus_writes_unless_a_model_is_asked_for() -> None:
    async with Server(good) as server:
        answer = await server.http.post("/v1/saju/readings", json=BIRTH)
        assert answer.json()["written_by"] == "corpus"
        assert answer.json()["prompt"] == ""
        assert server.engines.requests == []


async def test_what_contradicts_the_chart_never_leaves_and_is_counted() -> None:
    async with Server(lying) as server:
        reading = await server.reading()
        assert LIE not in texts(reading)
        assert not any("자수" in text for text in texts(reading))
        assert reading["checked"]["contradictions"] >= 4
        assert reading["checked"]["cut"] >= 4
        assert reading["checked"]["asked_again"] == 2
        assert reading["sections"][0]["written_by"] == "tiny"


DEAD: list[tuple[Answer, str]] = [
    (HyperCubeError(ErrorKind.MODEL_NOT_FOUND, "None."), "model_not_found"),
    (HyperCubeError(ErrorKind.UNAVAILABLE, "It loads.", retry_after_s=5), "unavailable"),
    (HyperCubeError(ErrorKind.OVERLOADED, "Full.", retry_after_s=5), "overloaded"),
    (HyperCubeError(ErrorKind.CONTEXT_LENGTH_EXCEEDED, "Too long."), "context_length_exceeded"),
    (ConnectionResetError("gone"), "engine_failed"),
    ("<die>", "engine_failed"),
    ("<cut>", "engine_failed"),
    ("", "unfit"),
    ("???", "unfit"),
    ("I am sorry, as an AI I cannot read charts. " * 20, "unfit"),
    (LIE * 30, "unfit"),
    (f"{LIE} " * 30, "unfit"),
    ("您的日主是戊土。性格稳重。" * 10, "unfit"),
    ("{'section': '기질'}", "unfit"),
]


@pytest.mark.parametrize(("answer", "why"), DEAD, ids=[f"{at}-{why}" for at, (_, why) in enumerate(DEAD)])
@pytest.mark.parametrize("stream", [False, True])
async def test_whatever_the_model_does_there_is_a_reading(answer: Answer, why: str, stream: bool) -> None:
    async with Server([answer]) as server:
        expected = texts(await written(server))
        if stream:
            events = await streamed(server)
            assert [each["sentence"]["text"] for each in events[:-1]] == expected
            assert {each["fallback"] for each in events[:-1]} == {why}
            assert events[-1]["done"]["written_by"] == "corpus"
        else:
            reading = await server.reading()
            assert texts(reading) == expected
            assert {(each["written_by"], each["fallback"]) for each in reading["sections"]} == {
                ("corpus", why)
            }
            assert reading["written_by"] == "corpus"


async def streamed(server: Server, **options: Any) -> list[dict[str, Any]]:
    answer = await server.http.post("/v1/saju/readings", json={**ASK, **options, "stream": True})
    assert answer.status_code == 200, answer.text
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


async def test_a_model_that_is_away_is_not_asked_for_each_section() -> None:
    async with Server([HyperCubeError(ErrorKind.UNAVAILABLE, "It loads.")]) as server:
        await server.reading(sections=[])
        assert len(server.engines.requests) == 1


async def test_a_model_that_dies_in_the_middle_is_completed() -> None:
    async with Server(lambda request: good(request).split(".")[0] + ". 그리고 <die>") as server:
        reading = await server.reading()
        temper = reading["sections"][0]
        assert (temper["written_by"], temper["fallback"]) == ("mixed", "engine_failed")
        assert temper["sentences"][0]["written_by"] == "tiny"
        assert {each["written_by"] for each in temper["sentences"][1:]} == {"corpus"}
        assert len(temper["sentences"]) >= 3


async def test_a_model_that_is_too_slow_for_its_share_is_left() -> None:
    async with Server(
        ["일간 무토는 너른 언덕 같아서 주위에 사람이 모입니다. 또 <hang>"], section_s=0.2
    ) as server:
        reading = await server.reading()
        assert {each["fallback"] for each in reading["sections"]} == {"deadline_exceeded"}


async def test_the_deadline_of_the_request_is_kept_with_a_reading() -> None:
    async with Server(["<hang>"]) as server:
        answer = await server.http.post(
            "/v1/saju/readings", json=ASK, headers={"x-request-timeout-seconds": "1.5"}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["written_by"] == "corpus"
        assert answer.json()["sections"][0]["fallback"] == "deadline_exceeded"


async def test_who_may_not_ask_the_model_is_told() -> None:
    async with Server([HyperCubeError(ErrorKind.PERMISSION_DENIED, "Not yours.")]) as server:
        for stream in (False, True):
            answer = await server.http.post("/v1/saju/readings", json={**ASK, "stream": stream})
            assert answer.status_code == 403, answer.text


async def test_scopes_hold_for_the_model_of_a_reading() -> None:
    async with Server(good) as server:
        guarded = GuardedCubes(server.registry, cast("Access", None))
        stranger = Principal("stranger", scopes=frozenset({"model:other"}))
        friend = Principal("friend", scopes=frozenset({"model:tiny", "cube:reading", "cube:chat"}))
        birth: dict[str, Any] = BIRTH
        for default in (ReadingWriter.CORPUS, ReadingWriter.MODEL):
            cube = ReadingCube(server.registry, models=guarded, writer=default, how=ModelWriting(PROMPT))
            open_, asked = ReadingRequest(**birth), ReadingRequest(**birth, writer=ReadingWriter.MODEL)
            reading = await cube.process(open_, Call("test", principal=stranger))
            assert isinstance(reading, Reading)
            assert reading.written_by == "corpus"
            with pytest.raises(HyperCubeError) as caught:
                await cube.process(replace(asked, model="tiny"), Call("test", principal=stranger))
            assert caught.value.kind is ErrorKind.PERMISSION_DENIED
            assert server.engines.requests == []
        # The guard at the door leaves a reading alone: its model is asked through the guard again.
        reading = await guarded.process("reading", asked, Call("test", principal=friend))
        assert reading.written_by == "mixed"
        assert (
            await guarded.process("reading", open_, Call("test", principal=stranger))
        ).written_by == "corpus"


async def test_a_server_may_have_its_models_write_by_default() -> None:
    async with Server(good) as server:
        settings = ReadingSettings(writer="model", prompt=PROMPT, model="tiny")
        cube = make_reading_cube(settings, server.registry, server.registry, monotonic)
        request = ReadingRequest(**BIRTH, length=ReadingLength.SHORT)  # type: ignore[arg-type]
        reading = await cube.process(request, Call("test"))
        assert isinstance(reading, Reading)
        assert (reading.sections[0].written_by, reading.prompt) == ("tiny", PROMPT)
        corpus = await cube.process(replace(request, writer=ReadingWriter.CORPUS), Call("test"))
        assert isinstance(corpus, Reading)
        assert corpus.written_by == "corpus"


def test_a_prompt_that_there_is_not_stops_the_server_with_its_setting() -> None:
    with pytest.raises(HyperCubeError) as caught:
        make_reading_cube(ReadingSettings(prompt="retell@9"), CubeRegistry(), CubeRegistry(), monotonic)
    assert caught.value.param == "reading.prompt"
    assert "retell@1" in str(caught.value)


async def test_a_server_without_models_reads_all_the_same() -> None:
    async with Server([]) as server:
        server.engines.models = tuple  # type: ignore[method-assign, assignment]
        reading = await server.reading()
        assert {each["fallback"] for each in reading["sections"]} == {"model_not_found"}
        assert server.engines.requests == []


async def test_events_come_as_the_model_writes_and_its_work_ends_with_the_reader() -> None:
    async with Server(["일간 무토는 너른 언덕 같아서 주위에 사람이 모입니다. 또 <hang>"]) as server:
        request = ReadingRequest(**{**BIRTH, "writer": ReadingWriter.MODEL, "stream": True})  # type: ignore[arg-type]
        pieces: AsyncIterator[Any] = await server.registry.process("reading", request, Call("test"))
        first = await anext(pieces)
        assert first.sentence.written_by == "tiny"
        after = asyncio.ensure_future(anext(pieces))  # type: ignore[arg-type]
        await server.engines.hanging.wait()
        assert server.engines.active == 1
        after.cancel()
        with pytest.raises(asyncio.CancelledError):
            await after
        assert server.engines.active == 0


async def test_a_reader_of_a_whole_reading_that_leaves_ends_it_too() -> None:
    async with Server(["일간 무토는 너른 언덕 같아서 주위에 사람이 모입니다. 또 <hang>"]) as server:
        request = ReadingRequest(**{**BIRTH, "writer": ReadingWriter.MODEL})  # type: ignore[arg-type]
        asked = asyncio.ensure_future(server.registry.process("reading", request, Call("test")))
        await server.engines.hanging.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert server.engines.active == 0


async def test_grpc_and_the_client_bring_the_same() -> None:
    async with Server(lying) as server:
        grpc_server = create_grpc_server(server.services)
        port = grpc_server.add_insecure_port("127.0.0.1:0")
        await grpc_server.start()
        try:
            async with AsyncClient(f"127.0.0.1:{port}") as client:
                reading = await client.reading(
                    **BIRTH,
                    sections=["temper", "wealth"],
                    length="short",
                    writer="model",
                    model="tiny",
                    question="돈?",
                )
        finally:
            await grpc_server.stop(0)
        again = await server.reading(model="tiny", question="돈?")
        assert [each.text for section in reading.sections for each in section.sentences] == texts(again)
        assert [each.written_by for each in reading.sections] == [
            each["written_by"] for each in again["sections"]
        ]
        assert [each.fallback for each in reading.sections] == [
            each["fallback"] for each in again["sections"]
        ]
        assert reading.checked.asked_again == again["checked"]["asked_again"] == 2
        assert reading.prompt == PROMPT
        assert "돈?" in server.engines.requests[0].messages[1].content
        assert server.engines.requests[0].model == "tiny"


async def test_a_question_that_is_too_long_is_refused() -> None:
    async with Server(good) as server:
        answer = await server.http.post("/v1/saju/readings", json={**ASK, "question": "가" * 301})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "question"
