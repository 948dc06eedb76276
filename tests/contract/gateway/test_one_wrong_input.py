"""One wrong input, the same words on every door: HTTP, the SDK over gRPC, and the command line."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from hypercube.cli.commands import cli
from hypercube.client import AsyncClient, InvalidArgument
from hypercube.core.errors import HyperCubeError
from hypercube.core.reading import ReadingSection
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
    {"longitude": True},
    {"zone": 9},
    {"leap_month": "yes"},
    {"leap_month": 1},
    {"calendar": "moon"},
    {"include": "facts"},
    {"include": ["facs"]},
    {"include": ["facts", "career"]},
    {"include": ["facts", ["luck"]]},
    {"fold": 1.5},
    {"fold": True},
    {"sex": 1},
    {"sex": "F"},
)
UNCALLED: tuple[dict[str, Any], ...] = ({"plce": "Seoul"}, {"birth ": "1990-05-03"})
"""Fields that no method of the SDK has an argument for, but the row of a batch may hold."""


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
    asked = {"birth": BIRTH, **wrong}
    with pytest.raises(InvalidArgument) as caught:
        await sdk.chart(asked.pop("birth"), **asked)
    return caught.value.message, caught.value.param, caught.value.fix


async def batch_over_http(http: httpx.AsyncClient, wrong: Mapping[str, Any]) -> Told:
    """The second row of two is wrong: the body is refused, or the row has its own error."""
    rows = [{"birth": BIRTH}, {"birth": BIRTH, **wrong}]
    answer = await http.post("/v1/saju/charts:batch", json={"births": rows})
    error = answer.json()["error"] if answer.is_error else answer.json()["results"][1]["error"]
    return error["message"].removesuffix(f" {error['fix']}"), error["param"], error["fix"]


async def batch_by_sdk(sdk: AsyncClient, wrong: Mapping[str, Any]) -> Told:
    try:
        _, row = await sdk.charts([{"birth": BIRTH}, {"birth": BIRTH, **wrong}])
    except InvalidArgument as error:
        return error.message, error.param, error.fix
    assert row.error is not None
    return row.error.message, row.error.param, row.error.fix


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


@pytest.mark.parametrize("wrong", WRONG + UNTYPED + UNCALLED, ids=named)
async def test_a_row_of_a_batch_is_told_the_same(
    http: httpx.AsyncClient, sdk: AsyncClient, wrong: dict[str, Any]
) -> None:
    told = await batch_over_http(http, wrong)
    assert told[2], "a fix"
    assert str(told[1]).startswith("births[1].")
    assert await batch_by_sdk(sdk, wrong) == told


async def test_what_stands_for_a_list_is_told_what_a_list_may_hold(
    http: httpx.AsyncClient, sdk: AsyncClient
) -> None:
    told = await over_http(http, "/v1/saju/readings", {"sections": "wealth"})
    with pytest.raises(InvalidArgument) as caught:
        await sdk.reading(BIRTH, sections="wealth")
    assert (caught.value.message, caught.value.param, caught.value.fix) == told
    assert told[0] == "sections is 'wealth', but it should be an array."
    assert told[2] == f"Write an array of: {', '.join(ReadingSection)}."


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("terms", {"year": "next"}),
        ("terms", {"year": "1"}),
        ("lunar", {"date": "1990-05-03", "leap_month": "yes"}),
    ],
)
async def test_the_calendar_is_told_the_same(
    http: httpx.AsyncClient, sdk: AsyncClient, path: str, params: dict[str, Any]
) -> None:
    error = (await http.get(f"/v1/saju/{path}", params=params)).json()["error"]
    typed = {name: int(value) if value.isdigit() else value for name, value in params.items()}
    with pytest.raises(InvalidArgument) as caught:
        await getattr(sdk, path)(**typed)
    told = caught.value.message, caught.value.param, caught.value.fix
    assert told == (error["message"].removesuffix(f" {error['fix']}"), error["param"], error["fix"])


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
        ["chart", "--lunar", "1990-05-03", "07:20", "--json"],
        ["reading", "1990-05-03", "07:20", "--json"],
        ["compatibility", "1990-05-03", "07:20", "1993-09-17", "21:10", "--json"],
    ],
    ids=" ".join,
)
def test_a_date_and_the_time_behind_it_are_one_birth(line: list[str]) -> None:
    quoted = re.sub(r"(\d{4}-\d\d-\d\d)\t(\d\d:\d\d)", r"\1 \2", "\t".join(line)).split("\t")
    assert len(quoted) < len(line)
    said = [CliRunner().invoke(cli, each, catch_exceptions=False) for each in (line, quoted)]
    assert [each.exit_code for each in said] == [0, 0], said[0].output
    assert said[0].output == said[1].output
    assert "T07:20:00" in said[0].output


def test_the_date_of_an_option_takes_no_time() -> None:
    with pytest.raises(HyperCubeError, match=r"extra argument.*07:20"):
        CliRunner().invoke(
            cli, ["chart", "1990-05-03", "--as-of", "2026-01-01", "07:20"], catch_exceptions=False
        )


def test_of_an_option_given_again_the_value_at_fault_is_told() -> None:
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, ["chart", BIRTH, "--fold", "1", "--fold", "x"], catch_exceptions=False)
    assert caught.value.message == "fold is 'x', but it should be an integer."


def test_a_number_out_of_range_is_not_called_no_number() -> None:
    said = CliRunner().invoke(cli, ["models", "gc", "--keep=-1"], catch_exceptions=False)
    assert said.exit_code == 2
    assert "greater than or equal to 0" in said.output
    assert "an integer" not in said.output


@pytest.mark.parametrize("command", ["chart", "reading"])
def test_an_argument_too_many_is_answered_by_how_to_quote(command: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, [command, "1990-05-03", "07:20", "서울"], catch_exceptions=False)
    assert caught.value.param == "birth"
    assert "서울" in caught.value.message
    assert f'hypercube {command} "1990-05-03 07:20" --place 서울' in str(caught.value.fix)
