"""Embeddings over HTTP: the official client is the judge."""

import base64
from array import array
from typing import Any

import httpx
import openai
import pytest

from hypercube.inference.fake import WIDTH, tokenize, vector


async def test_one_text_and_several(ai: openai.AsyncOpenAI) -> None:
    # The client asks for base64 unless told otherwise, and decodes it.
    answer = await ai.embeddings.create(model="small", input="yang wood")
    assert answer.model == "small"
    assert answer.object == "list"
    assert [each.index for each in answer.data] == [0]
    assert array("f", answer.data[0].embedding) == vector("yang wood")
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (2, 2)
    texts = ["갑목 일간", "을목", "yin fire and yang fire"]
    several = await ai.embeddings.create(model="small", input=texts, dimensions=WIDTH, user="somebody")
    assert [array("f", each.embedding) for each in several.data] == [vector(text) for text in texts]
    assert several.usage.prompt_tokens == sum(len(tokenize(text)) for text in texts)


async def test_numbers_are_the_same_as_base64(ai: openai.AsyncOpenAI, http: httpx.AsyncClient) -> None:
    numbers = await ai.embeddings.create(model="small", input="yang wood", encoding_format="float")
    assert array("f", numbers.data[0].embedding) == vector("yang wood")
    body = (
        await http.post("/v1/embeddings", json={"input": "yang wood", "encoding_format": "base64"})
    ).json()
    assert base64.b64decode(body["data"][0]["embedding"]) == array("f", numbers.data[0].embedding).tobytes()
    assert body["model"] == "small"


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"input": [1, 2, 3]}, "input[0]", "only texts are read"),
        ({"input": [[1, 2], [3]]}, "input[0]", "only texts are read"),
        ({"input": ["a", 5]}, "input[1]", "only texts are read"),
        ({"input": []}, "input", "0 texts"),
        ({"input": ["a", ""]}, "input[1]", "empty"),
        ({"input": ""}, "input[0]", "empty"),
        ({"input": None}, "input", "null"),
        ({"input": 7}, "input", "7"),
        ({"dimensions": 8}, "dimensions", f"have {WIDTH} numbers"),
        ({"dimensions": 0}, "dimensions", "greater than or equal to 1"),
        ({"encoding_format": "hex"}, "encoding_format", "'float' or 'base64'"),
        ({"inputs": "a"}, "inputs", "Did you mean 'input'"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(
    http: httpx.AsyncClient, change: dict[str, Any], param: str, words: str
) -> None:
    answer = await http.post("/v1/embeddings", json={"input": "a", **change})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] in {param, param.removesuffix("[0]")}
    assert words in error["message"]


async def test_an_unknown_model_is_named(ai: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="'big'"):
        await ai.embeddings.create(model="big", input="a")


async def test_the_same_through_the_cube(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/cubes/embeddings:process", json={"texts": ["yang wood"]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["prompt_tokens"] == 2
    assert [array("f", row) for row in body["vectors"]] == [vector("yang wood")]
