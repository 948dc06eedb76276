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


def text_too_long(param: str, context_length: int, *, tokens: int = 0, characters: int = 0) -> HyperCubeError:
    """CONTEXT_LENGTH_EXCEEDED of a text for an encoder, by its tokens or, unread, by its characters."""
    said = f"{tokens} tokens" if tokens else f"{characters} characters"
    return HyperCubeError(
        ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        f"The text has {said}, but the model reads at most {context_length} tokens, special ones included.",
        param=param,
        value=tokens or characters,
        fix=f"Shorten it, or send it in parts of at most {context_length} tokens.",
        details={"context_length": context_length, **({"prompt_tokens": tokens} if tokens else {})},
    )
