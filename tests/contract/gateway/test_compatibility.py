"""Compatibility over HTTP, over gRPC and through both clients: the scores of `match`, the ranks of brute force."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hypercube.client import AsyncClient, Client, InvalidArgument
from hypercube.core.chart import BirthInput, Chart
from hypercube.core.compatibility import Compatibility, CompatibilityLength, CompatibilityOptions
from hypercube.core.reading import ReadingLanguage
from hypercube.cubes.feature.compatibility import CompatibilityCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.saju import chart, charts, match
from hypercube.saju.pairing import explained

PATH = "/v1/saju/compatibility"
FIRST: dict[str, Any] = {"birth": "1990-05-03T07:20", "sex": "female", "place": "Seoul"}
SECOND: dict[str, Any] = {"birth": "1993-09-17T21:10", "place": "Busan"}


def births(count: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        birth = f"{rng.randint(1940, 2015)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        if rng.random() < 0.9:
            birth += f"T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        found.append({"birth": birth, "zone": "Asia/Seoul", "fold": 0})
    return found


def charted(bodies: list[dict[str, Any]]) -> list[Chart]:
    found = [result.chart for result in charts([BirthInput(**body) for body in bodies])]
    return [each for each in found if each is not None]


async def post(http: httpx.AsyncClient, **body: Any) -> Any:
    answer = await http.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_pair_has_its_charts_parts_sentences_and_checks(http: httpx.AsyncClient) -> None:
    answer = await post(http, first=FIRST, second=SECOND)
    (pair,) = answer["pairs"]
    assert (answer["compared"], answer["errors"], pair["index"]) == (1, [], 0)
    assert answer["first"]["pillars"]["day"]["hanja"] == "戊辰"
    assert pair["chart"]["pillars"]["day"]["hanja"] == "辛丑"
    assert answer["first"]["facts"] is None
    assert pair["chart"]["facts"] is None
    facts = {fact["id"] for fact in pair["facts"]}
    assert all(each["facts"] and set(each["facts"]) <= facts for each in pair["sentences"])
    assert answer["checked"]["sentences"] == len(pair["sentences"])
    assert answer["checked"]["contradictions"] == 0
    assert answer["checked"]["confirmed"] > 25
    assert (answer["written_by"], answer["corpus_version"], answer["score_version"]) == ("corpus", "2", 1)


async def test_scores_over_http_are_those_of_match(http: httpx.AsyncClient) -> None:
    bodies = births(24, seed=3)
    people = charted(bodies)
    for at in range(0, 24, 2):
        answer = await post(http, first=bodies[at], second=bodies[at + 1], length="short")
        found = match(people[at], people[at + 1])
        (pair,) = answer["pairs"]
        assert pair["score"] == found.score == sum(part["points"] for part in pair["parts"])
        assert pair["parts"] == [
            {"name": part.name, "points": part.points, "because": list(part.because)} for part in found.parts
        ]


async def test_reasons_over_http_are_in_the_language_asked(http: httpx.AsyncClient) -> None:
    for language in ReadingLanguage:
        one = await post(http, first=FIRST, second=SECOND, language=language)
        listed = await post(http, first=FIRST, others=[SECOND], language=language)
        found = match(chart(**FIRST), chart(**SECOND), language)
        told = [
            {"name": each.name, "points": each.points, "because": [*each.because]} for each in found.parts
        ]
        assert one["pairs"][0]["parts"] == listed["pairs"][0]["parts"] == told
        korean = any("가" <= letter <= "힣" for each in told for why in each["because"] for letter in why)
        assert korean == (language is ReadingLanguage.KO)


async def test_the_best_of_a_list_are_those_of_brute_force(http: httpx.AsyncClient) -> None:
    first, *others = births(301, seed=7)
    people = charted([first, *others])
    scores = [match(people[0], each).score for each in people[1:]]
    ranked = sorted(range(300), key=lambda row: (-scores[row], row))
    for top in (1, 10, 300):
        answer = await post(http, first=first, others=others, top=top)
        assert [pair["index"] for pair in answer["pairs"]] == ranked[:top]
        assert [pair["score"] for pair in answer["pairs"]] == [scores[row] for row in ranked[:top]]
        assert answer["compared"] == 300
        assert not any(pair["sentences"] for pair in answer["pairs"])
        assert answer["checked"]["sentences"] == 0


async def test_those_named_are_explained_where_that_is_asked_for(http: httpx.AsyncClient) -> None:
    first, *others = births(41, seed=8)
    answer = await post(http, first=first, others=others, top=3, explain=True, length="short")
    plain = await post(http, first=first, others=others, top=3)
    assert len(answer["pairs"]) == 3
    for pair, bare in zip(answer["pairs"], plain["pairs"], strict=True):
        assert pair["sentences"]
        alone = await post(http, first=first, second=others[pair["index"]], length="short")
        assert alone["pairs"][0]["sentences"] == pair["sentences"]
        assert {**pair, "sentences": [], "facts": [], "chart": None} == {**bare, "chart": None}
    assert answer["checked"]["contradictions"] == 0


async def test_what_is_wrong_in_a_list_is_its_own_error_and_the_rest_are_ranked(
    http: httpx.AsyncClient,
) -> None:
    good = births(3, seed=9)
    others = [
        good[0],
        {"birth": "1991-02-30"},
        {"birth": "1990-05-03", "plce": 1},
        good[1],
        {"birth": 5},
        good[2],
    ]
    answer = await post(http, first=FIRST, others=others, top=5, explain=True)
    assert answer["compared"] == 3
    assert sorted(pair["index"] for pair in answer["pairs"]) == [0, 3, 5]
    assert [(each["index"], each["error"]["param"]) for each in answer["errors"]] == [
        (1, "others[1].birth"),
        (2, "others[2].plce"),
        (4, "others[4].birth"),
    ]
    people = {row: charted([others[row]])[0] for row in (0, 3, 5)}
    one = chart(**FIRST)
    assert {pair["index"]: pair["score"] for pair in answer["pairs"]} == {
        row: match(one, each).score for row, each in people.items()
    }


async def test_a_list_of_which_nobody_has_a_chart_ranks_nobody(http: httpx.AsyncClient) -> None:
    answer = await post(http, first=FIRST, others=[{"birth": "1991-02-30"}])
    assert (answer["pairs"], answer["compared"], len(answer["errors"])) == ([], 0, 1)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"second": SECOND}, "first"),
        ({"first": FIRST}, "second"),
        ({"first": FIRST, "second": SECOND, "others": [SECOND]}, "others"),
        ({"first": {"birth": "1990-02-31"}, "second": SECOND}, "first.birth"),
        ({"first": {"birth": "1990-02-31"}, "others": [SECOND]}, "first.birth"),
        ({"first": FIRST, "second": {**SECOND, "longitude": 999}}, "second.longitude"),
        ({"first": FIRST, "second": {"birth": "1990", "x": 1}}, "second.x"),
        ({"first": FIRST, "others": [SECOND], "top": 0}, "top"),
        ({"first": FIRST, "others": [SECOND], "top": 1001}, "top"),
        ({"first": FIRST, "others": [SECOND], "top": 101, "explain": True}, "top"),
        ({"first": FIRST, "others": [{"birth": 1}]}, "others[0].birth"),
        ({"first": FIRST, "second": SECOND, "language": "jp"}, "language"),
        ({"first": FIRST, "second": SECOND, "length": "long"}, "length"),
        ({"first": FIRST, "secnd": SECOND}, "secnd"),
        ({"first": FIRST, "others": [SECOND] * 10_001}, "others"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, body: dict[str, Any], param: str) -> None:
    answer = await http.post(PATH, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param


async def test_an_include_of_the_caller_changes_nothing(http: httpx.AsyncClient) -> None:
    plain = await post(http, first=FIRST, second=SECOND)
    more = await post(http, first={**FIRST, "include": ["luck"]}, second={**SECOND, "include": ["periods"]})
    assert more == plain


async def test_the_cube_answers_by_name(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/cubes/compatibility:process", json={"first": FIRST, "second": SECOND})
    assert answer.status_code == 200, answer.text
    assert answer.json()["pairs"] == (await post(http, first=FIRST, second=SECOND))["pairs"]


@pytest.fixture
async def target() -> AsyncIterator[str]:
    batchers = SajuBatchers("reference")
    registry = CubeRegistry()
    registry.register(SajuCube(batchers))
    registry.register(CompatibilityCube(registry, backend="reference"))
    await registry.start_all()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    server = create_grpc_server(GatewayServices(registry, readiness, lambda: b""))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)
    await registry.stop_all()
    await batchers.close()


async def test_the_client_gets_the_pair_as_it_was_written(target: str) -> None:
    facts = ("facts",)
    for language, length in ((ReadingLanguage.KO, "normal"), (ReadingLanguage.EN, "short")):
        options = CompatibilityOptions(language, CompatibilityLength(length))
        pair, _ = explained(chart(**FIRST, include=facts), chart(**SECOND, include=facts), options)
        async with AsyncClient(target) as client:
            answer = await client.compatibility(FIRST, SECOND, language=language, length=length)
            assert answer.best == pair
            assert answer.best.parts == match(chart(**FIRST), chart(**SECOND), language).parts
            assert answer.options == options


async def test_the_client_ranks_a_list_and_keeps_its_errors(target: str) -> None:
    first, *others = births(61, seed=11)
    people = charted([first, *others])
    scores = [match(people[0], each).score for each in people[1:]]
    ranked = sorted(range(60), key=lambda row: (-scores[row], row))
    async with AsyncClient(target) as client:
        answer = await client.compatibility(first, others=[*others, "1991-02-30"], top=4)
        assert [pair.index for pair in answer.pairs] == ranked[:4]
        ((error),) = answer.errors
        assert (error.index, error.error.param) == (60, "others[60].birth")
        for wrong in ({}, {"second": SECOND, "others": [SECOND]}, {"others": SECOND}):
            with pytest.raises(InvalidArgument):
                await client.compatibility(FIRST, **wrong)
        with pytest.raises(InvalidArgument) as caught:
            await client.compatibility("1990-13-01", "1990-05-03")
        assert caught.value.param == "first.birth"
        with pytest.raises(InvalidArgument, match="top"):
            await client.compatibility(FIRST, others=[SECOND], top=0)


async def test_both_clients_agree(target: str) -> None:
    def ask() -> Compatibility:
        with Client(target) as client:
            return client.compatibility(FIRST, others=[SECOND, "1988-03-15"], explain=True)

    async with AsyncClient(target) as client:
        theirs = await client.compatibility(FIRST, others=[SECOND, "1988-03-15"], explain=True)
        assert await asyncio.to_thread(ask) == theirs


async def test_the_cube_is_healthy(target: str) -> None:
    async with AsyncClient(target) as client:
        (cube,) = [each for each in await client.cubes() if each.name == "compatibility"]
        assert (cube.health, cube.state, cube.color) == ("healthy", "running", "blue")
        assert [(need.name, need.versions) for need in cube.dependencies] == [("saju", ">=1.0,<2")]
