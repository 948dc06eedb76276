"""Write the JSON Schema of a chart from its classes: hypercube/saju/schema/chart.schema.json.

A test compares; run this after any change to `hypercube.core.chart`, `.facts` or `.calendar`.
"""

import json
from pathlib import Path

from pydantic import TypeAdapter

from hypercube.core.chart import Chart

TARGET = Path(__file__).resolve().parent.parent / "hypercube" / "saju" / "schema" / "chart.schema.json"


def chart_schema() -> str:
    """The schema as the file holds it."""
    schema = TypeAdapter(Chart).json_schema(mode="serialization")
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Chart", **schema}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(chart_schema(), encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
