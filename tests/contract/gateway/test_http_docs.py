"""The documentation works with the network off, and each of its examples works as pasted."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from hypercube.gateway.http import examples
from hypercube.gateway.http.app import OPERATIONS, openapi_document
from hypercube.gateway.validation import json_model


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


async def test_the_page_and_all_it_loads_come_from_here(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"https?:|//[a-z]", page.text)
    links = _Links()
    links.feed(page.text)
    assert len(links.found) == 3
    for link in links.found:
        asset = await http.get(f"/{link}")
        assert asset.status_code == 200
        assert len(asset.content) > 500
    assert b"@import" not in (await http.get("/docs/assets/swagger-ui.css")).content
    assert (await http.get("/openapi.json")).status_code == 200
    assert (await http.get("/docs/assets/NOTICE")).status_code == 404


async def test_the_stylesheet_asks_nobody_else(http: httpx.AsyncClient) -> None:
    css = (await http.get("/docs/assets/swagger-ui.css")).text
    targets = re.findall(r"url\(\s*['\"]?([^'\")]+)", css)
    assert targets
    assert all(target.startswith("data:") for target in targets)


async def test_the_root_leads_to_the_page(http: httpx.AsyncClient) -> None:
    answer = await http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "docs")


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []


def test_the_document_holds_together() -> None:
    document = json.loads(json.dumps(openapi_document()))
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    references = _references(document)
    assert references
    assert {name.removeprefix("#/components/schemas/") for name in references} <= schemas.keys()
    operations = [shown for path in document["paths"].values() for shown in path.values()]
    assert len({shown["operationId"] for shown in operations}) == len(operations) == len(OPERATIONS)
    tags = {tag["name"] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for shown in methods.values():
            assert set(shown["tags"]) <= tags
            assert shown["responses"]["200"]["content"]
            named = {one["name"] for one in shown["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


CASES = [
    pytest.param(operation, name, body, id=f"{operation.template} {name}")
    for operation in OPERATIONS
    for name, body in operation.examples.items()
]


@pytest.mark.parametrize(("operation", "name", "body"), CASES)
async def test_each_example_works_as_pasted(
    http: httpx.AsyncClient, operation: Any, name: str, body: Any
) -> None:
    path = operation.template
    for parameter, (_, value) in operation.parameters.items():
        path = path.replace(f"{{{parameter}}}", value)
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] in operation.media
    assert b'"error":{' not in answer.content or name == "one good, one not"
    if operation.response is not None and answer.headers["content-type"] == "application/json":
        json_model(operation.response).read(answer.content)


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.response_example], ids=lambda one: one.path
)
def test_each_response_example_is_of_its_type(operation: Any) -> None:
    json_model(operation.response).read(json.dumps(operation.response_example))


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.method == "GET"], ids=lambda one: one.path
)
async def test_each_answer_is_of_the_type_shown(http: httpx.AsyncClient, operation: Any) -> None:
    kept = (await http.post("/v1/responses", json={"input": "hi"})).json()["id"]
    names = {"/v1/models/{name}": "small", "/v1/cubes/{name}": "chat", "/v1/responses/{id}": kept}
    path = operation.template
    for parameter, (_, value) in operation.parameters.items():
        path = path.replace(f"{{{parameter}}}", names.get(operation.template, value))
    answer = await http.get(path, params={name: each.example for name, each in operation.query.items()})
    if "region" in operation.parameters:  # nobody has registered one; test_inference_shared_memory has
        assert answer.status_code == 404
        return
    assert answer.status_code == 200
    if operation.response is not None:
        json_model(operation.response).read(answer.content)


async def test_the_chart_shown_is_the_chart_given(http: httpx.AsyncClient) -> None:
    asked = next(iter(examples.BIRTHS.values()))
    given = (await http.post("/v1/saju/charts", json=asked)).json()
    shown = {key: value for key, value in examples.CHART.items() if key != "versions"}
    assert shown == {key: value for key, value in given.items() if key != "versions"}
    assert examples.CHART["versions"].keys() == given["versions"].keys()
