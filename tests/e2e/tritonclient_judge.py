"""Run by test_tritonclient.py in the python of .venv-tritonclient: the official client against a running server.

    python tritonclient_judge.py HTTP_TARGET GRPC_TARGET CASE

Speaks the protocol as its users do; the last line it prints is JSON with the first charts it was given.
"""

import json
import queue
import sys
import uuid

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException, shared_memory

ROWS = 200_000
KOREA = 32_400


def births(rows):
    return np.random.default_rng(5).integers(-2_208_988_800, 2_556_144_000, rows)


def inputs(module, utc, binary=True):
    made = [
        module.InferInput("utc_seconds", utc.shape, "INT64"),
        module.InferInput("offset_seconds", [1], "INT32"),
    ]
    options = {"binary_data": binary} if module is httpclient else {}
    made[0].set_data_from_numpy(utc, **options)
    made[1].set_data_from_numpy(np.array([KOREA], np.int32), **options)
    return made


def metadata(clients):
    """Everything there is to ask but inference, by both transports."""
    http, grpc = clients
    for client in clients:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("saju_pillars")
        assert client.is_model_ready("saju_pillars", "1")
        client.load_model("saju_features")
        refused(lambda client=client: client.unload_model("saju_features"), "cannot be unloaded")
        refused(
            lambda client=client: client.get_model_metadata("saju_pilars"), "Did you mean 'saju_pillars'?"
        )
    assert http.get_server_metadata()["name"] == grpc.get_server_metadata().name == "hypercube"
    shown, same = (
        http.get_model_metadata("saju_pillars"),
        grpc.get_model_metadata("saju_pillars", as_json=True),
    )
    assert shown["outputs"] == [{"name": "pillars", "datatype": "UINT8", "shape": [-1, 4]}]
    assert [each["name"] for each in same["inputs"]] == [each["name"] for each in shown["inputs"]]
    config = grpc.get_model_config("saju_pillars", as_json=True)["config"]
    assert config["input"][0]["data_type"] == http.get_model_config("saju_pillars")["input"][0]["data_type"]
    names = [entry["name"] for entry in http.get_model_repository_index()]
    assert names == [entry.name for entry in grpc.get_model_repository_index().models]
    assert {"saju_pillars", "saju_features", "saju_compatibility", "fake"} <= set(names), names
    refused(lambda: http.is_model_ready("none") or fail("no such model"), "no such model")


def infer_http(clients):
    """JSON and binary tensors, compression, ids, and statistics."""
    http, _ = clients
    utc = births(ROWS)
    before = http.get_inference_statistics("saju_pillars")["model_stats"][0]["inference_count"]
    answer = http.infer("saju_pillars", inputs(httpclient, utc), request_id="한글-1")
    assert answer.get_response()["id"] == "한글-1"
    charts = answer.as_numpy("pillars")
    assert charts.shape == (ROWS, 4)
    assert charts.dtype == np.uint8
    few = utc[:2_000]
    for wanted in (
        http.infer("saju_pillars", inputs(httpclient, few, binary=False)),
        http.infer("saju_pillars", inputs(httpclient, few), request_compression_algorithm="gzip"),
        http.infer("saju_pillars", inputs(httpclient, few), request_compression_algorithm="deflate"),
        http.infer(
            "saju_pillars", inputs(httpclient, few), model_version="1", priority=1, timeout=10_000_000
        ),
        http.infer(
            "saju_pillars",
            inputs(httpclient, few),
            outputs=[httpclient.InferRequestedOutput("pillars", binary_data=False)],
        ),
        http.async_infer("saju_pillars", inputs(httpclient, few)).get_result(),
    ):
        assert np.array_equal(wanted.as_numpy("pillars"), charts[:2_000])
    after = http.get_inference_statistics("saju_pillars")["model_stats"][0]["inference_count"]
    assert after - before == 7, (before, after)
    refused(
        lambda: http.infer("saju_pillars", inputs(httpclient, few), parameters={"day_boundary": "noon"}),
        "midnight",
    )
    text = httpclient.InferInput("text_input", [1], "BYTES")
    text.set_data_from_numpy(np.array(["안녕하세요".encode()], dtype=np.object_))
    assert http.infer("fake", [text], parameters={"max_tokens": 4}).as_numpy("text_output")[0].decode()
    return charts


