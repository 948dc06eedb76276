"""The default model through the front door: the official client, the SDK, and Ctrl-C in the middle of an answer."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

import hypercube
from hypercube.client import ContextLengthExceeded

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(1200)]
QUESTION = [{"role": "user", "content": "사주팔자가 무엇인지 한국어 한 문장으로 설명해 주세요."}]
MODEL = "qwen2.5-coder-1.5b-instruct"


@pytest.fixture
def openai_client(real_server: Any) -> Any:
    with OpenAI(base_url=real_server.url + "/v1", api_key="none", max_retries=0, timeout=300) as client:
        yield client


def hangul(text: str) -> int:
    return sum("가" <= letter <= "힣" for letter in text)


def test_a_streamed_korean_answer(openai_client: OpenAI) -> None:
    stream = openai_client.chat.completions.create(
        model=MODEL,
        messages=QUESTION,
        max_tokens=48,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert hangul(text) >= 10, text
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) > 5
    assert chunks[-2].choices[0].finish_reason in ("stop", "length")
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 1 <= usage.completion_tokens <= 48


def test_a_plain_answer_says_why_it_ended(openai_client: OpenAI) -> None:
    answer = openai_client.chat.completions.create(
        model=MODEL, messages=QUESTION, max_tokens=5, temperature=0
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer.choices[0].message.content


def test_the_model_is_listed(openai_client: OpenAI) -> None:
    assert [model.id for model in openai_client.models.list()] == [MODEL, "saju"]


def test_a_prompt_over_the_window_is_refused_with_the_counts(openai_client: OpenAI, real_server: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        openai_client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "사주 " * 6000}]
        )
    assert refused.value.code == "context_length_exceeded"
    assert "4096" in refused.value.message
    with hypercube.Client(real_server.target) as client, pytest.raises(ContextLengthExceeded):
        client.chat("사주 " * 6000)


def test_an_unknown_model_names_the_served_one(openai_client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match=MODEL) as missing:
        openai_client.chat.completions.create(model="gpt-9", messages=QUESTION)
    assert missing.value.code == "model_not_found"


def test_the_sdk_streams_the_same_model(real_server: Any) -> None:
    with hypercube.Client(real_server.target) as client:
        with client.chat(
            "대한민국의 수도는? 한 단어로.", max_tokens=16, stream=True, temperature=0.0
        ) as stream:
            pieces = [piece.text for piece in stream]
        assert "서울" in "".join(pieces)
        assert stream.finish_reason in ("stop", "length")


def test_the_terminal_talks_to_a_server(real_server: Any) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hypercube",
            "chat",
            "대한민국의 수도는? 한 단어로.",
            "--server",
            real_server.target,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    assert "서울" in done.stdout


def test_ctrl_c_lets_the_answer_finish_and_refuses_new_ones(serve: Any) -> None:
    # Where other work has the cores, eight tokens take longer than the six seconds that a stop waits by default.
    with serve(HYPERCUBE_SERVER_DRAIN_S="25") as server:
        server.wait_ready(900)
        first_piece, finished = threading.Event(), threading.Event()
        seen: dict[str, Any] = {}

        def listen() -> None:
            with OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as client:
                stream = client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": "Count from 1 to 100."}],
                    max_tokens=8,
                    stream=True,
                )
                text = ""
                for chunk in stream:
                    text += chunk.choices[0].delta.content or ""
                    seen["reason"] = chunk.choices[0].finish_reason
                    first_piece.set()
                seen["text"] = text
            finished.set()

        thread = threading.Thread(target=listen)
        thread.start()
        assert first_piece.wait(60)
        server.process.send_signal(signal.SIGINT)
        server.wait_for(lambda text: "Stopping" in text, 10)
        refused = httpx.post(server.url + "/v1/saju/charts", json={"birth": "2000-01-01T12:00"})
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert finished.wait(30)
        thread.join()
        answered = time.monotonic()
        assert server.process.wait(15) == 0
        assert time.monotonic() - answered < 10, "it ends with the answer, not with the wait"
        assert seen["reason"] == "length", "the answer in flight was finished"
        assert seen["text"]
