"""The Open Inference Protocol v2 over HTTP: JSON and binary tensors, and every refusal in its own shape."""

import gzip
import json
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel
from hypercube.gateway.http import inference_examples
from hypercube.gateway.http.inference_protocol import HEADER_LENGTH
from hypercube.kernels.compatibility import top_k
from hypercube.kernels.features import features
from hypercube.kernels.pillars import pillars

UTC = np.random.default_rng(7).integers(-2_208_988_800, 2_556_144_000, 5_000)
KOREA = 32_400
CHARTS = pillars(UTC, KOREA, backend="reference")
PILLARS = "/v2/models/saju_pillars/infer"


def json_input(name: str, datatype: str, array: Any, shape: Any = None) -> dict[str, Any]:
    array = np.asarray(array)
    return {
        "name": name,
        "datatype": datatype,
        "shape": list(array.shape if shape is None else shape),
        "data": array.reshape(-1).tolist(),
    }


def births(rows: int = 3) -> list[dict[str, Any]]:
    return [
        json_input("utc_seconds", "INT64", UTC[:rows]),
        json_input("offset_seconds", "INT32", [KOREA]),
    ]


def binary(document: dict[str, Any], *parts: bytes) -> tuple[bytes, dict[str, str]]:
    """A body with bytes behind the JSON; the inputs say their sizes in order."""
    head = orjson.dumps(document)
    return head + b"".join(parts), {HEADER_LENGTH: str(len(head))}


def sized(name: str, datatype: str, array: np.ndarray[Any, Any]) -> tuple[dict[str, Any], bytes]:
    data = array.tobytes()
    tensor = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    return tensor | {"parameters": {"binary_data_size": len(data)}}, data


def outputs_of(answer: httpx.Response) -> dict[str, bytes]:
    split = int(answer.headers[HEADER_LENGTH])
    document, tail, found = orjson.loads(answer.content[:split]), answer.content[split:], {}
    for output in document["outputs"]:
        size = output["parameters"]["binary_data_size"]
        found[output["name"]], tail = tail[:size], tail[size:]
    assert not tail
    return found


async def test_json_in_json_out(http: httpx.AsyncClient) -> None:
    answer = await http.post(PILLARS, json={"id": "한글", "inputs": births()})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "model_name": "saju_pillars",
        "model_version": "1",
        "id": "한글",
        "outputs": [
            {
                "name": "pillars",
                "datatype": "UINT8",
                "shape": [3, 4],
                "data": CHARTS[:3].reshape(-1).tolist(),
            }
        ],
    }


async def test_the_answer_shown_is_the_answer_given(http: httpx.AsyncClient) -> None:
    asked = next(iter(inference_examples.INFER.values()))
    assert (await http.post(PILLARS, json=asked)).json() == inference_examples.INFER_ANSWER


