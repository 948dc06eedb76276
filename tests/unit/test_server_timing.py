"""Server-Timing says milliseconds to the microsecond, short times and long ones."""

from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.cube import Timing
from hypercube.gateway.server_timing import server_timing


def test_every_part_is_named() -> None:
    assert server_timing(Timing(), 0.0) == "total;dur=0.000"
    told = server_timing(Timing(queue_s=0.001, batch_s=0.0125, compute_s=2.5, batch_size=3), 2.6)
    assert (
        told == 'queue;dur=1.000, batch;dur=12.500, compute;dur=2500.000, items;desc="3", total;dur=2600.000'
    )


@given(st.floats(0, 10_000))
def test_a_time_is_off_by_less_than_a_microsecond(seconds: float) -> None:
    told = float(server_timing(Timing(), seconds).removeprefix("total;dur="))
    assert abs(told - seconds * 1000) <= 0.00051


def test_a_clock_that_ran_backwards_breaks_nothing() -> None:
    assert server_timing(Timing(), -0.001) == "total;dur=-1.000"
