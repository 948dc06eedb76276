"""The vectors in an upstream server's answer."""

import json
from array import array

from hypercube.inference.engine import Embedded
from hypercube.inference.upstream.errors import broke_off


def read_embeddings(body: bytes, expected: int, host: str) -> list[Embedded]:
    """The vectors of an answer, in the order asked. The server counts tokens a request: each text gets its even share.

    Raises:
        UpstreamError: ENGINE_FAILED, it holds anything else.
    """
    try:
        answer = json.loads(body)
        rows = sorted(answer["data"], key=lambda row: int(row["index"]))
        vectors = [array("f", row["embedding"]) for row in rows]
        tokens = int(answer["usage"]["prompt_tokens"])
        whole = [int(row["index"]) for row in rows] == list(range(expected))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise broke_off(host, f"that are no embeddings ({type(error).__name__})") from None
    if not whole or len({len(vector) for vector in vectors}) != 1:
        raise broke_off(host, f"{len(vectors)} vectors came for {expected} texts, or of unequal width")
    share, rest = divmod(tokens, expected)
    return [Embedded(vector, share + (number < rest)) for number, vector in enumerate(vectors)]