@pytest.mark.parametrize("rows", [0, 1, 4_095, 4_096, 5_000])
async def test_binary_both_ways(http: httpx.AsyncClient, rows: int) -> None:
    utc, first = sized("utc_seconds", "INT64", UTC[:rows])
    offset, second = sized("offset_seconds", "INT32", np.full(rows, KOREA, np.int32))
    document = {
        "inputs": [utc, offset],
        "outputs": [{"name": "pillars", "parameters": {"binary_data": True}}],
    }
    body, headers = binary(document, first, second)
    answer = await http.post("/v2/models/saju_pillars/versions/1/infer", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert outputs_of(answer)["pillars"] == CHARTS[:rows].tobytes()


async def test_mixed_json_and_binary_inputs_and_a_compressed_body(http: httpx.AsyncClient) -> None:
    utc, first = sized("utc_seconds", "INT64", UTC[:7])
    document = {
        "inputs": [json_input("offset_seconds", "INT32", [KOREA]), utc],
        "parameters": {"binary_data_output": True},
    }
    body, headers = binary(document, first)
    answer = await http.post(
        PILLARS, content=gzip.compress(body), headers=headers | {"content-encoding": "gzip"}
    )
    assert outputs_of(answer)["pillars"] == CHARTS[:7].tobytes()


async def test_the_parameter_day_boundary_is_obeyed(http: httpx.AsyncClient) -> None:
    late = np.array([946_735_200])  # 2000-01-01 23:00 in Korea
    found = {}
    for boundary in ("midnight", "zi23", "same_day"):
        body = {
            "inputs": [
                json_input("utc_seconds", "INT64", late),
                json_input("offset_seconds", "INT32", [KOREA]),
            ],
            "parameters": {"day_boundary": boundary},
        }
        (output,) = (await http.post(PILLARS, json=body)).json()["outputs"]
        assert (
            output["data"]
            == pillars(late, KOREA, day_boundary=boundary, backend="reference").reshape(-1).tolist()
        )
        found[boundary] = tuple(output["data"])
    assert len(set(found.values())) == 3


async def test_features(http: httpx.AsyncClient) -> None:
    charts, data = sized("pillars", "UINT8", CHARTS)
    body, headers = binary({"inputs": [charts], "parameters": {"binary_data_output": True}}, data)
    answer = await http.post("/v2/models/saju_features/infer", content=body, headers=headers)
    assert outputs_of(answer)["features"] == features(CHARTS, backend="reference").tobytes()


@pytest.mark.parametrize("rows", [50, 5_000])
@pytest.mark.parametrize("how", ["parameter", "input", "default"])
async def test_compatibility(http: httpx.AsyncClient, rows: int, how: str) -> None:
    queries, first = sized("queries", "UINT8", CHARTS[:3])
    charts, second = sized("charts", "UINT8", CHARTS[:rows])
    document: dict[str, Any] = {
        "inputs": [queries, charts],
        "outputs": [{"name": "scores"}, {"name": "rows", "parameters": {"binary_data": True}}],
    }
    if how == "parameter":
        document["parameters"] = {"k": 5}
    if how == "input":
        document["inputs"].append(json_input("k", "INT32", [5]))
    best = top_k(CHARTS[:3], CHARTS[:rows], 10 if how == "default" else 5, backend="reference")
    body, headers = binary(document, first, second)
    answer = await http.post("/v2/models/saju_compatibility/infer", content=body, headers=headers)
    split = int(answer.headers[HEADER_LENGTH])
    scores, ranks = orjson.loads(answer.content[:split])["outputs"]
    assert (scores["name"], ranks["name"]) == ("scores", "rows"), "in the order asked"
    assert scores["data"] == best.scores.reshape(-1).tolist()
    assert answer.content[split:] == best.rows.tobytes()


async def test_a_language_model_answers_whole(http: httpx.AsyncClient) -> None:
    text = {"name": "text_input", "datatype": "BYTES", "shape": [1], "data": ["사주 를 보아라"]}
    answer = (await http.post("/v2/models/small/infer", json={"inputs": [text]})).json()
    (output,) = answer["outputs"]
    assert output["data"] == ["사주 를 보아라"]
    assert output["datatype"] == "BYTES"
    assert answer["parameters"] == {"finish_reason": "stop", "prompt_tokens": 3, "completion_tokens": 3}
    cut = await http.post(
        "/v2/models/small/infer", json={"inputs": [text], "parameters": {"max_tokens": 1, "temperature": 0.5}}
    )
    assert cut.json()["parameters"]["finish_reason"] == "length"


async def test_an_encoder_answers_vectors(http: httpx.AsyncClient, house: Any) -> None:
    status = EngineStatus(EngineState.READY, "scripted")
    encoder = ServedModel("small", "scripted", 64, "Apache-2.0", 1, status, (Capability.EMBED,))
    house.engine.models = lambda: (encoder,)
    texts = ["사주", "four pillars", ""]
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": texts[:2]}]}
    answer = (await http.post("/v2/models/small/infer", json=body)).json()
    vectors = (await http.post("/v1/embeddings", json={"input": texts[:2], "model": "small"})).json()
    (output,) = answer["outputs"]
    assert output["datatype"] == "FP32"
    assert output["shape"][0] == 2
    wanted = np.array([row["embedding"] for row in vectors["data"]], np.float32)
    assert np.array_equal(np.array(output["data"], np.float32).reshape(output["shape"]), wanted)


async def test_metadata_config_and_readiness(http: httpx.AsyncClient, house: Any) -> None:
    assert (await http.get("/v2")).json()["name"] == "hypercube"
    assert (await http.get("/v2/health/live")).json() == {"live": True}
    assert (await http.get("/v2/health/ready")).json() == {"ready": True}
    shown = (await http.get("/v2/models/saju_pillars/versions/1")).json()
    assert shown["inputs"][0] == {"name": "utc_seconds", "datatype": "INT64", "shape": [-1]}
    assert shown["outputs"] == [{"name": "pillars", "datatype": "UINT8", "shape": [-1, 4]}]
    config = (await http.get("/v2/models/small/config")).json()
    assert config["model_transaction_policy"] == {"decoupled": True}
    assert config["input"][0]["data_type"] == "TYPE_STRING"
    assert (await http.get("/v2/models/small/ready")).status_code == 200
    house.parts["charts"] = type(house.parts["charts"])(False, "warming")
    assert (await http.get("/v2/health/ready")).status_code == 400
    assert (await http.get("/v2/models/saju_pillars/ready")).status_code == 400


async def test_the_repository(http: httpx.AsyncClient, house: Any) -> None:
    index = (await http.post("/v2/repository/index")).json()
    names = [entry["name"] for entry in index]
    assert names == ["saju_pillars", "saju_features", "saju_compatibility", "small"]
    assert {entry["state"] for entry in index} == {"READY"}
    for name in names:
        for _ in range(2):
            assert (await http.post(f"/v2/repository/models/{name}/load", json={})).status_code == 200
        refused = await http.post(f"/v2/repository/models/{name}/unload")
        if name == "small":
            assert refused.status_code == 200
            (entry,) = [e for e in (await http.post("/v2/repository/index")).json() if e["name"] == name]
            assert entry["state"] == "UNAVAILABLE"
            assert house.engine.commands == ["load", "load", "unload 30"]
            assert (await http.get("/v2/models/small/ready")).status_code == 400
            continue
        assert refused.status_code == 409
        assert "cannot be unloaded" in refused.json()["error"]
    assert (await http.post("/v2/repository/models/none/load")).status_code == 404
    config = await http.post("/v2/repository/models/saju_pillars/load", json={"parameters": {"config": "{}"}})
    assert config.status_code == 400


async def test_statistics_count_what_happened(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        await http.post(PILLARS, json={"inputs": births()})
    await http.post(PILLARS, json={"inputs": births()[:1]})
    await http.post("/v2/models/none/infer", json={"inputs": []})
    (counters,) = (await http.get("/v2/models/saju_pillars/stats")).json()["model_stats"]
    assert counters["inference_count"] == 3
    assert counters["execution_count"] == 3
    stats = counters["inference_stats"]
    assert (stats["success"]["count"], stats["fail"]["count"]) == (3, 1)
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    assert 0 < sum(stats[part]["ns"] for part in parts) <= stats["success"]["ns"]
    assert counters["last_inference"] > 1_700_000_000_000
    every = (await http.get("/v2/models/stats")).json()["model_stats"]
    assert every[0]["name"] == "saju_pillars"
    assert len(every) == 4


PIECE = json_input("offset_seconds", "INT32", [KOREA])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "no object"),
        (b'{"inputs": {}}', "no list"),
        (b'{"input": []}', "Did you mean 'inputs'?"),
        (b'{"inputs": []}', "'utc_seconds' of saju_pillars is missing"),
        ({"inputs": [PIECE, PIECE]}, "comes twice"),
        ({"inputs": [json_input("utc_second", "INT64", [1])]}, "Did you mean 'utc_seconds'?"),
        ({"inputs": [json_input("utc_seconds", "INT32", [1]), PIECE]}, "Send INT64"),
        ({"inputs": [json_input("utc_seconds", "FLOAT", [1]), PIECE]}, "unknown datatype"),
        ({"inputs": [json_input("utc_seconds", "INT64", [1], [2]), PIECE]}, "holds 8 bytes"),
        ({"inputs": [json_input("utc_seconds", "INT64", [1], [1, 1]), PIECE]}, "Send [-1]"),
        ({"inputs": [json_input("utc_seconds", "INT64", [1], [-1]), PIECE]}, "sizes of 0 or more"),
        ({"inputs": [json_input("utc_seconds", "INT64", [1], [2**63]), PIECE]}, "sizes of 0 or more"),
        ({"inputs": [json_input("utc_seconds", "INT64", [1], [2**62] * 3), PIECE]}, "Send [-1]"),
        ({"inputs": [json_input("utc_seconds", "INT64", [1.5]), PIECE]}, "whole numbers"),
        ({"inputs": [json_input("utc_seconds", "INT64", [True]), PIECE]}, "whole numbers"),
        ({"inputs": [json_input("utc_seconds", "INT64", ["1"]), PIECE]}, "whole numbers"),
        ({"inputs": [PIECE | {"data": [2**40]}]}, "the datatype holds"),
        ({"inputs": [PIECE | {"data": [[1], 2]}]}, "ragged"),
        ({"inputs": [PIECE | {"data": {"a": 1}}]}, "as a list"),
        ({"inputs": [{"name": "x", "datatype": "INT32", "shape": [1]}]}, "no data"),
        ({"inputs": [PIECE | {"parameters": {"binary_data_size": 4}}]}, "data and binary_data_size"),
        ({"inputs": [PIECE | {"shape": [1.0]}]}, "inputs[0].shape"),
        ({"inputs": [PIECE | {"shape": "1"}]}, "inputs[0].shape"),
        ({"inputs": [PIECE | {"dtype": "1"}]}, "unknown field 'dtype'"),
        ({"inputs": births(), "parameters": {"day_bundary": "zi23"}}, "Did you mean 'day_boundary'?"),
        ({"inputs": births(), "parameters": {"day_boundary": "noon"}}, "Use one of: midnight"),
        ({"inputs": births(), "parameters": {"priority": -1}}, "whole number"),
        ({"inputs": births(), "parameters": {"timeout": [1]}}, "Send a text, a number"),
        ({"inputs": births(), "parameters": {"sequence_id": 7}}, "takes no parameter"),
        ({"inputs": births(), "outputs": [{"name": "pillar"}]}, "Did you mean 'pillars'?"),
        ({"inputs": births(), "outputs": [{"name": "pillars"}] * 2}, "twice"),
        (
            {
                "inputs": births(),
                "outputs": [{"name": "pillars", "parameters": {"classification": 3}}],
            },
            "No model here has classes",
        ),
        ({"inputs": births(), "id": 5}, "Send a text"),
        (
            {"inputs": [json_input("utc_seconds", "INT64", [2**60]), PIECE]},
            "utc_seconds[0] is 1152921504606846976",
        ),
        (
            {"inputs": [births(3)[0], json_input("offset_seconds", "INT32", [1, 2])]},
            "one offset a birth",
        ),
        (
            {"inputs": births(), "parameters": {"timeout": 1, "priority": 9}},
            None,
        ),
    ],
)
async def test_what_is_wrong_is_said(http: httpx.AsyncClient, body: Any, said: str | None) -> None:
    answer = await http.post(PILLARS, content=body if isinstance(body, bytes) else json.dumps(body))
    if said is None:
        assert answer.status_code in (200, 504)
        return
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("length", "said"),
    [
        ("99999", "begins with"),
        ("-1", "begins with"),
        ("x", "begins with"),
        ("10", "not JSON"),
        ("", "begins"),
    ],
)
async def test_a_wrong_header_length(http: httpx.AsyncClient, length: str, said: str) -> None:
    body = json.dumps({"inputs": births()})
    answer = await http.post(PILLARS, content=body, headers={HEADER_LENGTH: length})
    assert answer.status_code == 400
    assert said in answer.json()["error"]


