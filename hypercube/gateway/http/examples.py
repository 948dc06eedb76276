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

READINGS: Final[dict[str, Any]] = {
    "in Korean": {"birth": "1990-05-03T07:20", "sex": "female", "place": "서울", "as_of": "2026-11-27"},
    "a short one in English": {
        "birth": "1985-11-20T14:30",
        "sex": "male",
        "place": "Busan",
        "language": "en",
        "length": "short",
        "sections": ["temper", "work", "advice"],
    },
    "sentence by sentence, for a beginner": {
        "birth": "1975-11-20",
        "sex": "female",
        "audience": "beginner",
        "stream": True,
    },
}

COMPATIBILITY: Final[dict[str, Any]] = {
    "two people": {
        "first": {"birth": "1990-05-03T07:20", "sex": "female", "place": "서울"},
        "second": {"birth": "1993-09-17T21:10", "sex": "male", "place": "부산"},
    },
    "a short one in English, an hour unknown": {
        "first": {"birth": "1985-11-20T14:30", "place": "Busan"},
        "second": {"birth": "1987-02-08"},
        "language": "en",
        "length": "short",
    },
    "the best two of a list, explained": {
        "first": {"birth": "1990-05-03T07:20", "place": "Seoul"},
        "others": [
            {"birth": "1988-03-15T09:30", "place": "Seoul"},
            {"birth": "1991-02-28"},
            {"birth": "1992-09-15", "place": "제주"},
            {"birth": "1989-12-24T23:40", "place": "Daegu"},
        ],
        "top": 2,
        "explain": True,
        "length": "short",
    },
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

COMPLETIONS: Final[dict[str, Any]] = {
    "a text": {"prompt": "The four pillars are", "max_tokens": 16},
    "two texts": {"prompt": ["木生", "火生"], "max_tokens": 8, "n": 2, "seed": 7},
}

COMPLETION: Final[dict[str, Any]] = {
    "id": "cmpl-5f0c9be6a1b24e0bb2f3b0c7a8d5e9f1",
    "object": "text_completion",
    "created": 1790000000,
    "model": "qwen2.5-coder-1.5b-instruct",
    "choices": [{"index": 0, "text": " the year, the month,", "logprobs": None, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 4, "completion_tokens": 16, "total_tokens": 20},
}

RESPONSES: Final[dict[str, Any]] = {
    "a question": {"input": "사주가 무엇인지 한 문장으로 설명해 주세요.", "max_output_tokens": 64},
    "with instructions, not kept": {
        "instructions": "Answer in one short sentence.",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "What is a day master?"}]}],
        "max_output_tokens": 48,
        "store": False,
    },
}

RESPONSE: Final[dict[str, Any]] = {
    "id": "resp_5f0c9be6a1b24e0bb2f3b0c7a8d5e9f1",
    "object": "response",
    "created_at": 1790000000,
    "completed_at": 1790000001,
    "status": "completed",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": 64,
    "metadata": {},
    "model": "qwen2.5-coder-1.5b-instruct",
    "output": [
        {
            "id": "msg_5f0c9be6a1b24e0bb2f3b0c7a8d5e9f1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "text": "사주는 태어난 해·달·날·시를 …",
                    "annotations": [],
                    "logprobs": [],
                }
            ],
        }
    ],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "usage": {
        "input_tokens": 30,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 24,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 54,
    },
    "user": None,
}

TOKENIZE: Final[dict[str, Any]] = {
    "a text": {"prompt": "갑목 일간", "return_token_strs": True},
    "a chat": {"messages": [{"role": "user", "content": "안녕하세요"}]},
}

DETOKENIZE: Final[dict[str, Any]] = {"two tokens": {"tokens": [14990, 1879]}}

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

UNLOADS: Final[dict[str, Any]] = {"as it is": {}, "at once": {"drain_s": 0}}

ALIASES: Final[dict[str, Any]] = {
    "to a version": {"version": "1.1.0"},
    "only from where it is known to lead": {"version": "1.1.0", "expected": "1.0.0"},
}

SPLITS: Final[dict[str, Any]] = {
    "a canary": {"weights": {"1.0.0": 95, "1.1.0": 5}},
    "watched more strictly": {
        "weights": {"1.0.0": 95, "1.1.0": 5},
        "bounds": {"max_error_rate": 0.02, "max_latency_ratio": 2},
    },
}

ROLLBACKS: Final[dict[str, Any]] = {"of production": {}, "of an alias": {"subject": "canary"}}

COLLECTS: Final[dict[str, Any]] = {
    "what would go": {"dry_run": True},
    "old versions, too": {"dry_run": True, "keep": 2},
}

ADAPTERS: Final[dict[str, Any]] = {"of that name": {}, "one version": {"reference": "ko-style@1.0.0"}}

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
