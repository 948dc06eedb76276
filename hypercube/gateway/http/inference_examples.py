"""Examples of Open Inference requests. Tests send each of them and expect it to work."""

from typing import Any, Final

INFER: Final[dict[str, Any]] = {
    "instants to pillars": {
        "id": "two-births",
        "inputs": [
            {"name": "utc_seconds", "datatype": "INT64", "shape": [2], "data": [641600400, 946695600]},
            {"name": "offset_seconds", "datatype": "INT32", "shape": [1], "data": [32400]},
        ],
        "parameters": {"day_boundary": "zi23"},
        "outputs": [{"name": "pillars"}],
    },
}

INFER_ANSWER: Final[dict[str, Any]] = {
    "model_name": "saju_pillars",
    "model_version": "1",
    "id": "two-births",
    "outputs": [
        {"name": "pillars", "datatype": "UINT8", "shape": [2, 4], "data": [6, 16, 3, 40, 15, 12, 54, 54]}
    ],
}
"""What the server answers to the first of `INFER`."""