async def test_bytes_that_nobody_takes_or_that_are_not_there(http: httpx.AsyncClient) -> None:
    body, headers = binary({"inputs": births()}, b"left over")
    answer = await http.post(PILLARS, content=body, headers=headers)
    assert "9 bytes follow" in answer.json()["error"]
    utc, first = sized("utc_seconds", "INT64", UTC[:7])
    body, headers = binary({"inputs": [utc, PIECE]}, first[:-1])
    answer = await http.post(PILLARS, content=body, headers=headers)
    assert "55 bytes are left" in answer.json()["error"]


async def test_compressed_bodies_are_bounded(http: httpx.AsyncClient, house: Any) -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    answer = await http.post(PILLARS, content=bomb, headers={"content-encoding": "gzip"})
    assert answer.status_code == 413
    for content, encoding in ((b"no", "gzip"), (bomb[:-9], "br"), (gzip.compress(b"{}")[:-9], "deflate")):
        answer = await http.post(PILLARS, content=content, headers={"content-encoding": encoding})
        assert answer.status_code == 400, encoding


async def test_a_wrong_value_is_named_by_the_models_own_input(http: httpx.AsyncClient) -> None:
    wrong = json_input("pillars", "UINT8", [[1, 2, 3, 4], [1, 77, 3, 4]])
    answer = await http.post("/v2/models/saju_features/infer", json={"inputs": [wrong]})
    assert "pillars[1][1] is 77" in answer.json()["error"]


