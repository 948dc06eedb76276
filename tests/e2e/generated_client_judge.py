"""Calls a server without our code: `python generated_client_judge.py PROTO FOLDER TARGET generated|sdk ROOT`.

Runs in an environment that has grpcio, protobuf and grpcio-tools alone. `generated` makes stubs of the .proto files
under PROTO into FOLDER and calls the services with them; `sdk` uses the SDK of the source tree at ROOT instead.
Prints what came as one JSON object.
"""

import json
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import google.protobuf
import grpc

UTC = (641_686_800, -1_000_000_000)
SIZES = [("grpc.max_receive_message_length", 100 << 20)]


def generate(proto: Path, folder: Path) -> None:
    """Stubs of every .proto file, as anybody would make them."""
    files = sorted(str(each.relative_to(proto)) for each in proto.rglob("*.proto"))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            "-I.",
            f"--python_out={folder}",
            f"--grpc_python_out={folder}",
            *files,
        ],
        check=True,
        cwd=proto,
    )
    sys.path.insert(0, str(folder))


def refusal(call: Any, request: Any) -> list[str]:
    """The status and the words of a call that is refused."""
    try:
        call(request, timeout=60)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    raise AssertionError("it was not refused")


def generated(target: str) -> dict[str, Any]:
    """Every service, by generated stubs."""
    from hypercube.v1 import (
        chat_pb2,
        chat_pb2_grpc,
        cubes_pb2,
        cubes_pb2_grpc,
        models_pb2,
        models_pb2_grpc,
        saju_pb2,
        saju_pb2_grpc,
    )
    from inference import service_pb2, service_pb2_grpc

    with grpc.insecure_channel(target, options=SIZES) as channel:
        saju = saju_pb2_grpc.SajuStub(channel)
        birth = saju_pb2.Birth(birth="1990-05-03T07:20", place="Seoul")
        chart = saju.Chart(birth, timeout=60)
        batch = saju.Charts(
            saju_pb2.ChartsRequest(births=[birth, saju_pb2.Birth(birth="1990-02-31")]), timeout=60
        )
        terms = saju.Terms(saju_pb2.TermsRequest(year=2026), timeout=60)
        lunar = saju.Lunar(saju_pb2.LunarRequest(date="1990-05-03"), timeout=60)
        chat = chat_pb2_grpc.ChatStub(channel)
        asked = chat_pb2.ChatRequest(
            model="fake", seed=5, messages=[chat_pb2.ChatMessage(role="user", content="hello")]
        )
        whole = chat.Complete(asked, timeout=60)
        pieces = list(chat.Stream(asked, timeout=60))
        cubes = cubes_pb2_grpc.CubesStub(channel)
        processed = cubes.Process(
            cubes_pb2.ProcessRequest(name="saju", request_json='{"births": [{"birth": "1990-05-03T07:20"}]}'),
            timeout=60,
        )
        models = models_pb2_grpc.ModelsStub(channel).List(models_pb2.ListModelsRequest(), timeout=60)
        triton = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        infer = service_pb2.ModelInferRequest(model_name="saju_pillars", id="7")
        infer.inputs.add(name="utc_seconds", datatype="INT64", shape=[2])
        infer.inputs.add(name="offset_seconds", datatype="INT32", shape=[1])
        infer.raw_input_contents.extend([struct.pack("<2q", *UTC), struct.pack("<i", 32_400)])
        inferred = triton.ModelInfer(infer, timeout=60)
        (answered,) = triton.ModelStreamInfer(iter([infer]), timeout=60)
        return {
            "pillars": [getattr(chart.pillars, each).index for each in ("year", "month", "day", "hour")],
            "same": batch.results[0].chart == chart,
            "row_error": batch.results[1].error.param,
            "terms": len(terms.terms),
            "lunar": lunar.SerializeToString() != b"",
            "text": whole.content,
            "streamed": "".join(each.text for each in pieces),
            "finish": [whole.finish_reason, pieces[-1].finish_reason],
            "usage": whole.usage == pieces[-1].usage and whole.usage.total_tokens > 0,
            "cubes": sorted(each.name for each in cubes.List(cubes_pb2.ListCubesRequest(), timeout=60).cubes),
            "cube": cubes.Get(cubes_pb2.GetCubeRequest(name="saju"), timeout=60).name,
            "processed": len(json.loads(processed.response_json)["results"]),
            "models": [each.name for each in models.models],
            "live": triton.ServerLive(service_pb2.ServerLiveRequest(), timeout=60).live,
            "ready": triton.ServerReady(service_pb2.ServerReadyRequest(), timeout=60).ready,
            "metadata": [
                each.name
                for each in triton.ModelMetadata(
                    service_pb2.ModelMetadataRequest(name="saju_pillars"), timeout=60
                ).inputs
            ],
            "inferred": [inferred.id, list(inferred.raw_output_contents[0])],
            "infer_streamed": answered.infer_response.raw_output_contents[0]
            == inferred.raw_output_contents[0],
            "refused": refusal(saju.Chart, saju_pb2.Birth(birth="nonsense")),
            "unknown": refusal(cubes.Get, cubes_pb2.GetCubeRequest(name="none")),
        }


def sdk(target: str) -> dict[str, Any]:
    """The same by the SDK."""
    import hypercube
    from hypercube.client import Client, InvalidArgument

    with Client(target) as client:
        chart = client.chart("1990-05-03T07:20", place="Seoul")
        try:
            client.chart("nonsense")
        except InvalidArgument as error:
            refused = str(error)
        else:
            raise AssertionError("it was not refused")
        text = client.chat("hello", model="fake", seed=5).content
        with client.chat("hello", model="fake", seed=5, stream=True) as stream:
            streamed = "".join(event.text for event in stream)
        return {
            "file": hypercube.__file__,
            "pillars": list(chart.pillars.indices()),
            "refused": refused,
            "text": text,
            "streamed": streamed,
        }


if __name__ == "__main__":
    warnings.simplefilter("error")
    proto, folder, target, mode, root = sys.argv[1:]
    if mode == "generated":
        generate(Path(proto), Path(folder))
        found = generated(target)
    else:
        sys.path.insert(0, root)
        found = sdk(target)
    print(json.dumps({**found, "protobuf": google.protobuf.__version__, "grpc": grpc.__version__}))
