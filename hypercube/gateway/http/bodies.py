"""The JSON bodies of errors, charts and comparisons, as types: for handlers and the documentation."""

from typing import Any

from typing_extensions import TypedDict

from hypercube.core.chart import Chart
from hypercube.core.compatibility import CompatibilityOptions, Pair
from hypercube.core.reading import Checked


class ErrorObject(TypedDict):
    """Why a request, or one row of it, failed."""

    message: str
    type: str
    param: str | None
    code: str
    value: str | int | float | bool | None
    fix: str | None
    details: dict[str, Any] | None


class ErrorBody(TypedDict):
    """The body of every failed request."""

    error: ErrorObject


class ChartRow(TypedDict):
    """What became of one birth: exactly one of the two is not null."""

    chart: Chart | None
    error: ErrorObject | None


class ChartsBody(TypedDict):
    """One row a birth, in the order given."""

    results: list[ChartRow]


class PairErrorBody(TypedDict):
    """Somebody of a list whose chart could not be made."""

    index: int
    error: ErrorObject


class CompatibilityBody(TypedDict):
    """One pair, or the best of a list, the best first."""

    first: Chart
    pairs: list[Pair]
    errors: list[PairErrorBody]
    compared: int
    score_version: int
    written_by: str
    corpus_version: str
    checked: Checked
    options: CompatibilityOptions