async def test_errors_beside_the_handlers_have_the_same_shape(http: httpx.AsyncClient, house: Any) -> None:
    assert isinstance((await http.get("/v2/modells/x")).json()["error"], str)
    wrong_method = await http.get(PILLARS)
    assert wrong_method.status_code == 405
    assert isinstance(wrong_method.json()["error"], str)
    unknown = await http.post("/v2/models/saju_pilars/infer", json={"inputs": []})
    assert unknown.status_code == 404
    assert "Did you mean 'saju_pillars'?" in unknown.json()["error"]
    version = await http.get("/v2/models/saju_pillars/versions/2")
    assert version.status_code == 404
    house.services.traffic.drain()
    drained = await http.post(PILLARS, json={"inputs": births()})
    assert drained.status_code == 503
    assert isinstance(drained.json()["error"], str)
    assert drained.headers["retry-after"]
    assert (await http.get("/v2/health/live")).status_code == 200
    assert (await http.get("/v2/health/ready")).status_code == 400


async def test_too_much_for_json_is_refused(http: httpx.AsyncClient) -> None:
    rows = (1 << 22) // 64 + 1
    charts, data = sized("pillars", "UINT8", np.zeros((rows, 4), np.uint8))
    body, headers = binary({"inputs": [charts]}, data)
    answer = await http.post("/v2/models/saju_features/infer", content=body, headers=headers)
    assert answer.status_code == 400
    assert "binary form" in answer.json()["error"]


@pytest.mark.parametrize(
    ("queries", "charts", "k", "said"),
    [(70_000, 70_000, 1, "pairs of charts"), (3_000, 4_000, 4_000, "results"), (1, 1, 0, "from 1")],
)
async def test_work_is_bounded(http: httpx.AsyncClient, queries: int, charts: int, k: int, said: str) -> None:
    first, one = sized("queries", "UINT8", np.zeros((queries, 4), np.uint8))
    second, two = sized("charts", "UINT8", np.zeros((charts, 4), np.uint8))
    body, headers = binary({"inputs": [first, second], "parameters": {"k": k}}, one, two)
    answer = await http.post("/v2/models/saju_compatibility/infer", content=body, headers=headers)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
