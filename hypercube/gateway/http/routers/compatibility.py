"""Compatibility: /v1/saju/compatibility."""

import asyncio
from typing import Any, Final

from starlette.responses import Response

from hypercube.core.compatibility import Compatibility, CompatibilityRequest
from hypercube.gateway.errors import error_object
from hypercube.gateway.handlers import compatibility as handler
from hypercube.gateway.http import examples
from hypercube.gateway.http.bodies import CompatibilityBody
from hypercube.gateway.http.chart_json import chart_document
from hypercube.gateway.http.comparisons import read_comparison
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import JSON, encode

_IN_A_THREAD: Final = 32 * 1024
"""Bytes of a body from which reading, and writing the answer, leave the event loop."""


async def compatibility(request: HttpRequest) -> Response:
    """Two people, or one and a list."""
    large = len(request.body) > _IN_A_THREAD
    read = await asyncio.to_thread(read_comparison, request.body) if large else read_comparison(request.body)
    asked, unread = read
    answer = await handler.compatibility(request.services, asked, unread, request.call)
    written = await asyncio.to_thread(_encode, answer) if large else _encode(answer)
    return Response(written, media_type=JSON)


def _encode(answer: Compatibility) -> bytes:
    document: dict[str, Any] = {
        "first": chart_document(answer.first),
        "pairs": [
            {
                "index": pair.index,
                "score": pair.score,
                "parts": pair.parts,
                "chart": chart_document(pair.chart),
                "sentences": pair.sentences,
                "facts": pair.facts,
            }
            for pair in answer.pairs
        ],
        "errors": [{"index": each.index, "error": error_object(each.error)} for each in answer.errors],
        "compared": answer.compared,
        "score_version": answer.score_version,
        "written_by": answer.written_by,
        "corpus_version": answer.corpus_version,
        "checked": answer.checked,
        "options": answer.options,
    }
    return encode(document)


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/saju/compatibility",
        "saju",
        "Compatibility (궁합) of two people, or of one with the best of a list",
        compatibility,
        allowance="batch_s",
        request=CompatibilityRequest,
        examples=examples.COMPATIBILITY,
        response=CompatibilityBody,
        errors=(400, 413, 429, 503, 504),
        description=(
            "Give `second` for one pair, or `others` (up to 10,000) for a list, of which the `top` come back, ranked "
            "by the kernel. A score is the sum of named parts, each with what it rests on; sentences explain them, "
            "each with the facts of either chart that it reads, and were checked against both charts before they "
            "left. A birth of the list that cannot be charted has its own error under `errors`; the rest are ranked. "
            "The score is a ruler by classical relations, not a prediction."
        ),
    ),
)
