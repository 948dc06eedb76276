"""One wrong input, the same words on every door: HTTP, the SDK over gRPC, the cube by name, and the command line."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from hypercube.cli.commands import cli
from hypercube.client import AsyncClient, InvalidArgument
from hypercube.core.errors import HyperCubeError
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.services import GatewayServices, Readiness

BIRTH = "1990-05-03T07:20"
Told = tuple[str, str | None, str | None]
"""Message, field and fix."""

WRONG: tuple[dict[str, Any], ...] = (
    {"sex": "여"},
    {"sex": "femal"},
    {"longitude": "east"},
    {"longitude": 999.5},
    {"longitude": -180.5},
    {"fold": "second"},
    {"fold": 2},
    {"place": "Atlantis"},
    {"place": "광주"},
    {"zone": "Asia/Soul"},
    {"time_basis": "solar"},
    {"time_basis": "true_solar"},
    {"day_boundary": "noon"},
    {"luck_age": "western"},
    {"hidden_stems": "japanese"},
    {"life_stages": "forward"},
    {"blade": "all"},
    {"goegang": "five"},
    {"as_of": "yesterday"},
    {"as_of": "2300-01-01"},
    {"birth": "1990-13-01"},
    {"birth": "1990-02-30T07:20"},
    {"birth": "tomorrow"},
    {"birth": "1990-05-03T25:00"},
    {"leap_month": True},
)
"""What can be written on every door; `UNTYPED` cannot be written on the command line."""
UNTYPED: tuple[dict[str, Any], ...] = (
    {"birth": 5},
    {"place": 5},
    {"longitude": [127.0]},
    {"zone": 9},
    {"leap_month": "yes"},
    {"calendar": "moon"},
    {"include": "facts"},
    {"include": ["facs"]},
    {"include": ["facts", "career"]},
    {"plce": "Seoul"},
)


def named(wrong: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in wrong.items())


async def over_http(http: httpx.AsyncClient, path: str, wrong: Mapping[str, Any]) -> Told:
    answer = await http.post(path, json={"birth": BIRTH, **wrong})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    # HTTP's message ends with the fix, which stands beside it as well.
    return error["message"].removesuffix(f" {error['fix']}"), error["param"], error["fix"]


@pytest.fixture
async def sdk() -> AsyncIterator[AsyncClient]:
    batchers = SajuBatchers("reference")
    registry = CubeRegistry()
    registry.register(SajuCube(batchers))
    await registry.start_all()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    server = create_grpc_server(GatewayServices(registry, readiness, lambda: b""))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncClient(f"127.0.0.1:{port}") as client:
        yield client
    await server.stop(0)
    await registry.stop_all()
    await batchers.close()


async def by_sdk(sdk: AsyncClient, wrong: Mapping[str, Any]) -> Told:
    """One row of a batch, which takes every field; the row's own name is left out."""
    try:
        (row,) = await sdk.charts([{"birth": BIRTH, **wrong}])
    except InvalidArgument as error:
        told: Any = error
    else:
        assert row.error is not None
        told = row.error
    return told.message, (told.param or "").removeprefix("births[0]").removeprefix("."), told.fix


def on_the_command_line(wrong: Mapping[str, Any]) -> Told:
    asked = dict(wrong)
    line = ["chart", str(asked.pop("birth", BIRTH))]
    for name, value in asked.items():
        option = f"--{name.replace('_', '-')}"
        line += [option] if value is True else [f"{option}={value}"]
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, line, catch_exceptions=False)
    return caught.value.message, caught.value.param, caught.value.fix


@pytest.mark.parametrize("wrong", WRONG, ids=named)
async def test_every_door_says_the_same(
    http: httpx.AsyncClient, sdk: AsyncClient, wrong: dict[str, Any]
) -> None:
    told = await over_http(http, "/v1/saju/charts", wrong)
    assert told[2], "a fix"
    assert await by_sdk(sdk, wrong) == told
    assert on_the_command_line(wrong) == told


@pytest.mark.parametrize("wrong", UNTYPED, ids=named)
async def test_what_only_programs_can_write_is_told_the_same(
    http: httpx.AsyncClient, sdk: AsyncClient, wrong: dict[str, Any]
) -> None:
    told = await over_http(http, "/v1/saju/charts", wrong)
    assert told[2], "a fix"
    assert await by_sdk(sdk, wrong) == told


async def test_a_word_that_is_not_near_is_not_offered(http: httpx.AsyncClient, sdk: AsyncClient) -> None:
    told = await over_http(http, "/v1/saju/readings", {"sections": ["career"]})
    with pytest.raises(InvalidArgument) as caught:
        await sdk.reading(BIRTH, sections=["career"])
    assert (caught.value.message, caught.value.param, caught.value.fix) == told
    assert told[1] == "sections[0]"
    assert "Did you mean" not in str(told[2])
    with pytest.raises(InvalidArgument, match="Did you mean 'wealth'"):
        await sdk.reading(BIRTH, sections=["welth"])


@pytest.mark.parametrize(
    "line",
    [
        ["chart", "1990-05-03", "07:20", "--json"],
        ["reading", "1990-05-03", "07:20", "--json"],
        ["compatibility", "1990-05-03", "07:20", "1993-09-17", "21:10", "--json"],
    ],
    ids=lambda line: line[0],
)
def test_a_date_and_the_time_behind_it_are_one_birth(line: list[str]) -> None:
    quoted = [" ".join(line[at : at + 2]) for at in range(1, len(line) - 1, 2)]
    said = [
        CliRunner().invoke(cli, each, catch_exceptions=False) for each in (line, [line[0], *quoted, "--json"])
    ]
    assert [each.exit_code for each in said] == [0, 0], said[0].output
    assert said[0].output == said[1].output
    assert "T07:20:00" in said[0].output


@pytest.mark.parametrize("command", ["chart", "reading"])
def test_an_argument_too_many_is_answered_by_how_to_quote(command: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, [command, "1990-05-03", "07:20", "서울"], catch_exceptions=False)
    assert caught.value.param == "birth"
    assert "서울" in caught.value.message
    assert f'hypercube {command} "1990-05-03 07:20" --place 서울' in str(caught.value.fix)
