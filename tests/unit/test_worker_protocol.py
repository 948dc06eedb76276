"""The frames between an engine's process and its parent: whole, cut, foreign, and everything they carry."""

import asyncio
import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.engine import (
    ChatMessage,
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
from hypercube.inference.engine import Embedded, Scored
from hypercube.inference.worker import protocol
from hypercube.inference.worker.protocol import Frame, FrameError, encode, read_frame

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
BYTES = st.lists(st.integers(0, 255), max_size=4).map(tuple)
SAMPLING = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2),
    top_k=st.none() | st.integers(0, 100),
    seed=st.none() | st.integers(-(2**63), 2**63),
    stop=st.lists(TEXT, max_size=3).map(tuple),
    logit_bias=st.lists(st.tuples(st.integers(0, 9), st.floats(-100, 100)), max_size=2).map(tuple),
)
MESSAGE = st.builds(
    ChatMessage,
    TEXT,
    TEXT,
    tool_calls=st.lists(st.builds(ToolCall, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    tool_call_id=TEXT,
)
REQUEST = st.builds(
    GenerationRequest,
    messages=st.lists(MESSAGE, max_size=4).map(tuple),
    model=TEXT,
    max_tokens=st.none() | st.integers(1, 10),
    sampling=SAMPLING,
    json_schema=st.none() | TEXT,
    adapter=TEXT,
    prompt=st.none() | TEXT | st.lists(st.integers(0, 9), max_size=3).map(tuple),
    logprobs=st.none() | st.integers(0, 20),
    tools=st.lists(st.builds(Tool, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    tool_choice=st.sampled_from(ToolChoice),
    tool_name=TEXT,
    parallel_tool_calls=st.booleans(),
)
EVENT = st.builds(
    GenerationEvent,
    TEXT,
    st.none() | st.sampled_from(FinishReason),
    st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9)),
    st.lists(
        st.builds(
            TokenLogprob,
            TEXT,
            st.floats(-99, 0),
            BYTES,
            st.lists(st.builds(TopLogprob, TEXT, st.floats(-99, 0), BYTES), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(ToolCallDelta, st.integers(0, 3), TEXT, TEXT, TEXT), max_size=2).map(tuple),
)


def frames_of(data: bytes, *, chunk: int = 0) -> list[Frame]:
    async def read() -> list[Frame]:
        reader = asyncio.StreamReader()
        found = []

        async def take() -> None:
            while (frame := await read_frame(reader)) is not None:
                found.append(frame)

        task = asyncio.create_task(take())
        for start in range(0, len(data), chunk or len(data) or 1):
            reader.feed_data(data[start : start + (chunk or len(data))])
            await asyncio.sleep(0)
        reader.feed_eof()
        await task
        return found

    return asyncio.run(read())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXT, st.binary(max_size=30)), max_size=5), st.integers(1, 7))
def test_frames_come_back_however_they_are_cut(sent: list[tuple[str, bytes]], chunk: int) -> None:
    data = b"".join(encode({"op": "x", "text": text}, payload) for text, payload in sent)
    assert frames_of(data, chunk=chunk) == [
        Frame({"op": "x", "text": text}, payload) for text, payload in sent
    ]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\0\0", "ends after 2 bytes"),
        (encode({"op": "x"})[:-1], "ends inside a frame"),
        (encode({"op": "x"}, b"1234")[:-1], "ends inside a frame"),
        (struct.pack("!II", 2**31, 0), "was announced"),
        (struct.pack("!II", 0, 2**31), "was announced"),
        (struct.pack("!II", 4, 0) + b"oops", "not JSON"),
        (struct.pack("!II", 2, 0) + b"[]", "no op"),
        (b"Traceback (most recent call last)", "was announced"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        frames_of(data)


def test_a_frame_over_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_HEADER_BYTES", 20)
    assert encode({"op": "x"})
    with pytest.raises(FrameError, match="over 20"):
        encode({"op": "x", "text": "a" * 20})


def carried(header: dict[str, object]) -> Frame:
    (frame,) = frames_of(encode({"op": "x", "it": header}))
    return frame


@settings(max_examples=50, deadline=None)
@given(REQUEST)
def test_requests_come_back(request: GenerationRequest) -> None:
    assert protocol.request_of(carried(protocol.request_header(request)).header["it"]) == request


@settings(max_examples=50, deadline=None)
@given(EVENT)
def test_events_come_back(event: GenerationEvent) -> None:
    (frame,) = frames_of(encode(protocol.event_header(7, event)))
    assert frame.header["id"] == 7
    assert protocol.event_of(frame.header) == event


def test_errors_come_back() -> None:
    error = HyperCubeError(
        ErrorKind.CONTEXT_LENGTH_EXCEEDED, "too long", param="messages", value=9, fix="cut", details={"n": 9}
    )
    back = protocol.error_of(carried(protocol.failure_header(error)).header["it"])
    assert back.failure() == error.failure()


def test_vectors_and_scores_come_back_bit_for_bit() -> None:
    vectors = [Embedded(array("f", [0.1, float("inf"), -1e-40]), 5), Embedded(array("f", [1.0, 2.0, 3.0]), 2)]
    (frame,) = frames_of(protocol.vectors_frame(3, vectors))
    assert protocol.vectors_of(frame) == vectors
    scores = [Scored(0.5, 3), Scored(-0.25, 4)]
    (frame,) = frames_of(protocol.scores_frame(4, scores))
    assert protocol.scores_of(frame) == scores
    (frame,) = frames_of(protocol.vectors_frame(3, []))
    assert protocol.vectors_of(frame) == []


@pytest.mark.parametrize("payload", [b"", b"12345", b"1" * 12])
def test_a_payload_that_does_not_fit_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError):
        protocol.vectors_of(Frame({"op": "vectors", "tokens": [1, 1]}, payload))
    with pytest.raises(FrameError):
        protocol.scores_of(Frame({"op": "scores", "tokens": [1, 1]}, payload))
