"""Schemathesis as a judge: what the OpenAPI document promises, a real server keeps, case after case.

Cases are made from the document alone, by a fixed seed: half of them as it allows, half as it forbids. No answer
may be a 500, have a status, a type of content or a body that the document does not show, or take what it forbids.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from hypercube.core.principal import Role
from hypercube.gateway.http.app import OPERATIONS, openapi_document
from hypercube.gateway.http.operations import Operation

MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS: Final[list[Any]] = [status_code_conformance, content_type_conformance, response_schema_conformance]
CASES: Final = 2_000
"""At least, in `make test`."""
SLOW_CASES: Final = 10_000
EACH_ROW_FOR_ITSELF: Final = {
    "/v1/saju/charts:batch",
    "/v1/saju/compatibility",
    "/v1/cubes/{name}:process",
}
"""Routes that answer 200 to a body with something wrong in it: a row has its own error, a cube its own schema."""
NEVER_OK: Final = {
    "/v2/repository/models/{name}/unload",
    "/v2/cudasharedmemory/region/{region}/register",
    "/v2/systemsharedmemory/region/{region}/register",
    "/v2/systemsharedmemory/region/{region}/status",
}
"""Refused whatever is sent, or, without a region of memory that some client made, whatever can be sent."""
KNOWN: Final[dict[str, tuple[Any, ...]]] = {
    "birth": ("1990-05-03T07:20", "2024-02-04", "1988-05-08T02:30:15"),
    "place": ("Seoul", "부산"),
    "zone": ("Asia/Seoul", "Europe/Berlin"),
    "as_of": ("2026-11-27",),
    "date": ("1990-05-03", "2023-02-15"),
    "model": ("fake", ""),
    "previous_response_id": (None,),
}
"""What a name of a body or a query stands for, where a text of any letters means nothing."""
NAMES: Final = {
    "/v1/models": ("fake",),
    "/v1/cubes": ("saju", "chat", "models"),
    "/v2": ("saju_pillars", "fake"),
}

document: Final[Any] = schemathesis.openapi.from_dict(json.loads(json.dumps(openapi_document())))


def share(operation: Operation, cases: int) -> int:
    """Cases of one mode that an operation gets: a body needs more than a path."""
    weight = 4 if operation.request is not None else 1
    whole = sum(4 if each.request is not None else 1 for each in OPERATIONS)
    return -(-cases * weight // (whole * len(MODES)))


def test_the_shares_are_enough() -> None:
    for cases in (CASES, SLOW_CASES):
        assert sum(share(each, cases) * len(MODES) for each in OPERATIONS) >= cases


@pytest.fixture(scope="module")
def server(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of its own, since the cases load, cancel and delete; it has no models but the fake one."""
    folder: Path = tmp_path_factory.mktemp("models")
    with serve("--model", "fake", HYPERCUBE_MODEL_DIR=str(folder)) as running:
        running.wait_ready(30)
        with httpx.Client(base_url=running.url, timeout=60) as client:
            yield client


def names(template: str, parameter: str, stored: str) -> tuple[str, ...]:
    """Path parameters that mean something."""
    if parameter == "id":
        return (stored,)
    if parameter == "version":
        return ("1",)
    return next((found for start, found in NAMES.items() if template.startswith(start)), ("none",))


def meant(draw: Any, value: Any) -> Any:
    """A body in which names are of things that exist, wherever they stand."""
    if isinstance(value, dict):
        return {
            name: draw(st.sampled_from(KNOWN[name]))
            if name in KNOWN and isinstance(each, str)
            else meant(draw, each)
            for name, each in value.items()
        }
    return [meant(draw, each) for each in value] if isinstance(value, list) else value


@st.composite
def cases(draw: Any, operation: Operation, mode: GenerationMode, stored: str) -> Case:
    """A case as schemathesis makes it; two of three that the document allows then ask for what there is."""
    case: Any = draw(document[operation.template][operation.method].as_strategy(generation_mode=mode))
    # Whoever may change the server would take from the others what they ask for.
    harmless = operation.role is not Role.ADMIN
    if harmless and mode is GenerationMode.POSITIVE and draw(st.integers(0, 2)):
        for parameter in case.path_parameters or {}:
            case.path_parameters[parameter] = draw(
                st.sampled_from(names(operation.template, parameter, stored))
            )
        for name in case.query or {}:
            if name in KNOWN:
                case.query[name] = draw(st.sampled_from(KNOWN[name]))
        case.body = meant(draw, case.body)
        # A time that nothing can be done in is tried in the others.
        case.headers = {}
    return case  # type: ignore[no-any-return]


def judge(case: Any, answer: httpx.Response, mode: GenerationMode, operation: Operation) -> None:
    """Everything that must hold of any answer."""
    shown = f"{answer.request.method} {answer.request.url} {answer.request.content!r}"
    assert answer.status_code != 500, (shown, answer.text)
    case.validate_response(answer, checks=CHECKS)
    if mode is GenerationMode.NEGATIVE and operation.template not in EACH_ROW_FOR_ITSELF:
        case.validate_response(answer, checks=[negative_data_rejection])
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        assert b'"code":"internal"' not in answer.content, (shown, answer.text)


def send(client: httpx.Client, case: Any) -> httpx.Response:
    """The request as schemathesis writes it."""
    wire = case.as_transport_kwargs(base_url=str(client.base_url))
    return client.request(
        wire["method"],
        wire["url"],
        params=wire.get("params"),
        headers=dict(wire["headers"]),
        content=wire.get("data"),
        json=wire.get("json"),
    )


def example(client: httpx.Client, operation: Operation) -> int:
    """The status of the operation's own example."""
    path = operation.template.format(**{name: shown for name, (_, shown) in operation.parameters.items()})
    return client.request(
        operation.method, path, json=next(iter(operation.examples.values()), None)
    ).status_code


def hunt(client: httpx.Client, operation: Operation, most: int) -> None:
    """Send an operation's share of cases and judge each answer."""
    stored: str = client.post("/v1/responses", json={"input": "hi", "background": True}).json()["id"]
    statuses: Counter[int] = Counter()
    for mode in MODES:
        sent: Counter[int] = Counter()
        hunt_one(client, operation, mode, share(operation, most), stored, sent)
        assert sent.total() >= share(operation, most), (mode, sent)
        statuses += sent
    if operation.role is not Role.ADMIN:  # of those there is little that a server without models can do
        # Whether drawn tensors fit a model is luck, which differs with what the server was asked before.
        assert statuses[200] or operation.template in NEVER_OK or example(client, operation) == 200, statuses


def hunt_one(
    client: httpx.Client,
    operation: Operation,
    mode: GenerationMode,
    most: int,
    stored: str,
    statuses: Counter[int],
) -> None:
    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation, mode, stored))
    def one(case: Any) -> None:
        answer = send(client, case)
        statuses[answer.status_code] += 1
        judge(case, answer, mode, operation)

    one()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.identifier)
def test_the_document_is_kept(server: httpx.Client, operation: Operation) -> None:
    hunt(server, operation, CASES)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.identifier)
def test_the_document_is_kept_in_more_cases(server: httpx.Client, operation: Operation) -> None:
    hunt(server, operation, SLOW_CASES)
