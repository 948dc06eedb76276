"""What can be said about a chat request before an engine sees it; parameters are named as OpenAI names them."""

import math
from typing import Final

from hypercube.core.engine import GenerationRequest
from hypercube.core.errors import invalid

ROLES: Final = ("system", "developer", "user", "assistant")
MAX_STOPS: Final = 4
MAX_SEED: Final = 2**32 - 1

_RANGES: Final = {
    # name: (lowest, highest), as in OpenAI's reference; top_k and min_p as in vLLM and llama.cpp
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "top_k": (0, 1_000_000),
    "min_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
    "seed": (0, MAX_SEED),
}


def check(request: GenerationRequest) -> None:
    """Refuse what no engine could answer.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` as the caller wrote it.
    """
    if not request.messages:
        raise invalid(
            "messages is empty.",
            param="messages",
            value="[]",
            fix='Send at least one, e.g. [{"role": "user", "content": "안녕하세요"}].',
        )
    for index, message in enumerate(request.messages):
        if message.role not in ROLES:
            raise invalid(
                f"messages[{index}].role is {message.role!r}.",
                param=f"messages[{index}].role",
                value=message.role,
                fix=f"Use one of: {', '.join(ROLES)}.",
            )
    if request.max_tokens is not None and request.max_tokens < 1:
        raise invalid(
            f"max_tokens is {request.max_tokens}.",
            param="max_tokens",
            value=request.max_tokens,
            fix="Give at least 1, or leave it out to use what the context window leaves.",
        )
    for name, (lowest, highest) in _RANGES.items():
        value = getattr(request.sampling, name)
        if value is not None and not (math.isfinite(value) and lowest <= value <= highest):
            raise invalid(
                f"{name} is {value}.",
                param=name,
                value=value,
                fix=f"Give a number from {lowest} to {highest}.",
            )
    if len(request.sampling.stop) > MAX_STOPS:
        raise invalid(
            f"stop has {len(request.sampling.stop)} sequences.",
            param="stop",
            value=len(request.sampling.stop),
            fix=f"Give at most {MAX_STOPS}.",
        )
    if any(not stop for stop in request.sampling.stop):
        raise invalid(
            "stop holds an empty sequence, which would end every answer at once.",
            param="stop",
            value="",
            fix="Leave it out.",
        )
