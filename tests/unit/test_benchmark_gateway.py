"""The load of benchmarks.gateway: it asks real servers, and a wrong answer is seen."""

import asyncio
import pickle
from pathlib import Path

import pytest

from benchmarks.gateway import load, questions
from benchmarks.gateway.server_upstream import WORDS
from hypercube.app import Application
from hypercube.settings import load_settings


def test_half_the_questions_are_answered_wrong_and_all_are_seen(tmp_path: Path) -> None:
    asked = questions.Charts()
    assert len({each.body for each in asked.http}) > 500

    async def both_doors() -> None:
        settings = load_settings({"server": {"http_port": 0, "grpc_port": 0}, "model": {"name": "none"}})
        application = Application(settings)
        async with application.running():
            for protocol, port, path, right in (
                ("http", application.http_port, questions.CHARTS_PATH, asked.http),
                ("grpc", application.grpc_port, questions.GRPC_PATH, asked.grpc),
            ):
                wrong = [load.Question(each.body, each.answer[:-1] + b"?") for each in right]
                for expected in (right, wrong):
                    file = questions.stored(tmp_path, protocol, expected)
                    run = await asyncio.to_thread(
                        load._keep_busy, protocol, port, path, file, (4, 2), (0.0, 0.2)
                    )
                    # The load ends with an answer, so there is at least one.
                    assert (run.wrong == 0) is (expected is right)

    asyncio.run(both_doors())
    assert pickle.loads((tmp_path / "http.questions").read_bytes())


@pytest.mark.parametrize(
    ("body", "streamed", "text"),
    [
        (b'{"choices":[{"message":{"content":"word0 "}}]}', False, WORDS[0]),
        (b'data: {"choices":[{"delta":{"content":"word0 "}}]}\n\ndata: [DONE]\n\n', True, WORDS[0]),
        (b'data: {"choices":[{"delta":{"content":"word0 "}}]}\n\n', True, ""),
    ],
)
def test_what_a_chat_said(body: bytes, streamed: bool, text: str) -> None:
    assert load.said(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n" + body, streamed) == text
    assert load.said(b"HTTP/1.1 500 Internal Server Error\r\n\r\n" + body, streamed) == ""
