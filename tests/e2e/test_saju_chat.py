"""`saju` on a server as a user starts it: the official client with its tool, the SDK, the command line."""

import json
import os
import subprocess
import sys
from typing import Any

import httpx
from openai import OpenAI

from hypercube.client import Client

HER = "1990년 5월 3일 아침 7시 20분 서울 여자"
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "saju_chart",
        "description": "The four pillars of a birth",
        "parameters": {"type": "object", "properties": {"birth": {"type": "string"}}, "required": ["birth"]},
    },
}


def test_the_official_client_calls_the_chart_and_goes_on(fake_server: Any) -> None:
    with OpenAI(
        base_url=fake_server.url + "/v1", api_key="none", max_retries=0, _strict_response_validation=True
    ) as ai:
        messages: list[Any] = [{"role": "user", "content": f"{HER}인데 내 일간이 뭐야?"}]
        first = ai.chat.completions.create(model="saju", messages=messages, tools=[TOOL]).choices[0]
        assert first.finish_reason == "tool_calls"
        messages.append(first.message.model_dump(exclude_none=True))
        for call in first.message.tool_calls or ():
            assert call.type == "function"
            # The arguments are a body of the route that computes charts.
            chart = httpx.post(
                fake_server.url + "/v1/saju/charts", json=json.loads(call.function.arguments)
            ).json()
            assert chart["pillars"]["day"]["hanja"] == "戊辰"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(chart)})
        stream = ai.chat.completions.create(model="saju", messages=messages, tools=[TOOL], stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert "평균태양시 1990-05-03 06:47:55" in text
        assert text.endswith("일간은 무토(戊土)입니다.")
        assert "다릅니다" not in text


def test_the_sdk_talks_to_it(fake_server: Any) -> None:
    with Client(fake_server.target) as client:
        assert [model.name for model in client.models()] == ["fake", "saju"]
        answer = client.chat(f"{HER}인데 도화살 있어?", model="saju")
        assert answer.content.endswith("네, 시주에 도화살이 있습니다.")
        assert answer.finish_reason == "stop"


def test_the_command_line_talks_to_it_with_and_without_a_server(fake_server: Any) -> None:
    for more in (["--server", fake_server.target], []):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "hypercube",
                "chat",
                "--model",
                "saju",
                *more,
                f"{HER}인데 내 일간이 뭐야?",
            ],
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | {"PYTHONIOENCODING": "utf-8", "HYPERCUBE_MODEL_NAME": "fake"},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.rstrip().endswith("일간은 무토(戊土)입니다.")
