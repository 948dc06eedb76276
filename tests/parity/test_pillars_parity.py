"""Every fast backend of `pillars` against the NumPy reference, bit for bit, and what the wrapper refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import pillars as op
from hypercube.kernels.compile_cpu import compiler
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, pillars
from hypercube.kernels.pillars.terms import load_terms

FAST = (
    "numba",
    pytest.param(
        "native", marks=pytest.mark.skipif(compiler() is None, reason="no C++ compiler is installed")
    ),
)
ALL = ("reference", *FAST)
INSTALLED = ("reference", "numba", *(["native"] if compiler() else []))
OFFSETS = (0, 1, -1, 32_400, 30_600, -18_000, 30_475, MAX_OFFSET_S, -MAX_OFFSET_S)
TERMS = load_terms()
FIRST, LAST = TERMS.first_utc_s, TERMS.last_utc_s


@pytest.fixture(autouse=True)
def _needs_numba() -> None:
    pytest.importorskip("numba")


def random_births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    utc = rng.integers(FIRST, LAST + 1, rows)
    return utc, rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, rows, dtype=np.int32)


def poisoned(rows: int, poison: int) -> np.ndarray:
    return np.full((rows, 4), poison, dtype=np.uint8)


def assert_equal(utc: Any, offset: Any, day_boundary: str, backend: str) -> None:
    """Compare over two different poisons, so that a cell that is never written cannot agree by luck."""
    want = pillars(utc, offset, day_boundary=day_boundary, backend="reference", out=poisoned(len(utc), 0xAB))
    got = pillars(utc, offset, day_boundary=day_boundary, backend=backend, out=poisoned(len(utc), 255))
    assert got.shape == want.shape
    assert got.dtype == want.dtype == np.uint8
    assert want.size == 0 or want.max() < 60
    for column, name in enumerate(("year", "month", "day", "hour")):
        wrong = np.flatnonzero(got[:, column] != want[:, column])
        assert not wrong.size, (
            f"{name}: {wrong.size} of {len(utc)} differ, first at row {wrong[0]}: utc {utc[wrong[0]]}, "
            f"got {got[wrong[0]]}, want {want[wrong[0]]}"
        )


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
@pytest.mark.parametrize("offset", OFFSETS)
def test_around_every_jie(backend: str, day_boundary: str, offset: int) -> None:
    around = (TERMS.jie_s[:, None] + np.array([-1, 0, 1])).reshape(-1)
    around = around[(around >= FIRST) & (around <= LAST)]
    assert len(around) == 3 * len(TERMS.jie_s) - 3
    assert_equal(around, offset, day_boundary, backend)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_around_every_clock_hour_of_the_60_day_cycle(backend: str, day_boundary: str) -> None:
    """And around every bucket edge of the packed table."""
    for start in (FIRST + 86_400 * 2, -86_400 * 30, LAST - 86_400 * 63):
        hours = start // 3_600 * 3_600 + np.arange(1_440, dtype=np.int64) * 3_600
        assert_equal((hours[:, None] + np.array([-1, 0, 1])).reshape(-1), 0, day_boundary, backend)
    edges = np.arange(FIRST + (1 << 21), LAST, 1 << 21, dtype=np.int64)
    assert_equal((edges[:, None] + np.array([-1, 0, 1])).reshape(-1), 32_400, day_boundary, backend)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
@pytest.mark.parametrize("rows", [0, 1, 2, 127, 128, 129, 1_023, 65_535, 65_537, 104_729])
def test_sizes(backend: str, day_boundary: str, rows: int) -> None:
    assert_equal(*random_births(rows, seed=rows), day_boundary, backend)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_two_million_random_births(backend: str, day_boundary: str) -> None:
    assert_equal(*random_births(2_000_000, seed=20_261_122), day_boundary, backend)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_a_hundred_million_random_births(backend: str, day_boundary: str) -> None:
    for chunk in range(50):
        assert_equal(*random_births(2_000_000, seed=1_000_000 + chunk), day_boundary, backend)


@pytest.mark.parametrize("backend", ALL)
def test_the_ends_of_the_table(backend: str) -> None:
    ends = np.array([FIRST, LAST])
    for offset in (-MAX_OFFSET_S, MAX_OFFSET_S):
        assert_equal(ends, offset, "zi23", backend)
    # 1799-12-07 is in the 丙子 month of 己未, 2201-01-05 still in the 戊子 month of 庚子.
    assert pillars(ends, 0, backend=backend)[:, :2].tolist() == [[55, 12], [36, 24]]


@pytest.mark.parametrize("backend", ALL)
def test_order_and_batch_size_do_not_matter(backend: str) -> None:
    utc, offset = random_births(3_001, seed=3)
    whole = pillars(utc, offset, backend=backend)
    order = np.random.default_rng(4).permutation(len(utc))
    assert (pillars(utc[order], offset[order], backend=backend) == whole[order]).all()
    for size in (1, 7, 1_000):
        cuts = range(0, len(utc), size)
        parts = [pillars(utc[i : i + size], offset[i : i + size], backend=backend) for i in cuts]
        assert (np.concatenate(parts) == whole).all()


@pytest.mark.parametrize("backend", ALL)
def test_out_is_filled_and_returned(backend: str) -> None:
    utc, offset = random_births(1_000, seed=8)
    out = poisoned(1_000, 255)
    assert pillars(utc, offset, backend=backend, out=out) is out
    assert (out == pillars(utc, offset, backend=backend)).all()


@pytest.mark.parametrize("backend", ALL)
def test_read_only_and_unaligned_buffers(backend: str) -> None:
    """What a message decoder hands over: read-only memory that begins at any address."""
    utc, offset = random_births(100, seed=9)
    want = pillars(utc, offset, backend=backend)
    raw_utc = np.frombuffer(b"x" + utc.tobytes(), np.int64, offset=1)
    raw_offset = np.frombuffer(b"x" + offset.tobytes(), np.int32, offset=1)
    assert not raw_utc.flags.writeable
    raw_out = np.full(401, 255, dtype=np.uint8)[1:].reshape(100, 4)
    assert (pillars(raw_utc, raw_offset, backend=backend, out=raw_out) == want).all()


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("offset", [32_400, np.int32(32_400), np.int64(32_400), np.array(32_400)])
def test_one_offset_for_all(backend: str, offset: Any) -> None:
    utc, _ = random_births(50, seed=10)
    want = pillars(utc, np.full(50, 32_400, dtype=np.int32), backend=backend)
    assert (pillars(utc, offset, backend=backend) == want).all()


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("row", [0, 1, 70_000])
@pytest.mark.parametrize("value", [FIRST - 1, LAST + 1, -(2**63), 2**63 - 1, 9_999_999_999_999])
def test_an_instant_out_of_range_names_its_row(backend: str, row: int, value: int) -> None:
    utc, offset = random_births(70_001, seed=11)
    utc[row] = value
    utc[-1] = value
    with pytest.raises(HyperCubeError) as caught:
        pillars(utc, offset, backend=backend)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == f"utc_seconds[{row}]"
    assert caught.value.value == value
    assert "1799-12-07T" in caught.value.message
    assert "2201-01-05T" in caught.value.message


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("value", [MAX_OFFSET_S + 1, -MAX_OFFSET_S - 1, 2**31 - 1, -(2**31)])
def test_an_offset_out_of_range_names_its_row(backend: str, value: int) -> None:
    utc, offset = random_births(200, seed=12)
    offset[17] = value
    with pytest.raises(HyperCubeError) as caught:
        pillars(utc, offset, backend=backend)
    assert caught.value.param == "offset_seconds[17]"
    with pytest.raises(HyperCubeError) as caught:
        pillars(utc, value, backend=backend)
    assert caught.value.param == "offset_seconds"


UTC = np.zeros(4, dtype=np.int64)
OFFSET = np.zeros(4, dtype=np.int32)
READ_ONLY = np.zeros((4, 4), dtype=np.uint8)
READ_ONLY.flags.writeable = False
REFUSED = {
    "list": ([0], 0, {}, "utc_seconds"),
    "float": (UTC.astype(float), 0, {}, "utc_seconds"),
    "int32 instants": (UTC.astype(np.int32), 0, {}, "utc_seconds"),
    "big-endian": (UTC.astype(">i8"), 0, {}, "utc_seconds"),
    "two dimensions": (UTC.reshape(2, 2), 0, {}, "utc_seconds"),
    "no dimension": (np.array(0), 0, {}, "utc_seconds"),
    "strided": (np.zeros(8, dtype=np.int64)[::2], 0, {}, "utc_seconds"),
    "reversed": (UTC[::-1], 0, {}, "utc_seconds"),
    "int64 offsets": (UTC, OFFSET.astype(np.int64), {}, "offset_seconds"),
    "strided offsets": (UTC, np.zeros(8, dtype=np.int32)[::2], {}, "offset_seconds"),
    "three offsets": (UTC, OFFSET[:3], {}, "offset_seconds"),
    "one offset in an array": (UTC, OFFSET[:1], {}, "offset_seconds"),
    "offset float": (UTC, 32_400.0, {}, "offset_seconds"),
    "offset bool": (UTC, True, {}, "offset_seconds"),
    "offset None": (UTC, None, {}, "offset_seconds"),
    "offsets in two dimensions": (UTC, OFFSET.reshape(2, 2), {}, "offset_seconds"),
    "boundary": (UTC, 0, {"day_boundary": "midnigth"}, "day_boundary"),
    "backend": (UTC, 0, {"backend": "nunba"}, "backend"),
    "out list": (UTC, 0, {"out": [0]}, "out"),
    "out dtype": (UTC, 0, {"out": np.zeros((4, 4), dtype=np.int8)}, "out"),
    "out short": (UTC, 0, {"out": np.zeros((3, 4), dtype=np.uint8)}, "out"),
    "out flat": (UTC, 0, {"out": np.zeros(16, dtype=np.uint8)}, "out"),
    "out transposed": (UTC, 0, {"out": np.zeros((4, 4), dtype=np.uint8).T}, "out"),
    "out read-only": (UTC, 0, {"out": READ_ONLY}, "out"),
    "out over input": (UTC, 0, {"out": UTC.view(np.uint8)[:16].reshape(4, 4)}, "out"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("backend", ALL)
def test_what_is_refused(case: str, backend: str) -> None:
    utc, offset, options, param = REFUSED[case]
    with pytest.raises(HyperCubeError) as caught:
        pillars(utc, offset, **{"backend": backend, **options})
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == param
    assert caught.value.fix


def test_a_misspelt_name_suggests_the_right_one() -> None:
    with pytest.raises(HyperCubeError, match="'numba'") as caught:
        pillars(UTC, 0, backend="nunba")
    assert caught.value.details["choices"] == ["auto", "native", "numba", "reference", "triton", "cupy"]
    with pytest.raises(HyperCubeError, match="'midnight'"):
        pillars(UTC, 0, day_boundary="midnigth")


instants = st.integers(FIRST + 86_400, LAST - 86_400)
zones = st.integers(-MAX_OFFSET_S, MAX_OFFSET_S)
boundaries = st.sampled_from(DAY_BOUNDARIES)
implementations = st.sampled_from(INSTALLED)


def at(utc: list[int], offset: int, day_boundary: str, backend: str) -> list[list[int]]:
    array = np.array(utc, dtype=np.int64)
    return pillars(array, offset, day_boundary=day_boundary, backend=backend).astype(int).tolist()


@given(instants, zones, boundaries, implementations)
@settings(max_examples=300, deadline=None)
def test_a_day_later_is_the_next_day_pillar(utc: int, offset: int, boundary: str, backend: str) -> None:
    now, tomorrow = at([utc, utc + 86_400], offset, boundary, backend)
    assert (tomorrow[2] - now[2]) % 60 == 1
    assert (tomorrow[3] - now[3]) % 60 == 12


@given(instants, zones, boundaries, implementations)
@settings(max_examples=300, deadline=None)
def test_stems_and_branches_agree(utc: int, offset: int, boundary: str, backend: str) -> None:
    [[year, month, day, hour]] = at([utc], offset, boundary, backend)
    # 五虎遁 and 五鼠遁: the year stem fixes the stem of the 寅 month, the day stem that of the 子 hour.
    assert month % 10 == (year % 5 * 2 + 2 + (month % 12 - 2) % 12) % 10
    clock_hour = (utc + offset) % 86_400 // 3_600
    ruling = (day + (boundary == "midnight" and clock_hour == 23)) % 10
    assert hour % 10 == (ruling % 5 * 2 + hour % 12) % 10
    assert hour % 12 == (clock_hour + 1) // 2 % 12
    assert all(0 <= pillar < 60 for pillar in (year, month, day, hour))


@given(st.integers(0, len(TERMS.jie_s) - 3), zones, implementations)
@settings(max_examples=300, deadline=None)
def test_months_follow_one_another(j: int, offset: int, backend: str) -> None:
    opens = int(TERMS.jie_s[j + 1])
    before, after = at([opens - 1, opens], offset, "midnight", backend)
    assert (after[1] - before[1]) % 60 == 1
    # The branch is the month's own: 寅 opens at 입춘; only there the year changes.
    assert after[1] % 12 == (TERMS.term(j + 1).k // 2 + 1) % 12
    assert (after[0] - before[0]) % 60 == (1 if TERMS.term_name(j + 1) == "입춘" else 0)


@given(instants, zones, implementations)
@settings(max_examples=200, deadline=None)
def test_conventions_differ_only_at_23(utc: int, offset: int, backend: str) -> None:
    [midnight], [zi23], [same_day] = (at([utc], offset, name, backend) for name in DAY_BOUNDARIES)
    if (utc + offset) % 86_400 // 3_600 == 23:
        assert zi23 == [*midnight[:2], (midnight[2] + 1) % 60, midnight[3]]
        assert same_day == [*midnight[:3], (midnight[3] - 12) % 60]
    else:
        assert midnight == zi23 == same_day


def test_warm_up_compiles_and_says_what() -> None:
    assert op.warm_up() == (*(["native"] if compiler() else []), "numba", "reference")
    assert op.explain(1).name == "numba"
    assert op.explain(1_000_000).name == ("native" if compiler() else "numba")
    assert op.explain(1, "reference") == ("reference", "asked for by name")
