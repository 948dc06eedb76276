"""Whatever bytes come as a message, for any method of any service: a status that is right, and a server that lives.

The server is a process of its own, as a user starts it. What is not allowed is UNKNOWN and INTERNAL (a defect of
ours), UNAVAILABLE (something died) and a call that does not end.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from hypercube.gateway.grpc.server import SERVICES
from hypercube.wire.inference import service_pb2 as v2
from hypercube.wire.v1 import (
    chat_pb2,
    cubes_pb2,
    embeddings_pb2,
    models_pb2,
    reading_pb2,
    saju_pb2,
)
from tests.e2e.protobuf_mutations import Mutations, methods

FAR_S: Final = 60.0
"""Bounds a call on the busiest machine."""
ALL: Final = (*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection")
ENDLESS: Final = "/grpc.health.v1.Health/Watch"
TOO_LATE: Final = "Internal error from Core"
"""The client's own words when a call ended before it had sent everything; they hide the status that came."""
REFUSALS: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
BIRTH: Final = saju_pb2.Birth(birth="1990-05-03T07:20", place="Seoul")
CHAT: Final = chat_pb2.ChatRequest(
    messages=[chat_pb2.ChatMessage(role="user", content="사주")], max_tokens=4, temperature=0.5, seed=1
)
PILLARS: Final = v2.ModelInferRequest(
    model_name="saju_pillars",
    inputs=[
        v2.ModelInferRequest.InferInputTensor(name="utc_seconds", datatype="INT64", shape=[1]),
        v2.ModelInferRequest.InferInputTensor(name="offset_seconds", datatype="INT32", shape=[1]),
    ],
    raw_input_contents=[bytes(8), bytes(4)],
)
TEXT: Final = v2.ModelInferRequest(
    model_name="fake",
    inputs=[
        v2.ModelInferRequest.InferInputTensor(
            name="text_input",
            datatype="BYTES",
            shape=[1],
            contents=v2.InferTensorContents(bytes_contents=[b"saju"]),
        )
    ],
)
RIGHT: Final[dict[str, tuple[Message, ...]]] = {
    "hypercube.v1.Birth": (BIRTH,),
    "hypercube.v1.ChartsRequest": (saju_pb2.ChartsRequest(births=[BIRTH, BIRTH]),),
    "hypercube.v1.PillarsRequest": (saju_pb2.PillarsRequest(utc_seconds=bytes(16), offset_seconds=bytes(8)),),
    "hypercube.v1.TermsRequest": (saju_pb2.TermsRequest(year=1990, zone="Asia/Seoul"),),
    "hypercube.v1.LunarRequest": (saju_pb2.LunarRequest(date="1990-05-03"),),
    "hypercube.v1.InterpretRequest": (reading_pb2.InterpretRequest(birth=BIRTH),),
    "hypercube.v1.ChatRequest": (CHAT,),
    "hypercube.v1.ConverseRequest": (chat_pb2.ConverseRequest(turn="1", say=CHAT),),
    "hypercube.v1.EmbedRequest": (embeddings_pb2.EmbedRequest(model="fake", input=["사주", "팔자"]),),
    "hypercube.v1.ProcessRequest": (
        cubes_pb2.ProcessRequest(name="saju", request_json='{"births": [{"birth": "1990-05-03T07:20"}]}'),
    ),
    "hypercube.v1.SetAliasRequest": (
        models_pb2.SetAliasRequest(model="fake", alias="production", version="1.0.0"),
    ),
    "hypercube.v1.SetSplitRequest": (models_pb2.SetSplitRequest(model="fake", weights={"1.0.0": 1.0}),),
    "hypercube.v1.VerifyModelRequest": (models_pb2.VerifyModelRequest(model="fake"),),
    "inference.ModelInferRequest": (PILLARS, TEXT),
    "inference.ModelReadyRequest": (v2.ModelReadyRequest(name="saju_pillars"),),
    "grpc.health.v1.HealthCheckRequest": (health_pb2.HealthCheckRequest(service="hypercube.v1.Saju"),),
    "grpc.reflection.v1alpha.ServerReflectionRequest": (
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="hypercube.v1.Saju"),
    ),
}


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


