"""The examples of the documentation. Tests send each of them and expect it to work."""

import json
from importlib.resources import files
from typing import Any, Final

BIRTHS: Final[dict[str, Any]] = {
    "at a place": {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"},
    "by the clock": {"birth": "2000-02-04T21:30", "zone": "Asia/Seoul", "time_basis": "civil"},
    "true solar time": {
        "birth": "1988-07-01T23:40",
        "place": "부산",
        "time_basis": "true_solar",
        "day_boundary": "zi23",
    },
    "hour unknown": {"birth": "1975-11-20", "sex": "female"},
    "a lunar birth": {"birth": "1990-04-09T07:20", "calendar": "lunar", "place": "Seoul"},
    "with every fact": {
        "birth": "1990-05-03T07:20",
        "sex": "male",
        "place": "Seoul",
        "include": ["facts", "luck", "periods"],
        "as_of": "2026-11-23",
    },
    "a clock time that came twice": {"birth": "1988-10-09T02:30", "place": "Seoul", "fold": 1},
}

BATCHES: Final[dict[str, Any]] = {
    "two births": {
        "births": [
            {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"},
            {"birth": "1992-09-15", "place": "제주"},
        ]
    },
    "one good, one not": {"births": [{"birth": "1990-05-03T07:20"}, {"birth": "1990-02-31T07:20"}]},
}

CHATS: Final[dict[str, Any]] = {
    "a question": {
        "messages": [{"role": "user", "content": "사주가 무엇인지 한 문장으로 설명해 주세요."}],
        "max_tokens": 64,
    },
    "streamed": {
        "messages": [
            {"role": "system", "content": "Answer in one short sentence."},
            {"role": "user", "content": "What are the four pillars?"},
        ],
        "max_tokens": 48,
        "temperature": 0.7,
        "seed": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
}

EMBEDDINGS: Final[dict[str, Any]] = {
    "one text": {"input": "The day master is yang wood."},
    "several texts": {"input": ["갑목 일간", "을목 일간"], "encoding_format": "base64"},
}

EMBEDDINGS_ANSWER: Final[dict[str, Any]] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.0364, -0.0213, 0.0847]}],
    "model": "all-minilm-l6-v2",
    "usage": {"prompt_tokens": 9, "total_tokens": 9},
}

PROCESS: Final[dict[str, Any]] = {
    "saju": {"births": [{"birth": "1990-05-03T07:20", "place": "Seoul"}]},
}

CHAT_COMPLETION: Final[dict[str, Any]] = {
    "id": "chatcmpl-5f0c9be6a1b24e0bb2f3b0c7a8d5e9f1",
    "object": "chat.completion",
    "created": 1790000000,
    "model": "qwen2.5-coder-1.5b-instruct",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "사주는 태어난 해·달·날·시를 …", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 30, "completion_tokens": 24, "total_tokens": 54},
}

CHART: Final[dict[str, Any]] = json.loads(
    files("hypercube.gateway.http").joinpath("example_chart.json").read_text("utf-8")
)
"""What the server answers to the first of `BIRTHS`."""
