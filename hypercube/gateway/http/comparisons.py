"""Reading a comparison so that a malformed birth in its list is its own error and leaves its neighbours alone."""

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from hypercube.core.compatibility import CompatibilityRequest
from hypercube.core.errors import Failure
from hypercube.gateway.validation import JsonModel, json_model

_REQUEST: Final[JsonModel[CompatibilityRequest]] = json_model(CompatibilityRequest)
_LIST: Final = "others"


def read_comparison(body: bytes) -> tuple[CompatibilityRequest, dict[int, Failure]]:
    """The request with those of its list that could be read, and why the others could not, by their row.

    Raises:
        HyperCubeError: INVALID_ARGUMENT if anything but rows of the list is wrong.
    """
    try:
        return _REQUEST.adapter.validate_json(body, strict=True), {}
    except ValidationError as error:
        problems = error.errors(include_url=False)
    whole = [problem for problem in problems if not _in_a_row(problem)]
    if whole:
        raise _REQUEST.explain(whole, body)
    document: dict[str, Any] = from_json(body)
    complaints: dict[int, list[ErrorDetails]] = {}
    for problem in problems:
        complaints.setdefault(int(problem["loc"][1]), []).append(problem)
    unread = {row: _REQUEST.explain_document(found, document).failure() for row, found in complaints.items()}
    good = [row for at, row in enumerate(document[_LIST]) if at not in complaints]
    readable = to_json({**document, _LIST: good}, inf_nan_mode="constants")
    return _REQUEST.adapter.validate_json(readable, strict=True), unread


def _in_a_row(problem: ErrorDetails) -> bool:
    location = problem["loc"]
    return len(location) >= 2 and location[0] == _LIST and isinstance(location[1], int)