class Fuzz:
    """Calls with wrong messages, many at a time, and how each ended."""

    def __init__(self, channels: list[grpc.aio.Channel], seed: str) -> None:
        self._channels = itertools.cycle(channels)
        self._methods = methods(ALL)
        self._made = {
            path_of(method): Mutations(
                method.input_type, RIGHT.get(method.input_type.full_name, ()), f"{seed} {path_of(method)}"
            )
            for method in self._methods
        }
        self.seen: dict[str, Counter[grpc.StatusCode]] = {path: Counter() for path in self._made}

    def turns(self, count: int) -> Iterator[tuple[MethodDescriptor, list[bytes]]]:
        """Every method in turn with its messages: several for a method that takes a stream."""
        for number, method in enumerate(itertools.cycle(self._methods)):
            if number == count:
                return
            made = self._made[path_of(method)]
            messages = [made.next() for _ in range(1 + number % 3 if method.client_streaming else 1)]
            if "Unload" in method.name:  # the model must be there for the others
                messages = [message.replace(b"fake", b"none") for message in messages]
            yield method, messages

    async def run(self, count: int, at_once: int) -> None:
        """So many calls."""
        turns = self.turns(count)

        async def client() -> None:
            for method, messages in turns:
                await self._call(path_of(method), messages)

        await asyncio.gather(*(client() for _ in range(at_once)))

    async def _call(self, path: str, messages: list[bytes]) -> None:
        async def sent() -> AsyncIterator[bytes]:
            for message in messages:
                yield message

        # On the wire a call of one message is a stream of one.
        code, said = await self._outcome(
            path, next(self._channels).stream_stream(path)(sent(), timeout=FAR_S)
        )
        if said == TOO_LATE and len(messages) > 1:
            await self._call(path, messages[:-1])
            return
        assert code is grpc.StatusCode.OK or (code in REFUSALS and said), (path, messages, code, said)
        self.seen[path][code] += 1

    async def _outcome(self, path: str, call: Any) -> tuple[grpc.StatusCode, str | None]:
        """The status and its words."""
        try:
            async for answer in call:
                assert b"The server made a mistake" not in answer, (path, answer)
                if path == ENDLESS:
                    call.cancel()
                    break
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details()
        return grpc.StatusCode.OK, None


async def fuzzed(server: Any, count: int, seed: str) -> Fuzz:
    channels = [
        grpc.aio.insecure_channel(
            server.target,
            options=[("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", 100 << 20)],
        )
        for _ in range(2)
    ]
    try:
        fuzz = Fuzz(channels, seed)
        await fuzz.run(count, at_once=16)
    finally:
        for channel in channels:
            await channel.close()
    return fuzz


def judge(server: Any, fuzz: Fuzz) -> None:
    """Everything was tried, and the server is as it was."""
    assert all(fuzz.seen.values()), "every method was called"
    for method in methods(ALL):
        codes = fuzz.seen[path_of(method)]
        if method.input_type.full_name in RIGHT:
            assert codes.total() > codes[grpc.StatusCode.INVALID_ARGUMENT], (path_of(method), codes)
    together = sum(fuzz.seen.values(), Counter())
    assert together[grpc.StatusCode.OK] > together.total() / 10
    assert together[grpc.StatusCode.INVALID_ARGUMENT] > together.total() / 10
    assert server.process.poll() is None
    said = "".join(server.lines)
    assert "Traceback" not in said
    assert '"level":"error"' not in said.replace(" ", "")
    metrics = httpx.get(server.url + "/metrics", timeout=FAR_S).text
    assert "\nhypercube_requests_in_flight 0.0\n" in metrics
    answer = httpx.post(server.url + "/v1/saju/charts", content=json.dumps({"birth": "1990-05-03T07:20"}))
    assert answer.status_code == 200


@pytest.fixture
def watched(serve: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    """A server whose models are nobody's: methods that remove some are called, too."""
    with serve("--model", "fake", HYPERCUBE_MODEL_DIR=str(tmp_path), HYPERCUBE_LOG_LEVEL="warning") as server:
        server.wait_ready(60)
        yield server


async def test_fifteen_hundred_wrong_messages(watched: Any) -> None:
    judge(watched, await fuzzed(watched, 1_500, "every change"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hundred_thousand_wrong_messages(
    watched: Any, record_testsuite_property: Callable[[str, object], None]
) -> None:
    began = time.perf_counter()
    fuzz = await fuzzed(watched, 100_000, "a hundred thousand")
    record_testsuite_property("seconds of 100,000 messages", round(time.perf_counter() - began, 1))
    judge(watched, fuzz)
