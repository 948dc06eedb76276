"""What is asked, and the only right answers: the reference kernel's charts, and the echoes of the bare servers."""

import pickle
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import orjson

from benchmarks.gateway.load import Question
from benchmarks.gateway.servers import Running
from hypercube.core.chart import BirthInput, Chart
from hypercube.gateway.http.responses import encode
from hypercube.gateway.validation import json_model
from hypercube.saju import charts
from hypercube.wire import convert
from hypercube.wire.v1 import saju_pb2

BIRTHS: Final = 600
CHARTS_PATH: Final = "/v1/saju/charts"
GRPC_PATH: Final = "/hypercube.v1.Saju/Chart"
_PLACES: Final = ("Seoul", "Busan", "대전", "Daegu", "제주시", "Incheon")
_JSON: Final = {"content-type": "application/json"}


class Charts:
    """Different births, the charts that belong to them, and how large both are on the wire."""

    def __init__(self) -> None:
        draw = random.Random(7)
        found: list[tuple[bytes, BirthInput, Chart]] = []
        while len(found) < BIRTHS:
            bodies = [_body(draw) for _ in range(BIRTHS)]
            births: list[BirthInput] = [json_model(BirthInput).read(body) for body in bodies]
            results = charts(births, backend="reference")
            found += [
                (body, birth, result.chart)
                for body, birth, result in zip(bodies, births, results, strict=True)
                if result.chart is not None  # summer time skipped a few of these hours
            ]
        del found[BIRTHS:]
        self.http = [Question(body, encode(chart)) for body, _, chart in found]
        self.grpc = [
            Question(
                convert.birth_to_proto(birth).SerializeToString(),
                convert.chart_to_proto(chart).SerializeToString(),
            )
            for _, birth, chart in found
        ]

    @property
    def sizes(self) -> dict[str, int]:
        """Mean bytes of the answers."""
        return {
            "http": round(statistics.mean(len(each.answer) for each in self.http)),
            "grpc": round(statistics.mean(len(each.answer) for each in self.grpc)),
        }


def _body(draw: random.Random) -> bytes:
    day = f"{draw.randint(1930, 2012)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
    clock = f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}"
    return orjson.dumps(
        {"birth": f"{day}T{clock}", "sex": draw.choice(("male", "female")), "place": draw.choice(_PLACES)}
    )


def gate(server: Running, asked: Charts) -> None:
    """Every chart over both doors equals the reference's; no figures on red."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=_JSON) as client:
        wrong = [
            each.body
            for each in asked.http
            if client.post(CHARTS_PATH, content=each.body).content != each.answer
        ]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call: Any = channel.unary_unary(GRPC_PATH)  # type: ignore[call-arg]
        wrong += [each.body for each in asked.grpc if call(each.body) != each.answer]
    if wrong:
        raise SystemExit(
            f"{len(wrong)} charts are not the reference's, the first for {wrong[0]!r}; no figures on red."
        )


def http_echoes(server: Running, asked: Sequence[Question]) -> list[Question]:
    """What the bare HTTP echo answers, once it is seen to hold the request."""
    made = []
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=_JSON) as client:
        for each in asked:
            answer = client.post("/", content=each.body)
            sent, got = orjson.loads(each.body), answer.json().get("birth", {})
            if any(got.get(name) != value for name, value in sent.items()):
                raise SystemExit(
                    f"the HTTP echo of {each.body!r} is {answer.content[:300]!r}; no figures on red."
                )
            made.append(Question(each.body, answer.content))
    return made


def grpc_echoes(server: Running, asked: Sequence[Question]) -> list[Question]:
    """The same of the bare gRPC echo."""
    made = []
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call: Any = channel.unary_unary(GRPC_PATH)  # type: ignore[call-arg]
        for each in asked:
            answer = call(each.body)
            place = saju_pb2.Birth.FromString(each.body).place
            if saju_pb2.ChartReply.FromString(answer).options.place != place:
                raise SystemExit("the gRPC echo is not one; no figures on red.")
            made.append(Question(each.body, answer))
    return made


def stored(folder: Path, name: str, questions: Sequence[Question]) -> Path:
    """Questions in a file, for the process that asks them."""
    path = folder / f"{name}.questions"
    path.write_bytes(pickle.dumps(list(questions)))
    return path
