"""The retry decision: one generator, driven here by hand, with a clock that the test holds."""

from collections.abc import Callable

import grpc
import pytest

from hypercube.client import (
    NOT_GIVEN,
    ConnectionFailed,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    Overloaded,
    Unavailable,
    error_of,
)
from hypercube.client import _channel as channel
from hypercube.client import _constants as const
from hypercube.client import _methods as methods
from hypercube.client._base import Attempt, BaseClient, Pause, Steps, Timeout
from hypercube.client._retry import RetryBudget, delay_s, retryable
from hypercube.client._status import Status
from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.convert import error_to_proto


class Hands:
    """A clock with hands to move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def failed(kind: ErrorKind, code: grpc.StatusCode, retry_after_s: float | None = None) -> Status:
    error = error_to_proto(Failure(kind, "why", retry_after_s=retry_after_s))
    return Status(code, "why", ((const.ERROR_TRAILER, error.SerializeToString()),))


REFUSED = Status(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; last error: refused")
BROKEN = Status(grpc.StatusCode.UNAVAILABLE, "Socket closed")
LOADING = failed(ErrorKind.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
FULL = failed(ErrorKind.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def make(hands: Hands) -> Callable[..., BaseClient]:
    def client(timeout: Timeout = 60.0, max_retries: int = 2) -> BaseClient:
        made = BaseClient(
            "127.0.0.1:50051", timeout=timeout, max_retries=max_retries, metadata=(), clock=hands
        )
        made._draw = lambda: 0.5
        return made

    return client


def attempt(step: Attempt | Pause) -> Attempt:
    assert isinstance(step, Attempt), step
    return step


def pause(step: Attempt | Pause) -> float:
    assert isinstance(step, Pause), step
    return step.seconds


def finish(steps: Steps) -> None:
    with pytest.raises(StopIteration):
        steps.send(None)


def test_an_answer_ends_it(make: Callable[..., BaseClient]) -> None:
    steps = make().attempts(methods.CHART, NOT_GIVEN)
    assert attempt(next(steps)).timeout_s == 60.0
    finish(steps)


@pytest.mark.parametrize(
    "status", [REFUSED, BROKEN, LOADING, FULL], ids=["refused", "broken", "loading", "full"]
)
def test_retries_up_to_the_limit_with_growing_pauses(make: Callable[..., BaseClient], status: Status) -> None:
    steps = make(max_retries=2).attempts(methods.CHART, NOT_GIVEN)
    first = attempt(next(steps))
    assert pause(steps.send(status)) == pytest.approx(0.25 * 0.75)
    second = attempt(next(steps))
    assert pause(steps.send(status)) == pytest.approx(0.5 * 0.75)
    attempt(next(steps))
    with pytest.raises(Unavailable):
        steps.send(status)
    assert first.metadata == second.metadata, "one call keeps one request id through its attempts"


@pytest.mark.parametrize("kind", sorted(set(ErrorKind) - {ErrorKind.UNAVAILABLE, ErrorKind.OVERLOADED}))
def test_no_other_kind_is_retried(make: Callable[..., BaseClient], kind: ErrorKind) -> None:
    # The bare status would be retried: what the server said comes first.
    steps = make().attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    with pytest.raises(type(error_of(Failure(kind, "why")))):
        steps.send(failed(kind, grpc.StatusCode.UNAVAILABLE))


def test_no_retries_when_switched_off(make: Callable[..., BaseClient]) -> None:
    steps = make(max_retries=0).attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    with pytest.raises(ConnectionFailed):
        steps.send(REFUSED)


def test_the_server_says_how_long(make: Callable[..., BaseClient]) -> None:
    steps = make().attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    waited = pause(steps.send(failed(ErrorKind.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED, 7.0)))
    assert 7.0 <= waited < 7.0 + const.RETRY_BASE_S


def test_a_wait_that_is_too_long_is_the_callers_decision(make: Callable[..., BaseClient]) -> None:
    steps = make(timeout=None).attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    with pytest.raises(Overloaded) as caught:
        steps.send(failed(ErrorKind.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED, 31.0))
    assert caught.value.retry_after_s == 31.0


def test_one_deadline_spans_attempts_and_pauses(make: Callable[..., BaseClient], hands: Hands) -> None:
    steps = make(timeout=10.0).attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    hands.now += 4.0
    hands.now += pause(steps.send(LOADING))
    assert attempt(next(steps)).timeout_s == pytest.approx(6.0 - 0.25 * 0.75)


def test_no_pause_past_the_deadline(make: Callable[..., BaseClient], hands: Hands) -> None:
    steps = make(timeout=10.0).attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    hands.now += 9.9
    with pytest.raises(Unavailable):
        steps.send(LOADING)


def test_a_pause_that_overslept_sends_nothing(make: Callable[..., BaseClient], hands: Hands) -> None:
    steps = make(timeout=10.0).attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    pause(steps.send(LOADING))
    hands.now += 11.0
    with pytest.raises(DeadlineExceeded, match="within 10 s"):
        next(steps)


def test_the_timeout_of_the_call_then_of_the_client_then_of_the_method(
    make: Callable[..., BaseClient],
) -> None:
    def sent(client: Timeout, call: Timeout) -> float | None:
        return attempt(next(make(timeout=client).attempts(methods.COMPLETE, call))).timeout_s

    assert sent(NOT_GIVEN, NOT_GIVEN) == const.DEFAULT_CHAT_TIMEOUT_S
    assert sent(5.0, NOT_GIVEN) == 5.0
    assert sent(5.0, 2) == 2.0
    assert sent(5.0, None) is None
    assert sent(None, NOT_GIVEN) is None
    assert sent(None, 3.0) == 3.0


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e12, True, "5"], ids=repr)
def test_a_timeout_that_grpc_would_misread_is_refused(
    make: Callable[..., BaseClient], timeout: Timeout
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        next(make().attempts(methods.CHART, timeout))
    assert caught.value.param == "timeout"
    assert caught.value.fix


def test_what_may_have_effects_is_sent_again_only_if_it_never_left(make: Callable[..., BaseClient]) -> None:
    for status, retried in ((REFUSED, True), (LOADING, True), (FULL, True), (BROKEN, False)):
        steps = make().attempts(methods.PROCESS, NOT_GIVEN)
        next(steps)
        if retried:
            assert pause(steps.send(status)) > 0
        else:
            with pytest.raises(ConnectionFailed):
                steps.send(status)


def test_the_budget_stops_a_storm_and_successes_refill_it(make: Callable[..., BaseClient]) -> None:
    client = make(max_retries=1)
    retries = 0
    for _ in range(50):
        steps = client.attempts(methods.CHART, NOT_GIVEN)
        next(steps)
        try:
            pause(steps.send(LOADING))
        except Unavailable:
            continue
        retries += 1
        next(steps)
        with pytest.raises(Unavailable):
            steps.send(LOADING)
    assert retries == 2, "fifty failing calls, of which two were retried"
    for _ in range(100):
        steps = client.attempts(methods.CHART, NOT_GIVEN)
        next(steps)
        finish(steps)
    steps = client.attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    assert pause(steps.send(LOADING)) > 0


def test_a_failure_that_no_retry_can_help_costs_the_budget_nothing(make: Callable[..., BaseClient]) -> None:
    client = make()
    for _ in range(50):
        steps = client.attempts(methods.CHART, NOT_GIVEN)
        next(steps)
        with pytest.raises(InvalidArgument):
            steps.send(failed(ErrorKind.INVALID_ARGUMENT, grpc.StatusCode.INVALID_ARGUMENT))
    steps = client.attempts(methods.CHART, NOT_GIVEN)
    next(steps)
    assert pause(steps.send(LOADING)) > 0


def test_budget_by_the_numbers() -> None:
    budget = RetryBudget()
    assert [budget.failed() for _ in range(6)] == [True, True, True, True, False, False]
    for _ in range(21):
        budget.succeeded()
    assert budget.failed()
    assert not budget.failed()


def test_delays_grow_to_the_cap_and_jitter_stays_inside() -> None:
    longest = [delay_s(retry, None, lambda: 0.999_999) for retry in range(1, 9)]
    assert longest == pytest.approx([0.25, 0.5, 1, 2, 4, 8, 8, 8], rel=1e-5)
    shortest = [delay_s(retry, None, lambda: 0.0) for retry in range(1, 9)]
    assert shortest == pytest.approx([0.125, 0.25, 0.5, 1, 2, 4, 4, 4])
    assert delay_s(1, 0.0, lambda: 0.0) == 0.0
    assert delay_s(1, -5.0, lambda: 0.0) == 0.0
    assert delay_s(1, const.MAX_RETRY_AFTER_S, lambda: 0.0) == const.MAX_RETRY_AFTER_S
    assert delay_s(1, const.MAX_RETRY_AFTER_S + 0.1, lambda: 0.0) is None
    assert min(shortest[:1]) >= const.RECONNECT_S, "a retry sooner than gRPC reconnects would find no news"


def test_retryable_asks_only_what_matters() -> None:
    assert retryable(error_of(Failure(ErrorKind.OVERLOADED, "full")), repeatable=False)
    assert not retryable(error_of(Failure(ErrorKind.ENGINE_FAILED, "died")), repeatable=True)


def test_a_closed_client_says_so(make: Callable[..., BaseClient]) -> None:
    client = make()
    client._closed = True
    with pytest.raises(FailedPrecondition, match="closed"):
        next(client.attempts(methods.CHART, NOT_GIVEN))


def test_the_callers_own_request_id_is_kept(hands: Hands) -> None:
    client = BaseClient(
        "127.0.0.1:50051",
        timeout=1.0,
        max_retries=0,
        metadata={"x-request-id": "mine", "authorization": "Bearer k"},
        clock=hands,
    )
    step = attempt(next(client.attempts(methods.CHART, NOT_GIVEN)))
    assert dict(step.metadata) == {"x-request-id": "mine", "authorization": "Bearer k"}
    assert step.site.request_id == "mine"


@pytest.mark.parametrize(
    "metadata",
    [
        {"Upper": "x"},
        {"": "x"},
        {"grpc-x": "x"},
        {"a-bin": "x"},
        {"a": "é"},
        {"a": "x\n"},
        {"a b": "x"},
        {"a": 3},
    ],
    ids=repr,
)
def test_metadata_that_grpc_cannot_send(metadata: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        channel.checked_metadata(metadata)
    assert caught.value.param == "metadata"


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:8080", "127.0.0.1", "localhost:", "host:0", "host:70000", "a b:1", "", None, 50051],
    ids=repr,
)
def test_a_target_that_grpc_would_misread(target: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        channel.checked_target(target)
    assert caught.value.param == "target"
    assert "127.0.0.1:50051" in str(caught.value)


@pytest.mark.parametrize(
    "target", ["127.0.0.1:50051", "[::1]:50051", "box.local:1", "unix:/run/h.sock", "dns:///a:1"]
)
def test_targets_that_work(target: str) -> None:
    assert channel.checked_target(target) == target


@pytest.mark.parametrize("retries", [-1, 1.5, True, None, "2"], ids=repr)
def test_retries_are_a_whole_number(retries: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        channel.checked_retries(retries)
    assert caught.value.param == "max_retries"


def test_loopback_goes_by_no_proxy() -> None:
    def proxy(target: str) -> object:
        return dict(channel.channel_options(target))["grpc.enable_http_proxy"]

    assert [proxy(target) for target in ("127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/x", "box:1")] == [
        0,
        0,
        0,
        0,
        1,
    ]
