"""Comparisons on the wire: who is compared with whom, and what came of it."""

from collections.abc import Mapping
from typing import Final

from hypercube.core.chart import BirthInput
from hypercube.core.compatibility import (
    Compatibility,
    CompatibilityLength,
    CompatibilityOptions,
    CompatibilityRequest,
    Pair,
    PairError,
    PairSentence,
)
from hypercube.core.errors import Failure, HyperCubeError
from hypercube.core.match import MatchPart
from hypercube.core.reading import Checked, CitedFact, ReadingLanguage
from hypercube.wire.convert.charts import birth_from_proto, birth_to_proto, chart_from_proto, chart_to_proto
from hypercube.wire.convert.errors import error_from_proto, error_to_proto
from hypercube.wire.convert.fields import put
from hypercube.wire.convert.records import from_message, member, to_message
from hypercube.wire.v1 import reading_pb2, saju_pb2

_DEFAULT: Final = CompatibilityOptions()
_TOP: Final = CompatibilityRequest(BirthInput("")).top


def compatibility_request_to_proto(request: CompatibilityRequest) -> reading_pb2.CompatibilityRequest:
    """Who is compared with whom; a value that its field cannot hold is INVALID_ARGUMENT."""
    message = reading_pb2.CompatibilityRequest(
        first=birth_to_proto(request.first),
        second=None if request.second is None else birth_to_proto(request.second),
        others=map(birth_to_proto, request.others),
        options=to_message(request.to_options()),
    )
    put(message, "top", request.top)
    put(message, "explain", request.explain)
    return message


def compatibility_request_from_proto(
    message: reading_pb2.CompatibilityRequest,
) -> tuple[CompatibilityRequest, Mapping[int, Failure]]:
    """The request with those of its list that could be read, and why the rest could not, by row.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for an enum number from nowhere outside the list.
    """
    others: list[BirthInput] = []
    unread: dict[int, Failure] = {}
    for row, each in enumerate(message.others):
        try:
            others.append(birth_from_proto(each))
        except HyperCubeError as error:
            unread[row] = error.failure(prefix=f"others[{row}]")
    asked = message.options
    request = CompatibilityRequest(
        first=_birth("first", message.first),
        second=_birth("second", message.second) if message.HasField("second") else None,
        others=tuple(others),
        top=message.top if message.HasField("top") else _TOP,
        explain=message.explain,
        language=member("options.language", asked.language, ReadingLanguage) or _DEFAULT.language,
        length=member("options.length", asked.length, CompatibilityLength) or _DEFAULT.length,
    )
    return request, unread


def _birth(field: str, message: saju_pb2.Birth) -> BirthInput:
    try:
        return birth_from_proto(message)
    except HyperCubeError as error:
        raise HyperCubeError.of(error.failure(prefix=field)) from None


def compatibility_to_proto(answer: Compatibility) -> reading_pb2.CompatibilityReply:
    """What came of it."""
    return reading_pb2.CompatibilityReply(
        first=chart_to_proto(answer.first),
        pairs=map(_pair_to_proto, answer.pairs),
        errors=[
            reading_pb2.PairError(index=each.index, error=error_to_proto(each.error))
            for each in answer.errors
        ],
        compared=answer.compared,
        score_version=answer.score_version,
        written_by=answer.written_by,
        corpus_version=answer.corpus_version,
        checked=to_message(answer.checked),
        options=to_message(answer.options),
    )


def compatibility_from_proto(message: reading_pb2.CompatibilityReply) -> Compatibility:
    """What `compatibility_to_proto` was given."""
    return Compatibility(
        first=chart_from_proto(message.first),
        pairs=tuple(map(_pair_from_proto, message.pairs)),
        errors=tuple(PairError(each.index, error_from_proto(each.error)) for each in message.errors),
        compared=message.compared,
        score_version=message.score_version,
        written_by=message.written_by,
        corpus_version=message.corpus_version,
        checked=from_message(Checked, message.checked),
        options=from_message(CompatibilityOptions, message.options),
    )


def _pair_to_proto(pair: Pair) -> reading_pb2.CompatibilityPair:
    return reading_pb2.CompatibilityPair(
        index=pair.index,
        score=pair.score,
        parts=map(to_message, pair.parts),
        chart=chart_to_proto(pair.chart),
        sentences=map(to_message, pair.sentences),
        facts=map(to_message, pair.facts),
    )


def _pair_from_proto(message: reading_pb2.CompatibilityPair) -> Pair:
    return Pair(
        index=message.index,
        score=message.score,
        parts=tuple(from_message(MatchPart, each) for each in message.parts),
        chart=chart_from_proto(message.chart),
        sentences=tuple(from_message(PairSentence, each) for each in message.sentences),
        facts=tuple(from_message(CitedFact, each) for each in message.facts),
    )
