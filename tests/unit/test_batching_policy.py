"""The policy alone: every reason to close, and every reason to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.batching.policy import NEVER, Close, CloseReason, Forecast, Limits, QueueView, Wait, decide

LIMITS = Limits()
SLOW = Forecast(service_s=0.004, crowd=128)
NOW = 50.0


def queue(
    items: int = 1, *, age: float = 0.0, quiet: float = 0.0, cost: float = 1.0, deadline: float = NEVER
):
    return QueueView(items, cost, NOW - age, NOW - quiet, deadline)


@pytest.mark.parametrize(
    ("view", "forecast", "reason"),
    [
        (queue(), Forecast(), CloseReason.IDLE),
        (queue(), Forecast(service_s=0.004, crowd=1), CloseReason.IDLE),
        (queue(40), Forecast(service_s=0.00001, crowd=128), CloseReason.IDLE),
        (queue(128), SLOW, CloseReason.SIZE),
        (queue(16), Forecast(service_s=0.004, crowd=16), CloseReason.IDLE),
        (queue(2, cost=LIMITS.max_cost), SLOW, CloseReason.COST),
        (queue(2, age=0.010), SLOW, CloseReason.WINDOW),
        (queue(2, age=0.003, quiet=0.002), SLOW, CloseReason.IDLE),
        (queue(2, deadline=NOW + 0.0039), SLOW, CloseReason.DEADLINE),
    ],
    ids=["unknown-key", "lone", "microseconds", "full", "all-here", "cost", "window", "quiet", "deadline"],
)
def test_closes(view: QueueView, forecast: Forecast, reason: CloseReason) -> None:
    assert decide(NOW, view, forecast, LIMITS) == Close(reason)


def test_waits_for_a_crowd_until_the_first_of_window_quiet_and_deadline() -> None:
    assert decide(NOW, queue(5), SLOW, LIMITS) == Wait(NOW + 0.002)
    assert decide(NOW, queue(5, age=0.009), SLOW, LIMITS) == Wait(NOW + 0.001)
    assert decide(NOW, queue(5, deadline=NOW + 0.005), SLOW, LIMITS) == Wait(pytest.approx(NOW + 0.001))


def test_shutdown_closes_whatever_is_there() -> None:
    assert decide(NOW, queue(2), SLOW, LIMITS, shutting_down=True) == Close(CloseReason.SHUTDOWN)


@given(
    items=st.integers(1, 300),
    age=st.floats(0, 0.05),
    quiet_share=st.floats(0, 1),
    service=st.floats(0, 0.1),
    crowd=st.integers(0, 300),
    slack=st.one_of(st.just(NEVER), st.floats(-0.01, 1.0)),
)
def test_no_wait_outlives_the_window_the_deadline_or_a_full_batch(
    items: int, age: float, quiet_share: float, service: float, crowd: int, slack: float
) -> None:
    view = queue(items, age=age, quiet=age * quiet_share, deadline=NOW + slack)
    match decide(NOW, view, Forecast(service, crowd), LIMITS):
        case Wait(until):
            assert NOW < until <= view.first_at + LIMITS.window_s
            assert until <= NOW + slack
            assert items < LIMITS.max_items
            assert items < crowd
        case Close(reason):
            assert reason is not CloseReason.SHUTDOWN


@pytest.mark.parametrize("bad", [{"max_items": 0}, {"max_cost": 0.5}, {"window_s": -1}, {"window_s": 60}])
def test_limits_refuse_nonsense(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Limits(**bad)  # type: ignore[arg-type]
