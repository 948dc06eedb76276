"""Frames between a server's processes: whole values of the core, and nothing else."""

import asyncio
import os
import pickle
from array import array
from pathlib import Path
from types import MappingProxyType

import pytest

from hypercube.app.workers.metrics_pages import MetricsPages, merged
from hypercube.app.workers.wire import WireError, decode, encode, read_message
from hypercube.core.cube import Call, Priority, Timing
from hypercube.core.engine import (
    ChatMessage,
    Embeddings,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    TopLogprob,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal, Role
from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel, ServedVersion

READY = EngineStatus(EngineState.READY, "here", 0.5)
REQUEST = GenerationRequest(
    (
        ChatMessage("assistant", "", (ToolCall("1", "chart", '{"b": "생일"}'),)),
        ChatMessage("tool", "경오", (), "1"),
    ),
    "m",
    7,
    Sampling(0.1, 0.2, 3, 0.4, 0.5, 0.6, 7, ("끝",), ((5, -1.5),)),
    '{"type": "object"}',
    "adapter",
    (1, 2),
    4,
    (Tool("chart", "draws", "{}"),),
    ToolChoice.REQUIRED,
    "chart",
    False,
)
EVENT = GenerationEvent(
    "갑자",
    FinishReason.TOOL_CALLS,
    Usage(1, 2),
    (TokenLogprob("갑", -0.5, (234, 176, 145), (TopLogprob("을", -1.0, (1,)),)),),
    (ToolCallDelta(0, "1", "chart", "{"),),
)
CALL = Call(
    "id",
    12.5,
    Priority.HIGH,
    "tenant",
    Principal("who", frozenset({Role.ADMIN}), frozenset({"a"})),
    "end",
    Timing(1, 2, 3, 4),
)
MODEL = ServedModel(
    "m",
    "e",
    10,
    "MIT",
    1,
    READY,
    (Capability.GENERATE,),
    "1.0.0",
    True,
    True,
    5,
    (ServedVersion("1.0.0", READY),),
    "n",
)


@pytest.mark.parametrize("value", [REQUEST, EVENT, CALL, MODEL, Embeddings((array("f", [0.5, -0.25]),), 3)])
def test_values_of_the_core_come_over_whole(value: object) -> None:
    assert decode(encode(("name", 1, value))[4:]) == ("name", 1, value)


def test_an_error_comes_over_with_all_that_it_says() -> None:
    failure = HyperCubeError(
        ErrorKind.OVERLOADED, "full", param="p", value=3, fix="wait", details={"a": [1]}, retry_after_s=2.5
    ).failure()
    assert decode(encode(("failed", failure))[4:]) == ("failed", failure)


def test_a_read_only_mapping_comes_as_a_dictionary() -> None:
    assert decode(encode(("x", MappingProxyType({"a": 1})))[4:]) == ("x", {"a": 1})


class _Foreign:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("true",))


@pytest.mark.parametrize(
    "body",
    [
        pickle.dumps(("x", _Foreign())),
        pickle.dumps(("x", pytest.fail)),
        # Not even by way of the core: a module there imports this one.
        b"\x80\x04chypercube.core.errors\ndifflib\n.",
        b"\x80\x04chypercube.core.errors\ninvalid\n.",
        pickle.dumps(["x"]),
        pickle.dumps((1, "x")),
        b"",
        b"nonsense",
    ],
)
def test_nothing_else_is_built(body: bytes) -> None:
    with pytest.raises(WireError):
        decode(body)


def test_what_cannot_go_over_is_an_error_of_the_sender() -> None:
    with pytest.raises(WireError, match="cannot be written"):
        encode(("x", lambda: None))


async def test_a_stream_ends_with_none_even_inside_a_frame() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(encode(("one",)) + encode(("two", 2)) + encode(("three",))[:-1])
    reader.feed_eof()
    assert [await read_message(reader) for _ in range(3)] == [("one",), ("two", 2), None]


async def test_an_endless_frame_is_not_waited_for() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"\xff\xff\xff\xff")
    with pytest.raises(WireError, match="announced"):
        await read_message(reader)


PAGE = b"""# HELP a_total Says it
# TYPE a_total counter
a_total{k="v"} 1.0
# HELP b Bare
# TYPE b gauge
b 2.0
"""


def test_pages_become_one_whose_families_stay_together() -> None:
    assert merged({0: PAGE, 3: PAGE.replace(b"2.0", b"5.0")}) == (
        b"# HELP a_total Says it\n# TYPE a_total counter\n"
        b'a_total{worker="0",k="v"} 1.0\na_total{worker="3",k="v"} 1.0\n'
        b'# HELP b Bare\n# TYPE b gauge\nb{worker="0"} 2.0\nb{worker="3"} 5.0\n'
    )


def test_each_front_end_shows_its_own_page_as_of_now_and_the_others(tmp_path: Path) -> None:
    numbers = [1, 1]
    first, second = (MetricsPages(tmp_path, at, lambda at=at: b"x %d\n" % numbers[at]) for at in (0, 1))
    first.write()
    second.write()
    numbers[:] = [7, 8]
    assert first.page() == b'x{worker="0"} 7\nx{worker="1"} 1\n'
    assert second.page() == b'x{worker="0"} 1\nx{worker="1"} 8\n'
    second.write()
    assert first.page() == b'x{worker="0"} 7\nx{worker="1"} 8\n'
