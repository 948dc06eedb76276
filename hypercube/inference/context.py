"""The error of a prompt that does not fit, the same from every engine."""

from hypercube.core.errors import ErrorKind, HyperCubeError


def context_exceeded(prompt_tokens: int, context_length: int) -> HyperCubeError:
    """CONTEXT_LENGTH_EXCEEDED with both counts."""
    return HyperCubeError(
        ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        f"The messages have {prompt_tokens} tokens, but the model's context window holds {context_length} tokens, "
        "the answer included.",
        param="messages",
        value=prompt_tokens,
        fix=f"Shorten the messages to fewer than {context_length} tokens.",
        details={"prompt_tokens": prompt_tokens, "context_length": context_length},
    )
