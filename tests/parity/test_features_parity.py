"""Feature rows: every backend bit for bit, every field against `hypercube.saju.facts`, and what is refused."""

import functools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import compile_cpu
from hypercube.kernels import features as op
from hypercube.kernels.features import FIELDS, LAYOUT_VERSION, ROW_BYTES, features
from hypercube.saju.facts import Facts, facts
from hypercube.saju.facts.void import void_branches

NATIVE = pytest.param(
    "native",
    marks=pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed"),
)
FAST = ("numba", NATIVE)
ALL = ("reference", *FAST)
POSITIONS = ("year", "month", "day", "hour")
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


@pytest.fixture(autouse=True)
def _needs_numba() -> None:
    pytest.importorskip("numba")


def random_charts(rows: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


@functools.cache
def every_real_chart() -> NDArray[np.uint8]:
    """All 720 pairs of year and month, with all 780 of day and hour (23:xx is 子 of either day) and no hour."""
    year_month = [(y, (y % 5 * 12 + 2 + m) % 60) for y in range(60) for m in range(12)]
    day_hour = [(d, (d % 5 * 12 + h) % 60) for d in range(60) for h in range(13)]
    day_hour += [(d, 255) for d in range(60)]
    first = np.repeat(np.array(year_month, dtype=np.uint8), len(day_hour), axis=0)
    second = np.tile(np.array(day_hour, dtype=np.uint8), (len(year_month), 1))
    charts = np.hstack([first, second])
    charts.flags.writeable = False
    return charts


def poisoned(rows: int, poison: int) -> NDArray[np.uint8]:
    return np.full((rows, ROW_BYTES), poison, dtype=np.uint8)


def assert_equal(charts: NDArray[np.uint8], backend: str) -> None:
    """Over two different poisons, so that a byte that is never written cannot agree by luck."""
    want = features(charts, backend="reference", out=poisoned(len(charts), 0xAB))
    got = features(charts, backend=backend, out=poisoned(len(charts), 0xCD))
    assert got.shape == want.shape == (len(charts), ROW_BYTES)
    for name, column in zip(op.column_names(), range(ROW_BYTES), strict=True):
        wrong = np.flatnonzero(got[:, column] != want[:, column])
        assert not wrong.size, (
            f"{name}: {wrong.size} of {len(charts)} differ, first for {charts[wrong[0]]}: "
            f"got {got[wrong[0], column]}, want {want[wrong[0], column]}"
        )


@pytest.mark.parametrize("backend", FAST)
def test_every_real_chart(backend: str) -> None:
    charts = every_real_chart()
    assert len(charts) == len(np.unique(charts.view("<u4"))) == 720 * 840
    assert_equal(charts, backend)


@pytest.mark.parametrize("backend", FAST)
def test_every_pair_of_pillars_at_every_pair_of_positions(backend: str) -> None:
    pairs = np.array([(a, b) for a in range(60) for b in range(60)], dtype=np.uint8)
    for first, second in PAIRS:
        charts = random_charts(len(pairs), seed=first * 4 + second)
        charts[:, (first, second)] = pairs
        assert_equal(charts, backend)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("rows", [0, 1, 2, 127, 128, 129, 1_023, 16_383, 16_385, 104_729])
def test_sizes(backend: str, rows: int) -> None:
    assert_equal(random_charts(rows, seed=rows), backend)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_matter(backend: str, threads: int) -> None:
    charts = random_charts(200_003, seed=21)
    want = features(charts, backend="numba", out=poisoned(len(charts), 0xAB))
    got = features(charts, backend=backend, threads=threads, out=poisoned(len(charts), 0xCD))
    assert (got == want).all()
    charts[150_000, 1] = 77
    with pytest.raises(HyperCubeError, match=r"charts\[150000\]\[1\] is 77"):
        features(charts, backend=backend, threads=threads)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend", FAST)
def test_twenty_million_random_charts(backend: str) -> None:
    for chunk in range(40):
        assert_equal(random_charts(500_000, seed=1_000 + chunk), backend)


def test_the_layout_has_no_gap_and_says_what_it_is() -> None:
    assert LAYOUT_VERSION == 1
    offset = 0
    for field in FIELDS:
        assert field.offset == offset, field.name
        offset += field.width
        assert field.meaning
        assert field.kind in ("code", "count", "flags")
    assert offset == ROW_BYTES == len(op.column_names()) == len(set(op.column_names()))
    assert len(op.flag_names()) == 16


def test_every_range_is_kept_and_reached() -> None:
    """Over all real charts: nothing outside the stated range, and codes reach both of its ends."""
    rows = features(every_real_chart(), backend="numba")
    for field in FIELDS:
        values = rows[:, field.offset : field.offset + field.width]
        present = values[values != 255] if field.none else values.reshape(-1)
        if field.none:
            assert (values == 255).any(), field.name
        assert present.min() >= field.low, field.name
        assert present.max() <= field.high, field.name
        if field.kind == "code":
            assert (present.min(), present.max()) == (field.low, field.high), field.name


def from_facts(found: Facts) -> dict[str, NDArray[Any]]:
    """Every field as the facts have it."""
    unknown = found.pillars[:, 3] == 255
    fields: dict[str, NDArray[Any]] = {}
    for position, name in enumerate(POSITIONS):
        missing = unknown & (position == 3)
        pillar = found.pillars[:, position]
        hidden = found.hidden_stems[:, position]
        fields[f"{name}_stem"] = np.where(missing, 255, pillar % 10)
        fields[f"{name}_branch"] = np.where(missing, 255, pillar % 12)
        fields[f"{name}_stem_god"] = found.stem_gods[:, position]
        fields[f"{name}_branch_god"] = found.branch_gods[:, position]
        fields[f"{name}_stage"] = found.stages[:, position]
        fields[f"{name}_hidden_elements"] = np.where(hidden == 255, 255, hidden // 2)
    fields["element_counts"] = found.element_counts
    fields["yang"] = found.polarity[:, 0]
    fields["roots"] = found.roots
    fields["strength"] = found.strength
    fields["element_points"] = (found.element_weights().astype(int) + 15) // 30
    fields["support"] = found.support[:, 0]
    fields["support_month"] = found.support[:, 1]
    fields["support_day"] = found.support[:, 2]
    fields["support_rest"] = found.support[:, 3]
    void = np.array([void_branches(pillar) for pillar in range(60)])
    for pair, (first, second) in enumerate(PAIRS):
        flags = found.pair_relations[:, pair].astype(int)
        known = ~(unknown & (second == 3))
        for target, basis, bit in ((second, first, 14), (first, second, 15)):
            branch = found.pillars[:, target] % 12
            by_basis = void[np.where(known, found.pillars[:, basis], 0)]
            flags |= ((by_basis == branch[:, None]).any(axis=1) & known).astype(int) << bit
        fields[f"{POSITIONS[first]}_{POSITIONS[second]}_relations"] = np.stack([flags & 255, flags >> 8], 1)
    fields["groups"] = np.stack([found.groups & 255, found.groups >> 8], 1)
    fields["hour_known"] = ~unknown
    return fields


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("which", ["random", "real"])
def test_every_field_equals_the_facts(backend: str, which: str) -> None:
    charts = (
        random_charts(50_000, seed=5) if which == "random" else np.ascontiguousarray(every_real_chart()[::11])
    )
    rows = features(charts, backend=backend)
    want = from_facts(facts(charts))
    assert want.keys() == {field.name for field in FIELDS}
    for field in FIELDS:
        got = rows[:, field.offset : field.offset + field.width]
        wrong = (got != want[field.name].reshape(len(charts), -1)).any(axis=1)
        assert not wrong.any(), f"{field.name}: {wrong.sum()} differ, first for {charts[np.argmax(wrong)]}"


def test_void_flags_are_those_of_the_facts() -> None:
    charts = random_charts(20_000, seed=9)
    found = facts(charts)
    rows = features(charts, backend="numba")
    flags = rows[:, 48:60].copy().view("<u2")
    by_year = np.stack([flags[:, 0] >> 14 & 1, flags[:, 1] >> 14 & 1, flags[:, 2] >> 14 & 1], 1)
    assert (by_year == found.void_by_year()[:, 1:]).all()
    by_day = np.stack([flags[:, 1] >> 15, flags[:, 3] >> 15, flags[:, 5] >> 14 & 1], 1)
    assert (by_day == found.void_by_day()[:, (0, 1, 3)]).all()


def test_an_unknown_hour_has_its_own_code() -> None:
    row = features(np.array([[0, 2, 4, 255]], dtype=np.uint8), backend="numba")[0]
    assert row[24:32].tolist() == [255] * 8
    assert row[63] == 0
    assert row[32:37].sum() == 6


@pytest.mark.parametrize("backend", ALL)
def test_order_and_buffers_do_not_matter(backend: str) -> None:
    charts = random_charts(3_001, seed=3)
    whole = features(charts, backend=backend)
    order = np.random.default_rng(4).permutation(len(charts))
    assert (features(charts[order], backend=backend) == whole[order]).all()
    raw = np.frombuffer(b"x" + charts.tobytes(), np.uint8, offset=1).reshape(-1, 4)
    raw_out = np.full(len(charts) * ROW_BYTES + 1, 255, dtype=np.uint8)[1:].reshape(-1, ROW_BYTES)
    assert features(raw, backend=backend, out=raw_out) is raw_out
    assert (raw_out == whole).all()


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(("column", "value"), [(0, 60), (0, 255), (1, 255), (2, 61), (3, 60), (3, 254)])
@pytest.mark.parametrize("row", [0, 17_000])
def test_a_value_out_of_range_names_its_place(backend: str, column: int, value: int, row: int) -> None:
    charts = random_charts(17_001, seed=6)
    charts[row, column] = value
    with pytest.raises(HyperCubeError) as caught:
        features(charts, backend=backend)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == f"charts[{row}][{column}]"
    assert caught.value.value == value


CHARTS = np.zeros((4, 4), dtype=np.uint8)
READ_ONLY = np.zeros((4, 64), dtype=np.uint8)
READ_ONLY.flags.writeable = False
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "list": ([[0, 0, 0, 0]], {}, "charts"),
    "int64": (CHARTS.astype(np.int64), {}, "charts"),
    "flat": (CHARTS.reshape(-1), {}, "charts"),
    "five columns": (np.zeros((4, 5), dtype=np.uint8), {}, "charts"),
    "strided": (np.zeros((8, 4), dtype=np.uint8)[::2], {}, "charts"),
    "backend": (CHARTS, {"backend": "nunba"}, "backend"),
    "threads": (CHARTS, {"threads": 0}, "threads"),
    "out list": (CHARTS, {"out": []}, "out"),
    "out narrow": (CHARTS, {"out": np.zeros((4, 63), dtype=np.uint8)}, "out"),
    "out dtype": (CHARTS, {"out": np.zeros((4, 64), dtype=np.int8)}, "out"),
    "out order": (CHARTS, {"out": np.zeros((64, 4), dtype=np.uint8).T}, "out"),
    "out read-only": (CHARTS, {"out": READ_ONLY}, "out"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("backend", ALL)
def test_what_is_refused(case: str, backend: str) -> None:
    charts, options, param = REFUSED[case]
    with pytest.raises(HyperCubeError) as caught:
        features(charts, **{"backend": backend, **options})
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == param
    assert caught.value.fix


def test_out_must_not_lie_over_the_input() -> None:
    memory = np.zeros((4, 64), dtype=np.uint8)
    with pytest.raises(HyperCubeError, match="shares memory"):
        features(memory.reshape(-1)[:16].reshape(4, 4), out=memory)


def test_auto_says_why() -> None:
    op.warm_up("numba")
    name, reason = op.explain(1)
    assert name == "numba"
    assert reason == "native: pays from 4,096 rows on"
    assert op.explain(1, "reference").reason == "asked for by name"
