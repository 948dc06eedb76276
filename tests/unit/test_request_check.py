"""What no engine could answer is refused before one sees it, with the field, the value and the way out."""

import math

import pytest

from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.request_check import check_request

HELLO = (ChatMessage("user", "안녕"),)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (GenerationRequest(()), "messages"),
        (GenerationRequest((*HELLO, ChatMessage("robot", "x"))), "messages[1].role"),
        (GenerationRequest((ChatMessage("user", "half \ud800"),)), "messages[0].content"),
        (GenerationRequest(HELLO, max_tokens=-1), "max_tokens"),
        (GenerationRequest(HELLO, max_tokens=0), "max_tokens"),
        (GenerationRequest(HELLO, max_tokens=2**64), "max_tokens"),
        (GenerationRequest(HELLO, sampling=Sampling(temperature=2.1)), "temperature"),
        (GenerationRequest(HELLO, sampling=Sampling(temperature=math.nan)), "temperature"),
        (GenerationRequest(HELLO, sampling=Sampling(top_p=-0.1)), "top_p"),
        (GenerationRequest(HELLO, sampling=Sampling(min_p=math.inf)), "min_p"),
        (GenerationRequest(HELLO, sampling=Sampling(top_k=-1)), "top_k"),
        (GenerationRequest(HELLO, sampling=Sampling(top_k=2**31)), "top_k"),
        (GenerationRequest(HELLO, sampling=Sampling(frequency_penalty=3)), "frequency_penalty"),
        (GenerationRequest(HELLO, sampling=Sampling(presence_penalty=-3)), "presence_penalty"),
        (GenerationRequest(HELLO, sampling=Sampling(stop=("a", ""))), "stop[1]"),
        (GenerationRequest(HELLO, sampling=Sampling(stop=("x" * 257,))), "stop[0]"),
        (GenerationRequest(HELLO, sampling=Sampling(stop=("\udfff",))), "stop[0]"),
        (GenerationRequest(HELLO, sampling=Sampling(stop=("x",) * 17)), "stop"),
    ],
)
def test_a_bad_request_names_its_field(request_: GenerationRequest, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        check_request(request_)
    error = caught.value
    assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, param)
    assert error.value is not None
    assert error.fix
    str(error.failure()).encode()


def test_the_edges_pass() -> None:
    sampling = Sampling(0.0, 1.0, 0, 0.0, 2.0, -2.0, -(2**63), ("x" * 256,) * 16)
    check_request(GenerationRequest((*HELLO, ChatMessage("assistant", "")), max_tokens=1, sampling=sampling))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "not an object"),
        ('{"minimum": NaN}', "is not JSON"),
        ('{"minimum": 1e999}', "is not JSON"),
        ('{"const": "\\ud800"}', "is not JSON"),
        ('{"const": ' + "9" * 5000 + "}", "is not JSON"),
        ('{"a":' * 70 + "1" + "}" * 70, "70 levels deep"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "JSON"),
        ('{"a": "' + "x" * 70_000 + '"}', "70009 characters"),
    ],
    ids=lambda text: text[:24],
)
def test_a_schema_that_no_engine_could_read_is_refused(schema: str, words: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        check_request(GenerationRequest((ChatMessage("user", "hi"),), json_schema=schema))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "response_format")
    assert words in caught.value.message


def test_a_schema_passes() -> None:
    schema = '{"type": "object", "properties": {"오행": {"enum": ["목", "화"]}}}'
    check_request(GenerationRequest((ChatMessage("user", "hi"),), json_schema=schema))