def infer_grpc(clients):
    """Raw tensors, every kernel, and what HTTP says of the same births."""
    http, grpc = clients
    utc = births(ROWS)
    charts = grpc.infer("saju_pillars", inputs(grpcclient, utc)).as_numpy("pillars")
    assert np.array_equal(charts, http.infer("saju_pillars", inputs(httpclient, utc)).as_numpy("pillars"))
    pillars = grpcclient.InferInput("pillars", charts.shape, "UINT8")
    pillars.set_data_from_numpy(charts)
    rows = grpc.infer("saju_features", [pillars], compression_algorithm="gzip").as_numpy("features")
    assert rows.shape == (ROWS, 64)
    queries = grpcclient.InferInput("queries", [3, 4], "UINT8")
    queries.set_data_from_numpy(charts[:3])
    candidates = grpcclient.InferInput("charts", charts.shape, "UINT8")
    candidates.set_data_from_numpy(charts)
    best = grpc.infer("saju_compatibility", [queries, candidates], parameters={"k": 5})
    assert best.as_numpy("rows").shape == (3, 5)
    scores = best.as_numpy("scores")
    assert (np.diff(scores.astype(int), axis=1) <= 0).all()
    heard = queue.Queue()
    grpc.async_infer(
        "saju_pillars", inputs(grpcclient, utc[:9]), lambda result, error: heard.put((result, error))
    )
    result, error = heard.get(timeout=30)
    assert error is None
    assert np.array_equal(result.as_numpy("pillars"), charts[:9])
    count = grpc.get_inference_statistics("saju_pillars").model_stats[0].inference_stats.success.count
    assert count >= 2
    refused(lambda: grpc.infer("saju_pillars", inputs(grpcclient, utc[:9])[:1]), "offset_seconds")
    return charts


def stream(clients):
    """Decoupled answers: a text piece by piece, then a kernel, then a failure, all on one stream."""
    _, grpc = clients
    heard = queue.Queue()
    grpc.start_stream(lambda result, error: heard.put((result, error)))
    text = grpcclient.InferInput("text_input", [1], "BYTES")
    text.set_data_from_numpy(np.array(["사주가 무엇인가요?".encode()], dtype=np.object_))
    grpc.async_stream_infer("fake", [text], enable_empty_final_response=True, parameters={"max_tokens": 12})
    pieces = []
    while True:
        result, error = heard.get(timeout=30)
        assert error is None, error
        pieces.append(result.as_numpy("text_output")[0].decode())
        if result.get_response().parameters["triton_final_response"].bool_param:
            break
    assert len(pieces) > 2, pieces
    utc = births(77)
    grpc.async_stream_infer("saju_pillars", inputs(grpcclient, utc), request_id="after")
    result, error = heard.get(timeout=30)
    assert error is None
    assert result.get_response().id == "after"
    grpc.async_stream_infer("saju_pilars", inputs(grpcclient, utc))
    result, error = heard.get(timeout=30)
    assert result is None
    assert "Did you mean" in str(error)
    grpc.async_stream_infer("saju_pillars", inputs(grpcclient, utc))
    assert heard.get(timeout=30)[0] is not None
    grpc.stop_stream()


