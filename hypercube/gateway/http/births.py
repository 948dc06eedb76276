"""Reading a batch so that one malformed birth is its own error and leaves its neighbours alone."""

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from hypercube.core.chart import BirthInput, ChartsRequest
from hypercube.core.errors import Failure
from hypercube.gateway.handlers.charts import check_count
from hypercube.gateway.validation import JsonModel, json_model

_REQUEST: Final[JsonModel[ChartsRequest]] = json_model(ChartsRequest)
_BIRTHS: Final[JsonModel[tuple[BirthInput, ...]]] = json_model(tuple[BirthInput, ...])


def read_births(body: bytes, limit: int) -> list[BirthInput | Failure]:
    """Every birth of a batch, or why it is none; a failure's `param` names its row.

    Raises:
        HyperCubeError: INVALID_ARGUMENT if the body as a whole is wrong: no JSON, no `births`, another field,
            none or more than `limit` births.
    """
    try:
        births = _REQUEST.adapter.validate_json(body, strict=True).births
    except ValidationError as error:
        return _row_by_row(body, error.errors(include_url=False), limit)
    check_count(len(births), limit)
    return list(births)


def _row_by_row(body: bytes, problems: list[ErrorDetails], limit: int) -> list[BirthInput | Failure]:
    whole = [problem for problem in problems if not _in_a_row(problem)]
    if whole:
        raise _REQUEST.explain(whole, body)
    document: dict[str, Any] = from_json(body)
    rows: list[Any] = document["births"]
    check_count(len(rows), limit)
    complaints: dict[int, list[ErrorDetails]] = {}
    for problem in problems:
        complaints.setdefault(int(problem["loc"][1]), []).append(problem)
    good = [row for at, row in enumerate(rows) if at not in complaints]
    births = iter(_BIRTHS.adapter.validate_json(to_json(good, inf_nan_mode="constants"), strict=True))
    return [
        _REQUEST.explain_document(complaints[at], document).failure() if at in complaints else next(births)
        for at in range(len(rows))
    ]


def _in_a_row(problem: ErrorDetails) -> bool:
    location = problem["loc"]
    return len(location) >= 2 and location[0] == "births" and isinstance(location[1], int)
