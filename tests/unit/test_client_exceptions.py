"""Every kind and every status has its class, and the picture in the docstring is the tree."""

import pickle
import re

import grpc
import pytest

from hypercube.client import exceptions as exc
from hypercube.client._constants import ERROR_TRAILER
from hypercube.client._status import CallSite, Status, error_from_status
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.wire.convert import error_to_proto
from hypercube.wire.v1 import error_pb2

SITE = CallSite("box:50051", "/hypercube.v1.Saju/Chart", "id-1", 30.0)
ALL = [cls for cls in vars(exc).values() if isinstance(cls, type) and issubclass(cls, exc.ClientError)]


def test_every_kind_has_a_class() -> None:
    assert set(exc.CLASSES) == set(ErrorKind)


def test_every_status_has_a_kind() -> None:
    assert set(exc.KINDS) == set(grpc.StatusCode)


def test_every_class_can_be_raised() -> None:
    # ConnectionFailed is what a bare UNAVAILABLE becomes; ClientError is the root.
    assert set(ALL) == {*exc.CLASSES.values(), exc.ConnectionFailed, exc.ClientError}
    assert all(issubclass(cls, HyperCubeError) for cls in ALL)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (exc.__doc__ or "").splitlines():
        if match := re.match(r"^(\s+(?:[│ ]*[├└]── )?)([A-Z]\w+)\s{2,}", line):
            indent = len(match[1])
            path = [(at, name) for at, name in path if at < indent]
            drawn[match[2]] = path[-1][1] if path else ""
            path.append((indent, match[2]))
    assert drawn.pop("HyperCubeError") == ""
    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in ALL}


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_what_the_server_said_arrives_whole(kind: ErrorKind) -> None:
    failure = Failure(
        kind,
        "birth is '31 February'.",
        param="births[3].birth",
        value="31 February",
        fix="Write 1990-02-28.",
        details={"choices": [0, 1]},
        retry_after_s=1.5,
    )
    trailers = ((ERROR_TRAILER, error_to_proto(failure).SerializeToString()),)
    error = error_from_status(Status(grpc.StatusCode.UNKNOWN, "why", trailers), SITE)
    assert type(error) is exc.class_of(kind)
    assert error.failure() == failure
    assert (error.request_id, error.status) == ("id-1", grpc.StatusCode.UNKNOWN)
    assert str(error) == "birth is '31 February'. Write 1990-02-28."


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: code.name)
@pytest.mark.parametrize("details", ["why.", ""])
def test_a_bare_status_says_where_and_why(code: grpc.StatusCode, details: str) -> None:
    error = error_from_status(Status(code, details), SITE)
    assert error.kind is exc.kind_of(code)
    assert isinstance(error, exc.class_of(error.kind))
    assert "box:50051" in error.message
    assert ".." not in str(error)
    assert error.status is code


@pytest.mark.parametrize(
    "trailer",
    [b"\xff\xff", b"", error_pb2.Error(kind="unavailable", details_json="{").SerializeToString(), "text"],
    ids=["not protobuf", "empty", "broken details", "not bytes"],
)
def test_a_trailer_that_cannot_be_read_leaves_the_status(trailer: str | bytes) -> None:
    error = error_from_status(Status(grpc.StatusCode.NOT_FOUND, "no cube", ((ERROR_TRAILER, trailer),)), SITE)
    assert type(error) is exc.NotFound
    assert "no cube" in str(error)


def test_a_kind_from_a_later_server_keeps_its_words_and_takes_the_class_of_its_status() -> None:
    trailer = error_pb2.Error(kind="quota_exceeded", message="No quota left.", fix="Buy.").SerializeToString()
    error = error_from_status(
        Status(grpc.StatusCode.RESOURCE_EXHAUSTED, "", ((ERROR_TRAILER, trailer),)), SITE
    )
    assert type(error) is exc.Overloaded
    assert str(error) == "No quota left. Buy."


def test_a_refused_connection_says_what_to_do() -> None:
    details = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused"
    error = error_from_status(Status(grpc.StatusCode.UNAVAILABLE, details), SITE)
    assert isinstance(error, exc.ConnectionFailed)
    assert not error.maybe_received
    for words in ("box:50051", "Connection refused", "Is the server running?", "`make run`"):
        assert words in str(error)


def test_a_broken_connection_may_have_been_heard() -> None:
    error = error_from_status(Status(grpc.StatusCode.UNAVAILABLE, "Socket closed"), SITE)
    assert isinstance(error, exc.ConnectionFailed)
    assert error.maybe_received


def test_a_message_too_large_for_grpc_is_no_overload() -> None:
    details = "Received message larger than max (120 vs. 100)"
    error = error_from_status(Status(grpc.StatusCode.RESOURCE_EXHAUSTED, details), SITE)
    assert type(error) is exc.PayloadTooLarge
    assert "120 vs. 100" in str(error)


def test_errors_survive_a_process_pool() -> None:
    error = error_from_status(Status(grpc.StatusCode.UNAVAILABLE, "Socket closed"), SITE)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.failure() == error.failure()
    assert (again.request_id, again.status, str(again)) == (error.request_id, error.status, str(error))
    assert again.maybe_received == error.maybe_received


def test_a_row_of_a_batch_can_be_raised() -> None:
    error = exc.error_of(Failure(ErrorKind.MODEL_NOT_FOUND, "no such model"))
    assert type(error) is exc.ModelNotFound
    assert error.request_id == ""
    assert error.status is None