def shared(clients):
    """System shared memory in and out, registered by one transport and used by both; CUDA memory refused."""
    http, grpc = clients
    utc = births(ROWS)
    offset = np.full(ROWS, KOREA, np.int32)
    key = f"/hypercube-judge-{uuid.uuid4().hex}"
    births_bytes, charts_bytes = utc.nbytes + offset.nbytes, ROWS * 4
    memory = shared_memory.create_shared_memory_region("judge", key, births_bytes + charts_bytes)
    try:
        shared_memory.set_shared_memory_region(memory, [utc, offset])
        http.register_system_shared_memory("births", key, births_bytes)
        grpc.register_system_shared_memory("charts", key, charts_bytes, offset=births_bytes)
        assert set(grpc.get_system_shared_memory_status().regions) == {"births", "charts"}
        assert len(http.get_system_shared_memory_status()) == 2
        wanted = grpc.infer("saju_pillars", inputs(grpcclient, utc)).as_numpy("pillars")
        for client, module in ((http, httpclient), (grpc, grpcclient)):
            shared_memory.set_shared_memory_region(
                memory, [np.zeros((ROWS, 4), np.uint8)], offset=births_bytes
            )
            given = [
                module.InferInput("utc_seconds", [ROWS], "INT64"),
                module.InferInput("offset_seconds", [ROWS], "INT32"),
            ]
            given[0].set_shared_memory("births", utc.nbytes)
            given[1].set_shared_memory("births", offset.nbytes, offset=utc.nbytes)
            output = module.InferRequestedOutput("pillars")
            output.set_shared_memory("charts", charts_bytes)
            client.infer("saju_pillars", given, outputs=[output])
            found = shared_memory.get_contents_as_numpy(memory, np.uint8, (ROWS, 4), offset=births_bytes)
            assert np.array_equal(found, wanted)
            output.set_shared_memory("charts", charts_bytes, offset=1)
            refused(lambda: client.infer("saju_pillars", given, outputs=[output]), "not inside the region")  # noqa: B023
        http.unregister_system_shared_memory("charts")
        grpc.unregister_system_shared_memory()
        assert http.get_system_shared_memory_status() == []
        refused(lambda: grpc.register_cuda_shared_memory("gpu", b"aGFuZGxl", 0, 64), "CUDA")
        refused(lambda: http.register_cuda_shared_memory("gpu", b"aGFuZGxl", 0, 64), "CUDA")
        del found
    finally:
        shared_memory.destroy_shared_memory_region(memory)


def versions(clients):
    """A model of the registry by version, by alias and by neither; `tiny` has 1.0.0 (production) and 1.1.0 (canary)."""
    http, grpc = clients
    for client in clients:
        assert client.is_model_ready("tiny")
        assert client.is_model_ready("tiny", "1.0.0")
        assert client.is_model_ready("tiny@production")
        for call in (client.get_model_metadata, client.get_model_config, client.get_inference_statistics):
            refused(lambda call=call: call("tiny", "9.9.9"), "Known: 1.1.0, 1.0.0.")
            refused(lambda call=call: call("tiny@canery"), "Did you mean 'canary'?")
    for name, version, found in (
        ("tiny", "", ["1.1.0", "1.0.0"]),
        ("tiny", "1.1.0", ["1.1.0"]),
        ("tiny@canary", "", ["1.1.0"]),
    ):
        assert http.get_model_metadata(name, version)["versions"] == found
        assert list(grpc.get_model_metadata(name, version).versions) == found
    for name, version, answered in (
        ("tiny", "", "1.0.0"),
        ("tiny", "1.1.0", "1.1.0"),
        ("tiny@canary", "", "1.1.0"),
        ("tiny@canary", "1.1.0", "1.1.0"),
    ):
        for client, module in ((http, httpclient), (grpc, grpcclient)):
            text = module.InferInput("text_input", [1], "BYTES")
            text.set_data_from_numpy(np.array(["안녕하세요".encode()], dtype=np.object_))
            answer = client.infer(name, [text], model_version=version, parameters={"max_tokens": 4})
            assert answer.as_numpy("text_output")[0].decode()
            said = answer.get_response()
            told = said["model_version"] if module is httpclient else said.model_version
            assert told == answered, (name, version, told)
            refused(lambda: client.infer("tiny", [text], model_version="9.9.9"), "Known: 1.1.0, 1.0.0.")  # noqa: B023
    index = {each["version"] for each in http.get_model_repository_index() if each["name"] == "tiny"}
    assert index == {each.version for each in grpc.get_model_repository_index().models if each.name == "tiny"}
    assert index == {"1.0.0", "1.1.0"}
    assert grpc.is_model_ready("tiny", "1.1.0")


def refused(call, words):
    """The call raises the client's own exception, with these words in it."""
    said = None
    try:
        call()
    except InferenceServerException as error:
        said = str(error)
    assert said is not None, f"nothing was refused; expected {words!r}"
    assert words in said, said


def fail(words):
    raise InferenceServerException(words)


CASES = {each.__name__: each for each in (metadata, infer_http, infer_grpc, stream, shared, versions)}


def main():
    http_target, grpc_target, case = sys.argv[1:]
    with (
        httpclient.InferenceServerClient(http_target, concurrency=2) as http,
        grpcclient.InferenceServerClient(grpc_target) as grpc,
    ):
        found = CASES[case]((http, grpc))
    sample = [] if found is None else found[:1_000].tolist()
    print(json.dumps({"case": case, "charts": sample}))


if __name__ == "__main__":
    main()
