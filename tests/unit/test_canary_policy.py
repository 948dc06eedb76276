"""When a canary has to go: properties of the one function that judges it, and of the account that it judges by."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.canary import FAULTS, MOST, SLACK_S, Seen, Window, judge, p95

BOUNDS = CanaryBounds(max_error_rate=0.1, max_latency_ratio=2.0, min_requests=20, window_s=60.0)
LATENCIES = st.lists(st.floats(0.001, 10.0), max_size=80)


def steady(seconds: float = 0.2, count: int = 100, failed: int = 0) -> Seen:
    return Seen(failed, [seconds / 2] * count, [seconds] * count)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_canary_that_is_like_production_stays() -> None:
    assert judge(steady(), steady(), BOUNDS) is None
    assert judge(Seen(), Seen(), BOUNDS) is None


def test_too_many_failures_are_told_with_figures() -> None:
    why = judge(steady(count=27, failed=3), steady(), BOUNDS)
    assert why is None  # 10 % is the bound itself
    why = judge(steady(count=26, failed=4), steady(count=80), BOUNDS)
    assert why == "4 of 30 requests failed in 60 s: 13.3%, bound 10.0%, production 0.0% of 80"


def test_a_canary_that_fails_as_production_does_stays() -> None:
    assert judge(steady(count=70, failed=30), steady(count=60, failed=40), BOUNDS) is None
    assert judge(steady(count=50, failed=50), steady(count=60, failed=40), BOUNDS) is not None


def test_a_slow_first_piece_and_a_slow_answer_are_told_with_figures() -> None:
    slow = Seen(0, [1.0] * 25, [1.1] * 25)
    why = judge(slow, steady(), BOUNDS)
    assert why is not None
    assert why.startswith("the first piece takes 1.00 s in the 95th percentile of 25 requests in 60 s")
    assert "production 0.10 s of 100: more than 2 times as long" in why
    why = judge(Seen(0, [0.1] * 25, [1.1] * 25), steady(), BOUNDS)
    assert why is not None
    assert why.startswith("the whole answer takes 1.10 s")


def test_a_difference_that_nobody_feels_is_no_reason() -> None:
    quick = Seen(0, [0.001] * 100, [0.002] * 100)
    assert judge(Seen(0, [0.05] * 100, [0.09] * 100), quick, BOUNDS) is None
    assert judge(Seen(0, [SLACK_S + 0.01] * 100, [0.2] * 100), quick, BOUNDS) is not None


def test_a_canary_that_answers_nobody_is_found_while_they_wait() -> None:
    waiting = Seen(open_firsts=[0.25] * 20, open_totals=[0.25] * 20)
    assert judge(waiting, steady(), BOUNDS) is not None
    # Those who have not waited long say nothing yet.
    fresh = Seen(open_firsts=[0.1] * 500, open_totals=[0.1] * 500)
    assert judge(fresh, steady(), BOUNDS) is None


def test_a_rush_that_slows_both_is_not_held_against_the_canary() -> None:
    quick = [0.1] * 60
    rushed = Seen(0, [0.1] * 20 + [1.5] * 20, [0.2] * 20)
    assert judge(rushed, Seen(0, quick, quick), BOUNDS) is not None
    assert judge(rushed, Seen(0, quick, quick, [1.5] * 100, [1.5] * 100), BOUNDS) is None
    # Those who have just come to production do not make it look quicker.
    assert judge(rushed, Seen(0, [1.0] * 60, [1.2] * 60, [0.01] * 5000, [0.01] * 5000), BOUNDS) is None


@given(st.integers(0, 19), LATENCIES, LATENCIES, st.integers(0, 100))
def test_nothing_is_judged_before_enough_was_seen(
    few: int, slow: list[float], usual: list[float], base_failed: int
) -> None:
    canary = Seen(few, [], [], [], [])
    assert judge(canary, Seen(base_failed, usual, usual), BOUNDS) is None
    # Latency needs as much of production, too.
    assert judge(Seen(0, slow, slow), Seen(0, usual[:19], usual[:19]), BOUNDS) is None


@given(LATENCIES, LATENCIES, st.integers(0, 60), st.integers(0, 60), st.integers(1, 40))
def test_more_failures_never_help(
    own: list[float], usual: list[float], failed: int, base_failed: int, more: int
) -> None:
    canary, base = Seen(failed, own, own), Seen(base_failed, usual, usual)
    if judge(canary, base, BOUNDS) is not None:
        assert judge(replace(canary, failed=failed + more), base, BOUNDS) is not None


@given(LATENCIES, LATENCIES, st.floats(1.0, 5.0))
def test_getting_slower_never_helps(own: list[float], usual: list[float], factor: float) -> None:
    base = Seen(0, usual, usual)
    if judge(Seen(0, own, own), base, BOUNDS) is not None:
        slower = [each * factor for each in own]
        assert judge(Seen(0, slower, slower), base, BOUNDS) is not None


@given(LATENCIES)
def test_a_canary_is_never_slower_than_itself(values: list[float]) -> None:
    seen = Seen(0, values, values)
    assert judge(seen, seen, BOUNDS) is None


@given(st.lists(st.floats(0, 100), min_size=1, max_size=300))
def test_the_95th_percentile_is_by_nearest_rank(values: list[float]) -> None:
    found = p95(values)
    assert found in values
    assert sum(each <= found for each in values) * 100 >= 95 * len(values)
    assert sum(each < found for each in values) * 100 < 95 * len(values)


# -- the account


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind not in FAULTS])
def test_what_is_not_the_servers_fault_never_counts(kind: ErrorKind) -> None:
    hands = Hands()
    window = Window(hands)
    for _ in range(200):
        window.begin().failed(kind)
    seen = window.seen(60.0)
    assert (seen.failed, seen.requests, seen.error_rate) == (0, 0, 0.0)
    assert judge(seen, steady(), BOUNDS) is None


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_the_servers_fault_counts(kind: ErrorKind) -> None:
    window = Window(Hands())
    for _ in range(20):
        window.begin().failed(kind)
    assert window.seen(60.0).failed == 20
    assert judge(window.seen(60.0), steady(), BOUNDS) is not None


def test_a_deadline_that_passed_counts_as_time_not_as_a_failure() -> None:
    hands = Hands()
    window = Window(hands)
    trials = [window.begin() for _ in range(20)]
    hands.now += 5.0
    for trial in trials:
        trial.failed(ErrorKind.DEADLINE_EXCEEDED)
    seen = window.seen(60.0)
    assert (seen.failed, seen.requests) == (0, 0)
    why = judge(seen, steady(), BOUNDS)
    assert why is not None
    assert why.startswith("the first piece takes 5.00 s")


def test_a_request_counts_for_the_window_and_an_open_one_as_long_as_it_is() -> None:
    hands = Hands()
    window = Window(hands)
    trial = window.begin()
    hands.now += 1.0
    trial.first()
    hands.now += 2.0
    trial.answered()
    lasting = window.begin()
    hands.now += 59.0
    seen = window.seen(60.0)
    assert (seen.firsts, seen.totals, seen.open_firsts, seen.open_totals) == ([1.0], [3.0], [59.0], [59.0])
    hands.now += 2.0
    lasting.first()
    seen = window.seen(60.0)
    assert (seen.firsts, seen.totals, seen.open_firsts, seen.open_totals) == ([61.0], [], [], [61.0])
    lasting.left()
    assert window.seen(60.0).open_totals == [61.0]
    hands.now += 61.0
    assert window.seen(60.0) == Seen(0, [], [], [], [])


def test_the_account_has_an_end() -> None:
    window = Window(Hands())
    for _ in range(MOST + 100):
        window.begin().answered()
    assert window.seen(60.0).requests == MOST


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_error_rate", -0.1),
        ("max_error_rate", 1.1),
        ("max_error_rate", float("nan")),
        ("max_latency_ratio", 0.5),
        ("min_requests", 0),
        ("window_s", 0.0),
        ("window_s", float("inf")),
    ],
)
def test_bounds_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(HyperCubeError) as caught:
        CanaryBounds.of({name: value})
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, name)
