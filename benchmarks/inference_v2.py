"""Charts a second by the Open Inference Protocol, from the client's memory to the client's memory.

    python -m benchmarks.inference_v2 --output benchmarks/results/inference-v2-cpu.jsonl

A server in a process of its own; this process is the client. Each round asks once for the pillars of the same
births by each way: binary HTTP, raw gRPC (by protobuf, and with the message made before), shared memory named over
gRPC and over HTTP, and, as the roof, the kernel called here without any server. The answers are compared with the
kernel's before anything is measured.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
import orjson

from benchmarks.rounds import FIRST_UTC_S, LAST_UTC_S, append, environment, interleaved, quantiles
from hypercube.kernels.pillars import pillars, warm_up
from hypercube.wire.inference import service_pb2 as pb
from hypercube.wire.inference import service_pb2_grpc

ROUNDS: Final = 9
KOREA: Final = 32_400
HTTP_ROWS: Final = 1_200_000
"""Births that fit the 16 MiB of a request body."""
GRPC_ROWS: Final = 1_000_000
"""Messages of 8 MB; larger ones go through gRPC more slowly."""
SHARED_ROWS: Final = 20_000_000
_BANNER: Final = re.compile(r"HTTP\s+http://127\.0\.0\.1:(\d+).*?gRPC\s+127\.0\.0\.1:(\d+)", re.DOTALL)


@contextlib.contextmanager
def served() -> Iterator[tuple[int, int]]:
    """A server of charts; its HTTP and gRPC ports."""
    command = [
        sys.executable,
        "-m",
        "hypercube",
        "serve",
        "--http-port",
        "0",
        "--grpc-port",
        "0",
        "--model",
        "none",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        said = ""
        assert process.stderr is not None
        while (found := _BANNER.search(said)) is None:
            line = process.stderr.readline()
            if not line:
                raise SystemExit(f"the server ended:\n{said}")
            said += line
        yield int(found[1]), int(found[2])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def births(rows: int) -> tuple[Any, Any]:
    """int64[rows] instants and int32[1] offset."""
    rng = np.random.default_rng(1)
    return rng.integers(FIRST_UTC_S, LAST_UTC_S, rows), np.array([KOREA], np.int32)


def by_http(port: int, rows: int) -> Callable[[], Any]:
    """Binary tensors in the body, both ways."""
    utc, offset = births(rows)
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask() -> Any:
        head = orjson.dumps(
            {
                "inputs": [
                    tensor("utc_seconds", "INT64", utc.shape, {"binary_data_size": utc.nbytes}),
                    tensor("offset_seconds", "INT32", offset.shape, {"binary_data_size": offset.nbytes}),
                ],
                "parameters": {"binary_data_output": True},
            }
        )
        body = b"".join((head, utc.data.cast("B"), offset.data.cast("B")))
        headers = {"Inference-Header-Content-Length": str(len(head))}
        connection.request("POST", "/v2/models/saju_pillars/infer", body, headers)
        answer = connection.getresponse()
        whole = answer.read()
        assert answer.status == 200, whole[:300]
        begin = int(answer.headers["Inference-Header-Content-Length"])
        return np.frombuffer(whole, np.uint8, offset=begin).reshape(-1, 4)

    return ask


def by_grpc(stub: Any, rows: int) -> Callable[[], Any]:
    """Raw contents, both ways, by a client that protobuf generated."""
    utc, offset = births(rows)
    inputs = [
        pb.ModelInferRequest.InferInputTensor(name="utc_seconds", datatype="INT64", shape=utc.shape),
        pb.ModelInferRequest.InferInputTensor(name="offset_seconds", datatype="INT32", shape=offset.shape),
    ]

    def ask() -> Any:
        raw = [utc.tobytes(), offset.tobytes()]
        request = pb.ModelInferRequest(model_name="saju_pillars", inputs=inputs, raw_input_contents=raw)
        answer = stub.ModelInfer(request)
        return np.frombuffer(answer.raw_output_contents[0], np.uint8).reshape(-1, 4)

    return ask


def by_packed_grpc(channel: grpc.Channel, rows: int) -> Callable[[], Any]:
    """The same message made once and sent as it is: what the server and gRPC do, without the client's protobuf."""
    utc, offset = births(rows)
    inputs = [
        pb.ModelInferRequest.InferInputTensor(name="utc_seconds", datatype="INT64", shape=utc.shape),
        pb.ModelInferRequest.InferInputTensor(name="offset_seconds", datatype="INT32", shape=offset.shape),
    ]
    raw = [utc.tobytes(), offset.tobytes()]
    message = pb.ModelInferRequest(model_name="saju_pillars", inputs=inputs, raw_input_contents=raw)
    packed = message.SerializeToString()
    call: Any = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", None, None)
    # The charts are the last field of the answer.
    return lambda: np.frombuffer(call(packed)[-rows * 4 :], np.uint8).reshape(-1, 4)


