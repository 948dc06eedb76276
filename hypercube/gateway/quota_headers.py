"""What is left of a caller's quotas, in OpenAI's headers."""

import math
from collections.abc import Iterator, Mapping

from hypercube.core.cube import Standing


def quota_headers(quotas: Mapping[str, Standing]) -> Iterator[tuple[bytes, bytes]]:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; a reset is written `6m0s`, as OpenAI does."""
    for name, standing in quotas.items():
        yield f"x-ratelimit-limit-{name}".encode(), str(standing.limit).encode()
        yield f"x-ratelimit-remaining-{name}".encode(), str(standing.remaining).encode()
        yield f"x-ratelimit-reset-{name}".encode(), duration(standing.full_in_s).encode()


def duration(seconds: float) -> str:
    """Seconds as OpenAI writes them: 20ms, 1s, 6m0s, 1h0m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
