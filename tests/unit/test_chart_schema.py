"""The published JSON Schema is that of the classes, and a real chart has exactly its fields."""

import json
import runpy
from importlib.resources import files
from pathlib import Path
from typing import Any

from hypercube.core.chart import Chart
from hypercube.gateway.http.responses import encode
from hypercube.gateway.validation import json_model
from hypercube.saju import chart

ROOT = Path(__file__).parents[2]
PUBLISHED = files("hypercube.saju").joinpath("schema/chart.schema.json")


def test_the_published_schema_is_current() -> None:
    built = runpy.run_path(str(ROOT / "scripts" / "build_chart_schema.py"))["chart_schema"]()
    assert PUBLISHED.read_text("utf-8") == built, "run scripts/build_chart_schema.py"


def check(schema: dict[str, Any], node: dict[str, Any], value: Any, path: str) -> int:
    """Walk the value along the schema; gives the number of objects compared."""
    if "$ref" in node:
        return check(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], value, path)
    choices = node.get("anyOf", ())
    if choices:
        if value is None:
            assert {"type": "null"} in choices, path
            return 0
        (other,) = (each for each in choices if each != {"type": "null"})
        return check(schema, other, value, path)
    if isinstance(value, dict):
        assert value.keys() == node["properties"].keys(), path
        return 1 + sum(
            check(schema, node["properties"][name], each, f"{path}.{name}") for name, each in value.items()
        )
    if isinstance(value, list):
        items = node.get("prefixItems") or [node["items"]] * len(value)
        return sum(check(schema, item, each, path) for item, each in zip(items, value, strict=True))
    return 0


def test_a_chart_has_the_fields_of_its_schema() -> None:
    schema = json.loads(PUBLISHED.read_text("utf-8"))
    for birth in ("1990-05-03T07:20", "1990-02-04"):
        made = chart(
            birth, sex="male", place="Seoul", include=["facts", "luck", "periods"], as_of="2024-02-04"
        )
        document = json.loads(encode(made))
        assert check(schema, schema, document, "chart") > 100
        assert json_model(Chart).read(encode(made)) == made
