"""Shared memory of same-host clients: zero copy in and out, and nothing that is not theirs."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.shared_memory import Region, RegionSlice, SharedRegions
from hypercube.kernels.pillars import pillars

ROWS = 5_000
UTC = np.random.default_rng(11).integers(-2_208_988_800, 2_556_144_000, ROWS)
OFFSET = np.full(ROWS, 32_400, np.int32)
CHARTS = pillars(UTC, OFFSET, backend="reference")
IN_BYTES, OUT_BYTES = ROWS * 12, ROWS * 4

pytestmark = pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no POSIX shared memory here")


@pytest.fixture
def shared() -> Iterator[SharedMemory]:
    """A shared-memory object of this test."""
    memory = SharedMemory(
        f"hypercube-test-{secrets.token_hex(8)}", create=True, size=IN_BYTES + OUT_BYTES + 8_192
    )
    try:
        yield memory
    finally:
        memory.close()
        memory.unlink()


@pytest.fixture
async def registered(http: httpx.AsyncClient, shared: SharedMemory) -> AsyncIterator[SharedMemory]:
    """The object with births in it, registered as `births` and `charts`; the second begins inside a page."""
    shared.buf[:IN_BYTES] = UTC.tobytes() + OFFSET.tobytes()
    for name, body in (
        ("births", {"key": f"/{shared.name}", "byte_size": IN_BYTES}),
        ("charts", {"key": shared.name, "offset": IN_BYTES + 4, "byte_size": OUT_BYTES + 64}),
    ):
        answer = await http.post(f"/v2/systemsharedmemory/region/{name}/register", json=body)
        assert answer.status_code == 200, answer.text
    yield shared
    await http.post("/v2/systemsharedmemory/unregister")


def place(region: str, size: int, offset: int = 0) -> dict[str, Any]:
    return {
        "shared_memory_region": region,
        "shared_memory_byte_size": size,
        "shared_memory_offset": offset,
    }


def asked(rows: int = ROWS, out: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "inputs": [
            {
                "name": "utc_seconds",
                "datatype": "INT64",
                "shape": [rows],
                "parameters": place("births", rows * 8),
            },
            {
                "name": "offset_seconds",
                "datatype": "INT32",
                "shape": [rows],
                "parameters": place("births", rows * 4, ROWS * 8),
            },
        ],
        "outputs": [
            {"name": "pillars", "parameters": out if out is not None else place("charts", rows * 4, 8)}
        ],
    }


async def infer(http: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await http.post("/v2/models/saju_pillars/infer", json=body)


@pytest.mark.parametrize("rows", [1, 100, ROWS])
async def test_in_and_out_without_a_copy(
    http: httpx.AsyncClient, registered: SharedMemory, rows: int
) -> None:
    before = bytes(registered.buf)
    answer = await infer(http, asked(rows))
    assert answer.status_code == 200, answer.text
    (output,) = answer.json()["outputs"]
    assert output == {
        "name": "pillars",
        "datatype": "UINT8",
        "shape": [rows, 4],
        "parameters": place("charts", rows * 4, 8),
    }
    begin = IN_BYTES + 4 + 8
    assert bytes(registered.buf[begin : begin + rows * 4]) == CHARTS[:rows].tobytes()
    assert bytes(registered.buf[:begin]) == before[:begin]
    assert bytes(registered.buf[begin + rows * 4 :]) == before[begin + rows * 4 :], "nothing else was touched"


async def test_two_outputs_into_one_region(http: httpx.AsyncClient, registered: SharedMemory) -> None:
    query = {"datatype": "UINT8", "shape": [1, 4], "data": CHARTS[0].tolist()}
    body = {
        "inputs": [
            query | {"name": "queries"},
            query | {"name": "charts", "shape": [20, 4], "data": CHARTS[:20].reshape(-1).tolist()},
        ],
        "parameters": {"k": 3},
        "outputs": [
            {"name": "rows", "parameters": place("charts", 24)},
            {"name": "scores", "parameters": place("charts", 100, 30)},
        ],
    }
    answer = await http.post("/v2/models/saju_compatibility/infer", json=body)
    used = [output["parameters"]["shared_memory_byte_size"] for output in answer.json()["outputs"]]
    assert used == [24, 6], "what was used, not what was offered"
    plain = await http.post(
        "/v2/models/saju_compatibility/infer", json={key: body[key] for key in ("inputs", "parameters")}
    )
    wanted = {output["name"]: output["data"] for output in plain.json()["outputs"]}
    begin = IN_BYTES + 4
    assert np.frombuffer(registered.buf[begin : begin + 24], np.int64).tolist() == wanted["rows"]
    scores = bytes(registered.buf[begin + 30 : begin + 36])
    assert np.frombuffer(scores, np.int16).tolist() == wanted["scores"]


async def test_a_text_goes_to_shared_memory_too(http: httpx.AsyncClient, registered: SharedMemory) -> None:
    body = {
        "inputs": [{"name": "text_input", "datatype": "BYTES", "shape": [1], "data": ["사주 풀이"]}],
        "outputs": [{"name": "text_output", "parameters": place("charts", 64)}],
    }
    answer = await http.post("/v2/models/small/infer", json=body)
    size = answer.json()["outputs"][0]["parameters"]["shared_memory_byte_size"]
    begin = IN_BYTES + 4
    assert bytes(registered.buf[begin + 4 : begin + size]).decode() == "사주 풀이"
    body["outputs"] = [{"name": "text_output", "parameters": place("charts", 3)}]
    answer = await http.post("/v2/models/small/infer", json=body)
    assert answer.status_code == 400
    assert "has 3 bytes" in answer.json()["error"]


async def test_regions_are_listed_and_forgotten(http: httpx.AsyncClient, registered: SharedMemory) -> None:
    listed = (await http.get("/v2/systemsharedmemory/status")).json()
    assert [region["name"] for region in listed] == ["births", "charts"]
    (one,) = (await http.get("/v2/systemsharedmemory/region/charts/status")).json()
    assert (one["offset"], one["byte_size"]) == (IN_BYTES + 4, OUT_BYTES + 64)
    again = await http.post(
        "/v2/systemsharedmemory/region/charts/register", json={"key": registered.name, "byte_size": 4}
    )
    assert again.status_code == 409
    for _ in range(2):
        assert (await http.post("/v2/systemsharedmemory/region/charts/unregister")).status_code == 200
    answer = await infer(http, asked())
    assert answer.status_code == 404
    assert "'charts' is registered" in answer.json()["error"]
    assert (await http.get("/v2/systemsharedmemory/region/charts/status")).status_code == 404


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (place("charts", OUT_BYTES - 1), "has 19,999 bytes"),
        (place("charts", OUT_BYTES + 65), "not inside the region"),
        (place("charts", OUT_BYTES, 65), "not inside the region"),
        (place("charts", OUT_BYTES, -1), "not inside the region"),
        (place("charts", -5, 10), "not inside the region"),
        (place("charts", 2**63, 2**63), "not inside the region"),
        (place("births", OUT_BYTES), "shares memory with an input"),
        (place("births", 32_768, 8), "shares memory with an input"),
        ({"shared_memory_region": "charts"}, "without its place"),
        ({"shared_memory_region": 7, "shared_memory_byte_size": 3}, "without its place"),
    ],
)
async def test_a_wrong_place_is_refused(
    http: httpx.AsyncClient, registered: SharedMemory, out: dict[str, Any], said: str
) -> None:
    before = bytes(registered.buf)
    answer = await infer(http, asked(out=out))
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]
    assert bytes(registered.buf) == before


async def test_an_input_must_fill_its_place_exactly(
    http: httpx.AsyncClient, registered: SharedMemory
) -> None:
    body = asked()
    body["inputs"][0]["parameters"] = place("births", ROWS * 8 - 8)
    answer = await infer(http, body)
    assert answer.status_code == 400
    assert "holds 39,992 bytes" in answer.json()["error"]


async def test_an_object_that_shrank_is_not_touched(
    http: httpx.AsyncClient, registered: SharedMemory
) -> None:
    os.truncate(f"/dev/shm/{registered.name}", 4_096)
    answer = await infer(http, asked())
    assert answer.status_code == 409
    assert "smaller" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"key": "", "byte_size": 1}, 400),
        ({"key": "/", "byte_size": 1}, 400),
        ({"key": "/..", "byte_size": 1}, 400),
        ({"key": "../etc/passwd", "byte_size": 1}, 400),
        ({"key": "/a/b", "byte_size": 1}, 400),
        ({"key": "sem.lock", "byte_size": 1}, 400),
        ({"key": "a\0b", "byte_size": 1}, 400),
        ({"key": "x" * 300, "byte_size": 1}, 409),
        ({"key": "/no-such-object-here", "byte_size": 1}, 404),
        ({"key": 7, "byte_size": 1}, 400),
        ({"key": "KEY", "byte_size": 0}, 400),
        ({"key": "KEY", "byte_size": -1}, 400),
        ({"key": "KEY", "byte_size": 1.5}, 400),
        ({"key": "KEY", "byte_size": 2**64 - 1}, 400),
        ({"key": "KEY", "byte_size": 10**9}, 400),
        ({"key": "KEY", "byte_size": 32 << 30}, 429),
        ({"key": "KEY", "byte_size": 1, "offset": -1}, 400),
        ({"key": "KEY", "byte_size": 1, "offset": 2**40}, 400),
        ({"key": "KEY"}, 400),
        ({"key": "KEY", "byte_size": 1, "size": 3}, 400),
        ([], 400),
    ],
)
async def test_what_cannot_be_registered(
    http: httpx.AsyncClient, shared: SharedMemory, body: Any, status: int
) -> None:
    if isinstance(body, dict) and body.get("key") == "KEY":
        body = body | {"key": shared.name}
    answer = await http.post("/v2/systemsharedmemory/region/r/register", json=body)
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["error"], str)
    assert (await http.get("/v2/systemsharedmemory/status")).json() == []


async def test_what_is_no_object_of_this_user_is_refused(tmp_path: Path) -> None:
    regions = SharedRegions(folder=tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(bytes(64))
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    for key in ("folder", "link", "fifo", "socket"):
        with pytest.raises(HyperCubeError) as refused:
            await regions.register(Region("r", key, 0, 1))
        assert refused.value.kind is ErrorKind.FAILED_PRECONDITION, key
    if os.geteuid() == 0:
        os.chown(tmp_path / "file", 12345, -1)
        with pytest.raises(HyperCubeError, match="not an object of the user"):
            await regions.register(Region("r", "file", 0, 64))
        os.chown(tmp_path / "file", 0, -1)
    await regions.register(Region("r", "file", 0, 64))
    assert len(regions.view(RegionSlice("r", 8, 56))) == 56


async def test_a_server_open_to_other_machines_maps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(64))
    with pytest.raises(HyperCubeError, match="other machines"):
        await SharedRegions(allowed=False, folder=tmp_path).register(Region("r", "file", 0, 64))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_memory_and_descriptors_are_given_back(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(64))
    regions = SharedRegions(folder=tmp_path)
    before = open_files()
    for _ in range(300):
        await regions.register(Region("r", "file", 0, 64))
        in_use = regions.view(RegionSlice("r", 0, 64))
        regions.unregister("r")
        in_use[0] = 1  # a request under way keeps its memory
    del in_use
    assert open_files() < before + 20


async def test_a_sparse_object_is_filled_when_it_is_registered(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 1 << 20)
    await SharedRegions(folder=tmp_path).register(Region("r", "sparse", 0, 1 << 20))
    assert path.stat().st_blocks * 512 >= 1 << 20
