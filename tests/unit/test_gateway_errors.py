"""The two maps are total, and a failure keeps all it knows."""

import grpc
import pytest

from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.gateway.errors import GRPC, HTTP, error_object, failure_of, retry_after


def test_every_kind_has_a_status_on_each_transport() -> None:
    assert set(HTTP) == set(ErrorKind)
    assert set(GRPC) == set(ErrorKind)


@pytest.mark.parametrize("kind", ErrorKind)
def test_only_our_own_defects_are_internal(kind: ErrorKind) -> None:
    internal = kind is ErrorKind.INTERNAL
    assert (HTTP[kind].code == 500) == internal
    assert (GRPC[kind] is grpc.StatusCode.INTERNAL) == internal
    assert GRPC[kind] not in (grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN)


@pytest.mark.parametrize("kind", ErrorKind)
def test_the_type_says_whose_turn_it_is(kind: ErrorKind) -> None:
    status, type_ = HTTP[kind]
    assert (type_ == "server_error") == (status >= 500)
    assert (type_ == "rate_limit_error") == (status == 429)


def test_openai_names_its_codes_so() -> None:
    assert ErrorKind.MODEL_NOT_FOUND.value == "model_not_found"
    assert ErrorKind.CONTEXT_LENGTH_EXCEEDED.value == "context_length_exceeded"


@pytest.mark.parametrize(
    ("seconds", "header"), [(None, None), (0.0, "1"), (0.2, "1"), (1.0, "1"), (1.01, "2")]
)
def test_retry_after_is_whole_seconds_rounded_up(seconds: float | None, header: str | None) -> None:
    assert retry_after(Failure(ErrorKind.OVERLOADED, "full", retry_after_s=seconds)) == header


def test_the_object_holds_everything() -> None:
    failure = Failure(ErrorKind.INVALID_ARGUMENT, "m", "p", 3, "f", {"a": 1})
    assert error_object(failure) == {
        "message": "m f",
        "type": "invalid_request_error",
        "param": "p",
        "code": "invalid_argument",
        "value": 3,
        "fix": "f",
        "details": {"a": 1},
    }


def test_an_unexpected_exception_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    failure = failure_of(KeyError("password"), "r-7")
    assert failure.kind is ErrorKind.INTERNAL
    assert "password" not in repr(failure)
    assert "r-7" in failure.message
    assert "KeyError: 'password'" in caplog.text
    known = HyperCubeError(ErrorKind.OVERLOADED, "full")
    assert failure_of(known, "r-8") == known.failure()