def by_shared_memory(port: int, stub: Any, memory: SharedMemory, rows: int) -> tuple[Callable[[], Any], ...]:
    """Births and charts in shared memory, named over gRPC and over HTTP."""
    utc, _ = births(rows)
    offset = np.full(rows, KOREA, np.int32)
    whole = np.frombuffer(memory.buf or b"", np.uint8)
    whole[: utc.nbytes] = utc.view(np.uint8)
    whole[utc.nbytes : rows * 12] = offset.view(np.uint8)
    size = rows * 16
    stub.SystemSharedMemoryRegister(
        pb.SystemSharedMemoryRegisterRequest(name="all", key=memory.name, byte_size=size)
    )
    places = ((0, rows * 8), (rows * 8, rows * 4), (rows * 12, rows * 4))
    request = pb.ModelInferRequest(model_name="saju_pillars")
    for name, datatype, place in (
        ("utc_seconds", "INT64", places[0]),
        ("offset_seconds", "INT32", places[1]),
    ):
        put(request.inputs.add(name=name, datatype=datatype, shape=[rows]).parameters, place)
    put(request.outputs.add(name="pillars").parameters, places[2])
    document = {
        "inputs": [
            tensor("utc_seconds", "INT64", (rows,), region(places[0])),
            tensor("offset_seconds", "INT32", (rows,), region(places[1])),
        ],
        "outputs": [{"name": "pillars", "parameters": region(places[2])}],
    }
    connection = http.client.HTTPConnection("127.0.0.1", port)
    charts = whole[rows * 12 : rows * 16].reshape(-1, 4)

    def over_grpc() -> Any:
        stub.ModelInfer(request)
        return charts

    def over_http() -> Any:
        connection.request("POST", "/v2/models/saju_pillars/infer", orjson.dumps(document))
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return charts

    return over_grpc, over_http


def by_kernel(rows: int, threads: int) -> Callable[[], Any]:
    """No server: the kernel into memory that is there."""
    utc, _ = births(rows)
    offset, out = np.full(rows, KOREA, np.int32), np.empty((rows, 4), np.uint8)
    return lambda: pillars(utc, offset, out=out, threads=threads)


def tensor(name: str, datatype: str, shape: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """An input in its JSON form."""
    return {"name": name, "datatype": datatype, "shape": list(shape), "parameters": parameters}


def region(place: tuple[int, int]) -> dict[str, Any]:
    """The parameters that name a place in the region."""
    return {
        "shared_memory_region": "all",
        "shared_memory_offset": place[0],
        "shared_memory_byte_size": place[1],
    }


def put(parameters: Any, place: tuple[int, int]) -> None:
    """The same in protobuf."""
    for name, value in region(place).items():
        setattr(parameters[name], "string_param" if isinstance(value, str) else "int64_param", value)


def measure(ports: tuple[int, int], memory: SharedMemory, scale: float, rounds: int) -> list[dict[str, Any]]:
    """One row for each way."""
    limit = [("grpc.max_receive_message_length", 100 << 20), ("grpc.max_send_message_length", 100 << 20)]
    with grpc.insecure_channel(f"127.0.0.1:{ports[1]}", options=limit) as channel:
        stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        rows = {
            "http binary": int(HTTP_ROWS * scale),
            "grpc raw": int(GRPC_ROWS * scale),
            "grpc raw, message ready": int(GRPC_ROWS * scale),
            "shared memory, grpc": int(SHARED_ROWS * scale),
            "shared memory, http": int(SHARED_ROWS * scale),
            "kernel, no server": int(SHARED_ROWS * scale),
        }
        shared = int(SHARED_ROWS * scale)
        over_grpc, over_http = by_shared_memory(ports[0], stub, memory, shared)
        contestants = {
            "http binary": by_http(ports[0], rows["http binary"]),
            "grpc raw": by_grpc(stub, rows["grpc raw"]),
            "grpc raw, message ready": by_packed_grpc(channel, rows["grpc raw"]),
            "shared memory, grpc": over_grpc,
            "shared memory, http": over_http,
            "kernel, no server": by_kernel(shared, os.cpu_count() or 1),
        }
        wanted = pillars(births(shared)[0], KOREA)
        for name, ask in contestants.items():
            same = births(rows[name])[0]
            reference = wanted if rows[name] == shared else pillars(same, KOREA)
            if not np.array_equal(ask(), reference):
                raise SystemExit(f"{name}: the answer is wrong; nothing was measured")
        del wanted
        seconds = interleaved(contestants, rounds)
        stub.SystemSharedMemoryUnregister(pb.SystemSharedMemoryUnregisterRequest())
    made = []
    for name, taken in seconds.items():
        found = quantiles(taken)
        made.append(
            {
                "benchmark": "inference_v2",
                "way": name,
                "rows": rows[name],
                "rounds": rounds,
                **found,
                "charts_per_s": round(rows[name] / found["median_s"]),
                **environment(),
            }
        )
    return made


def main() -> None:
    """Measure, print, and append to a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--scale", type=float, default=1.0, help="of the sizes")
    given = parser.parse_args()
    warm_up()
    name = f"hypercube-bench-{secrets.token_hex(8)}"
    memory = SharedMemory(name, create=True, size=int(SHARED_ROWS * given.scale) * 16)
    try:
        with served() as ports:
            rows = measure(ports, memory, given.scale, given.rounds)
    finally:
        memory.unlink()
    for row in rows:
        print(json.dumps(row))
    append(given.output, rows)


if __name__ == "__main__":
    main()
