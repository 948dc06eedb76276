"""Readings in a caller's schema over HTTP: grounded sentence by sentence, whoever wrote them."""

from typing import Any

import httpx
import pytest

from hypercube.saju import chart
from hypercube.saju.grounding import Checker, sentences
from tests.contract.gateway.test_readings_by_model import BIRTH, LIE, Server, lying

LIST: dict[str, Any] = {"type": "array", "items": {"type": "string"}}


def schema(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"type": "object", "properties": properties, **more}
    return {"type": "json_schema", "json_schema": {"name": "reading", "schema": whole, "strict": True}}


ASKED: dict[str, Any] = {
    **BIRTH,
    "length": "short",
    "response_format": schema({"성격": LIST, "money": {"type": "string"}}, required=["성격", "money"]),
}


def checked(sentences: list[str]) -> None:
    checker = Checker(
        chart(
            BIRTH["birth"],
            sex="female",
            place=BIRTH["place"],
            as_of=BIRTH["as_of"],
            include=("facts", "luck", "periods"),
        )
    )
    assert sentences
    for sentence in sentences:
        assert checker.grounded(sentence), sentence


async def test_a_written_reading_fills_the_schema() -> None:
    async with Server([]) as server:
        answer = await server.http.post("/v1/saju/readings", json=ASKED)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        usual = await server.reading(writer="corpus")
        temper, wealth = ([each["text"] for each in part["sentences"]] for part in usual["sections"])
        assert found["structured"] == {"성격": temper, "money": " ".join(wealth)}
        assert set(found["sources"]) == {"성격", "money"}
        assert (found["written_by"], found["checked"]["contradictions"]) == ("corpus", 0)
        assert found["checked"]["sentences"] == len(temper) + len(wealth)
        checked([*temper, *wealth])
        assert server.engines.requests == []


async def test_a_model_that_lies_fills_it_without_its_lies() -> None:
    async with Server(lying) as server:
        answer = await server.http.post("/v1/saju/readings", json={**ASKED, "writer": "model"})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert LIE not in answer.text
        assert "자수" not in answer.text
        assert "너른 언덕" in found["structured"]["성격"][0], "its own words, where they are true"
        assert found["written_by"] in ("tiny", "mixed")
        assert found["checked"]["contradictions"] > 0
        money = found["structured"]["money"]
        checked([*found["structured"]["성격"], *(money[start:end] for start, end in sentences(money))])


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"response_format": schema({"행운의 색": {"type": "string"}}, required=["행운의 색"])}, "행운의 색"),
        ({"response_format": schema({"advice": {"type": "number"}})}, "advice.type"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "schema"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"stream": True}, "stream"),
        ({"sections": ["temper"]}, "sections"),
    ],
)
async def test_what_cannot_be_filled_is_named(
    http: httpx.AsyncClient, more: dict[str, Any], param: str
) -> None:
    answer = await http.post("/v1/saju/readings", json={**ASKED, **more})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"].endswith(param) or error["param"].startswith(param)
    assert error["fix"]


async def test_a_cube_takes_no_form(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/cubes/reading:process", json=ASKED)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "response_format")
