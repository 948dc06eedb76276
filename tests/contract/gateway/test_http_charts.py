"""Charts over HTTP: one and many, each row on its own."""

from typing import Any

import httpx

from hypercube.gateway.services import Limits

GOOD = {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}


async def test_a_chart_holds_the_pillars_and_how_they_came_about(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/saju/charts", json=GOOD)
    assert answer.status_code == 200
    chart = answer.json()
    hanja = [chart["pillars"][name]["hanja"] for name in ("year", "month", "day", "hour")]
    assert hanja == ["庚午", "庚辰", "戊辰", "乙卯"]
    assert chart["instant"]["utc"] == "1990-05-02T22:20:00Z"
    assert chart["options"]["time_basis"] == "mean_solar"
    assert chart["corrections"]["total_offset_s"] != 0
    assert answer.headers["content-type"] == "application/json"
    assert "total;dur=" in answer.headers["server-timing"]


async def test_a_birth_without_an_hour_has_no_hour_pillar(http: httpx.AsyncClient) -> None:
    chart = (await http.post("/v1/saju/charts", json={"birth": "1990-05-03"})).json()
    assert chart["pillars"]["hour"] is None
    assert chart["instant"]["exact"] is False


async def test_each_birth_of_a_batch_has_its_own_chart_or_its_own_error(http: httpx.AsyncClient) -> None:
    births: list[Any] = [
        GOOD,
        {"birth": "1990-02-31T07:20"},  # refused by the cube
        {"birth": "1990-05-03", "plce": "Seoul"},  # refused on reading
        5,
        {"birth": "1990-05-03T07:20", "longitude": 200},
        GOOD,
    ]
    answer = await http.post("/v1/saju/charts:batch", json={"births": births})
    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert [row["error"] and row["error"]["param"] for row in rows] == [
        None,
        "births[1].birth",
        "births[2].plce",
        "births[3]",
        "births[4].longitude",
        None,
    ]
    assert [row["chart"] is None for row in rows] == [False, True, True, True, True, False]
    alone = (await http.post("/v1/saju/charts", json=GOOD)).json()
    assert rows[0]["chart"] == rows[5]["chart"] == alone
    assert "place" in rows[2]["error"]["fix"]
    assert rows[4]["error"]["value"] == 200


async def test_a_batch_of_the_largest_size_comes_back_in_order(http: httpx.AsyncClient) -> None:
    births = [{"birth": f"{1900 + row % 150}-02-10T12:00"} for row in range(Limits().max_births)]
    answer = await http.post("/v1/saju/charts:batch", json={"births": births}, timeout=60)
    rows = answer.json()["results"]
    assert len(rows) == 10_000
    assert [row["chart"]["instant"]["local"][:4] for row in rows] == [birth["birth"][:4] for birth in births]


async def test_ten_thousand_malformed_births_are_each_explained(http: httpx.AsyncClient) -> None:
    births = [{"birth": "1990-05-03", "plce": row} for row in range(9_999)] + [{"birth": "1990-05-03"}]
    answer = await http.post("/v1/saju/charts:batch", json={"births": births}, timeout=60)
    rows = answer.json()["results"]
    assert [row["error"]["value"] for row in rows[:-1]] == list(range(9_999))
    assert rows[-1]["chart"]["pillars"]["day"]["hanja"] == "戊辰"


async def test_all_rows_malformed_is_still_an_answer(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/saju/charts:batch", json={"births": [1, None, "x"]})
    assert answer.status_code == 200
    assert [row["error"]["code"] for row in answer.json()["results"]] == ["invalid_argument"] * 3


async def test_the_batch_itself_can_be_wrong(http: httpx.AsyncClient) -> None:
    cases: list[tuple[Any, str | None, Any]] = [
        ({"births": []}, "births", 0),
        ({"births": [GOOD] * 10_001}, "births", 10_001),
        ({"births": [5] * 10_001}, "births", 10_001),
        ({"births": "x"}, "births", "x"),
        ({}, "births", None),
        ({"births": [GOOD], "places": []}, "places", "[]"),
        ([GOOD], None, "[{'birth': '1990-05-03T07:20', 'sex': 'male', 'place': 'Seoul'}]"),
    ]
    for body, param, value in cases:
        answer = await http.post("/v1/saju/charts:batch", json=body, timeout=60)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"], error["value"]) == (400, param, value), error
        assert error["fix"]
