"""The JSON of a chart with kept pieces is the JSON of the chart."""

from dataclasses import fields

from hypercube.core.chart import BirthInput, Chart, Include, Sex
from hypercube.gateway.http.chart_json import chart_document, chart_json
from hypercube.gateway.http.responses import encode
from hypercube.saju import charts


def test_kept_pieces_change_no_byte() -> None:
    births = [
        BirthInput(
            f"{1900 + row}-{1 + row % 12:02}-{1 + row % 28:02}T{row % 24:02}:{row % 60:02}", place=place
        )
        for row, place in enumerate(["Seoul", "부산", None, "London", "New York"] * 40)
    ]
    births += [
        BirthInput("1990-05-03"),
        BirthInput("2024-02-04T17:27"),
        BirthInput("1990-05-03T07:20", sex=Sex.MALE, include=tuple(Include), as_of="2026-01-01"),
    ]
    for result in charts(births):
        assert result.chart is not None
        assert chart_json(result.chart) == encode(result.chart)
        assert list(chart_document(result.chart)) == [each.name for each in fields(Chart)]
