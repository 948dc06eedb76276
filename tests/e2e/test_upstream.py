"""One HyperCube in front of another: `--model upstream` speaks to `--model fake`, each in a process of its own."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

QUESTION = {"model": "upstream", "messages": [{"role": "user", "content": "오늘의 기운은?"}]}


@pytest.fixture(scope="module")
def pair(serve: Callable[..., Any]) -> Iterator[tuple[Any, Any]]:
    """(front, back): the front passes its chats on to the back."""
    with serve("--model", "fake") as back:
        back.wait_ready(30)
        with serve(
            "--model",
            "upstream",
            HYPERCUBE_UPSTREAM_URL=back.url + "/v1",
            HYPERCUBE_UPSTREAM_MODEL="fake",
            HYPERCUBE_UPSTREAM_API_KEY="sk-never-shown",
            HYPERCUBE_LOG_LEVEL="debug",
        ) as front:
            front.wait_ready(30)
            yield front, back


def chat(server: Any, **more: Any) -> httpx.Response:
    return httpx.post(server.url + "/v1/chat/completions", json=QUESTION | more, timeout=20)


def until(found: Callable[[], Any], timeout_s: float) -> float:
    """Seconds until `found()` is true."""
    began = time.monotonic()
    while not found():
        assert time.monotonic() - began < timeout_s, "it never happened"
        time.sleep(0.02)
    return time.monotonic() - began


def ready(server: Any) -> bool:
    return httpx.get(server.url + "/readyz", timeout=5).status_code == 200


def test_the_answer_is_the_upstreams_word_for_word(pair: tuple[Any, Any]) -> None:
    front, back = pair
    ours, theirs = chat(front).json(), chat(back, model="fake").json()
    assert ours["choices"][0]["message"] == theirs["choices"][0]["message"]
    assert ours["usage"] == theirs["usage"]
    assert ours["model"] == "upstream"


@pytest.mark.parametrize("more", [{}, {"logprobs": True}], ids=["text", "logprobs"])
def test_it_streams(pair: tuple[Any, Any], more: dict[str, Any]) -> None:
    front, _ = pair
    with httpx.stream(
        "POST", front.url + "/v1/chat/completions", json=QUESTION | {"stream": True} | more, timeout=20
    ) as response:
        lines = [line[6:] for line in response.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    choices = [json.loads(line)["choices"][0] for line in lines[:-1]]
    said = "".join(choice["delta"].get("content") or "" for choice in choices)
    whole = chat(front).json()
    assert said == whole["choices"][0]["message"]["content"]
    assert choices[-1]["finish_reason"] == "stop"
    # Text that one read brings is one chunk, however many those are; each token of those that are rated is its own.
    rated = [choice for choice in choices if choice["logprobs"]]
    assert len(choices) > 2
    assert len(rated) == (whole["usage"]["completion_tokens"] if more else 0)


def test_an_upstream_that_stops_or_dies_is_noticed_told_and_waited_for(
    pair: tuple[Any, Any], record_property: Callable[[str, object], None]
) -> None:
    front, back = pair
    os.kill(back.process.pid, signal.SIGSTOP)
    try:
        noticed = until(lambda: not ready(front), 10)
        record_property("stopped_noticed_after_s", round(noticed, 2))
        assert noticed < 5
        began = time.monotonic()
        answer = chat(front)
        assert time.monotonic() - began < 1
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        assert "failed too often" in answer.json()["error"]["message"]
    finally:
        os.kill(back.process.pid, signal.SIGCONT)
    until(lambda: ready(front), 60)
    assert chat(front).status_code == 200

    os.kill(back.process.pid, signal.SIGKILL)
    killed = until(lambda: not ready(front), 10)
    record_property("killed_noticed_after_s", round(killed, 2))
    assert killed < 5
    assert chat(front).status_code == 503
    assert "sk-never-shown" not in "".join(front.lines)
