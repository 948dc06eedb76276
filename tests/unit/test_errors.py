"""Errors keep what they were given, cut what is too long to echo, and survive the trip as data."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown


def test_an_error_reads_as_message_and_fix() -> None:
    error = invalid("longitude is 200.", param="longitude", value=200, fix="Give -180 to 180.")
    assert str(error) == "longitude is 200. Give -180 to 180."
    assert error.kind is ErrorKind.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("param", "prefix", "expected"),
    [
        ("longitude", "births[3]", "births[3].longitude"),
        (None, "births[3]", "births[3]"),
        ("[2]", "births", "births[2]"),
    ],
)
def test_a_batch_names_the_row(param: str | None, prefix: str, expected: str) -> None:
    assert invalid("x", param=param).failure(prefix).param == expected


@given(
    kind=st.sampled_from(ErrorKind),
    message=st.text(),
    param=st.none() | st.text(min_size=1),
    value=st.none() | st.text(max_size=120) | st.integers(-(2**53) + 1, 2**53 - 1),
    retry=st.none() | st.floats(0, 100),
)
def test_an_error_survives_the_trip_as_data(
    kind: ErrorKind, message: str, param: str | None, value: object, retry: float | None
) -> None:
    error = HyperCubeError(kind, message, param=param, value=value, details={"a": 1}, retry_after_s=retry)
    assert HyperCubeError.of(error.failure()).failure() == error.failure()


def test_an_error_crosses_a_process_boundary() -> None:
    error = invalid("x", param="a", value=1, fix="y", choices=[1, 2])
    assert pickle.loads(pickle.dumps(error)).failure() == error.failure()


def test_long_values_are_cut() -> None:
    assert len(str(shown("x" * 10_000))) == 120
    assert shown(10**5000) == "an integer of 16610 bits"
    assert shown(2**60) == str(2**60)
    assert shown(True) is True


def test_the_nearest_name_or_none() -> None:
    assert nearest("nmuba", ["reference", "numba"]) == "numba"
    assert nearest("zzzz", ["reference", "numba"]) is None
