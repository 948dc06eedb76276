"""Compatibility: every backend against the reference, the reference against the rules in words, and the search."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import compatibility as op
from hypercube.kernels import compile_cpu
from hypercube.kernels.compatibility import (
    COMPONENTS,
    SYMMETRIC,
    bounded,
    compatibility,
    components,
    native,
    score,
    tables,
    top_k,
)
from hypercube.saju.facts.relations import PAIR_RULES, pair_mask
from hypercube.saju.facts.symbols import BRANCH_ELEMENT, STEM_ELEMENT
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god


def native_refusal() -> str | None:
    """Why there is no `native` backend here: no compiler, or a processor without its instructions."""
    try:
        native.warm_up()
    except HyperCubeError as error:
        if error.kind is not ErrorKind.FAILED_PRECONDITION or "disagrees" in error.message:
            raise
        return error.message
    return None


REFUSAL = native_refusal()
FAST = ("numba", pytest.param("native", marks=pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))))
ALL = ("reference", *FAST)


@pytest.fixture(autouse=True)
def _needs_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hypercube.kernels.compatibility.numba")
    monkeypatch.setattr(bounded, "_FEWEST", 1_000)  # so that small inputs are cut into runs as well


def random_charts(rows: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


def in_words(query: list[int], chart: list[int]) -> dict[str, int]:
    """The definition again, one pair at a time, from the rules of `hypercube.saju.facts`."""

    def held(first: int, second: int, of: str) -> set[str]:
        mask = pair_mask(first, second)
        return {r.name.key for bit, r in enumerate(PAIR_RULES) if mask >> bit & 1 and r.of == of}

    def letters(pillars: list[int]) -> list[int]:
        known = [p for p in pillars if p != 255]
        return [STEM_ELEMENT[p % 10] for p in known] + [BRANCH_ELEMENT[p % 12] for p in known]

    def spouse(day_stem: int, pillars: list[int]) -> int:
        total = 0
        for position, pillar in enumerate(pillars):
            if pillar == 255:
                continue
            seen = [ten_god(day_stem, pillar % 10)] * (position != 2)
            seen += [branch_god(day_stem, pillar % 12)] * (2 if position == 2 else 1)
            total += sum(star[TEN_GODS[god].key] for god in seen)
        return total

    star = {god.key: 0 for god in TEN_GODS} | {
        "direct_wealth": 2,
        "direct_officer": 2,
        "indirect_wealth": 1,
        "indirect_officer": 1,
    }
    stems = held(query[2], chart[2], "stem")
    steps = (STEM_ELEMENT[chart[2] % 10] - STEM_ELEMENT[query[2] % 10]) % 5
    found = {
        "day_stem_relation": sum({"stem_combination": 20, "stem_clash": -8}[name] for name in stems),
        "day_stem_element": 0 if "stem_combination" in stems else [2, 4, -3, -3, 4][steps],
    }
    for place, weight in enumerate((2, 1, 4, 1)):
        known = 255 not in (query[place], chart[place])
        names = held(query[place], chart[place], "branch") if known else set()
        name = ("year", "month", "day", "hour")[place]
        found[f"{name}_branch"] = weight * sum(score.BRANCH_WEIGHTS[each] for each in names)
    found["spouse_star"] = spouse(query[2] % 10, chart) + spouse(chart[2] % 10, query)
    own = letters(query)
    found["element_complement"] = sum(
        2 if own.count(each) == 0 else -1 if own.count(each) >= 4 else 0 for each in letters(chart)
    )
    return found


def test_the_components_are_the_rules_in_words() -> None:
    charts = random_charts(3_000, seed=1).tolist()
    for query, chart in zip(charts[:1_500], charts[1_500:], strict=True):
        assert components(query, chart) == in_words(query, chart), (query, chart)


@pytest.mark.parametrize("backend", ALL)
def test_the_parts_sum_to_the_score(backend: str) -> None:
    charts = random_charts(200, seed=2)
    scores = compatibility(charts[:4], charts, backend=backend)
    for i in range(4):
        for j in range(200):
            found = components(charts[i], charts[j])
            assert tuple(found) == COMPONENTS
            assert sum(found.values()) == scores[i, j]


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("rows", [0, 1, 2, 127, 128, 129, 1_023, 65_535, 65_537, 104_729])
def test_scores_of_every_size(backend: str, rows: int) -> None:
    queries, charts = random_charts(3, seed=90), random_charts(rows, seed=rows)
    want = compatibility(queries, charts, backend="reference", out=np.full((3, rows), 31_000, np.int16))
    got = compatibility(queries, charts, backend=backend, out=np.full((3, rows), -31_000, np.int16))
    assert got.shape == (3, rows)
    assert (got == want).all()


@pytest.mark.parametrize("backend", FAST)
def test_every_pillar_at_every_position_for_every_query_pillar(backend: str) -> None:
    """All 4 x 60 x 61 cells of the tables are read."""
    rng = np.random.default_rng(3)
    for position in range(4):
        values = list(range(60)) + ([255] if position == 3 else [])
        queries = rng.integers(0, 60, (len(values), 4), dtype=np.uint8)
        charts = rng.integers(0, 60, (len(values), 4), dtype=np.uint8)
        queries[:, position] = charts[:, position] = values
        want = compatibility(queries, charts, backend="reference")
        assert (compatibility(queries, charts, backend=backend) == want).all()


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("backend", FAST)
def test_a_hundred_million_random_scores(backend: str) -> None:
    for chunk in range(100):
        queries, charts = random_charts(20, seed=5_000 + chunk), random_charts(50_000, seed=chunk)
        want = compatibility(queries, charts, backend="reference")
        assert (compatibility(queries, charts, backend=backend) == want).all()


def test_scores_stay_within_their_limit() -> None:
    """The extremes of every query's tables, over all day pillars and a sample of the rest."""
    queries = random_charts(600, seed=4)
    queries[:, 2] = np.arange(600) % 60
    found = [tables.by_pillar(query).astype(int) for query in queries]
    assert max(table.max(axis=1).sum() for table in found) < score.SCORE_LIMIT
    assert min(table.min(axis=1).sum() for table in found) > -score.SCORE_LIMIT
    # No sum of weights can leave it either: 8 letters, 10 + 10 counted gods, eight units of branches.
    branch = max(abs(weight) for row in score._BRANCHES.tolist() for weight in row)
    bound = 20 + 8 + 4 + 8 * branch + 2 * 2 * 9 + 2 * 8
    assert bound < score.SCORE_LIMIT < tables.WRONG // 2
    assert 2 * tables.WRONG < 2**15


charts_of_one = st.tuples(
    st.integers(0, 59), st.integers(0, 59), st.integers(0, 59), st.one_of(st.integers(0, 59), st.just(255))
)


@given(charts_of_one, charts_of_one)
@settings(max_examples=300, deadline=None)
def test_what_is_called_symmetric_is(one: Any, other: Any) -> None:
    there, back = components(one, other), components(other, one)
    for name in SYMMETRIC:
        assert there[name] == back[name], name


def test_what_is_not_called_symmetric_is_not() -> None:
    charts = random_charts(100, seed=6).tolist()
    for name in set(COMPONENTS) - SYMMETRIC:
        pairs = zip(charts[::2], charts[1::2], strict=True)
        assert any(components(a, b)[name] != components(b, a)[name] for a, b in pairs)


@given(charts_of_one, charts_of_one)
@settings(max_examples=200, deadline=None)
def test_an_unknown_hour_contributes_nothing(one: Any, other: Any) -> None:
    without = (*other[:3], 255)
    known, unknown = components(one, other), components(one, without)
    assert unknown["hour_branch"] == components((*one[:3], 255), other)["hour_branch"] == 0
    for name in ("day_stem_relation", "day_stem_element", "year_branch", "month_branch", "day_branch"):
        assert known[name] == unknown[name]
    assert tables.by_pillar(np.array(one, dtype=np.uint8))[3, 60] == 0


def brute(scores: NDArray[np.int16], k: int) -> tuple[list[int], list[int]]:
    order = sorted(range(len(scores)), key=lambda i: (-int(scores[i]), i))[:k]
    return order, [int(scores[i]) for i in order]


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("k", [1, 2, 100, 4_999, 5_000, 5_001, 2**40])
def test_top_k_is_the_sorted_head(backend: str, threads: int, k: int) -> None:
    queries, charts = random_charts(2, seed=7), random_charts(5_000, seed=8)
    scores = compatibility(queries, charts, backend="reference")
    best = top_k(queries, charts, k, backend=backend, threads=threads)
    assert best.rows.shape == best.scores.shape == (2, min(k, 5_000))
    assert (best.rows.dtype, best.scores.dtype) == (np.int64, np.int16)
    for i in range(2):
        assert (best.rows[i].tolist(), best.scores[i].tolist()) == brute(scores[i], k)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 100, 3_000, 60_000])
@pytest.mark.parametrize("order", ["random", "rising", "falling", "equal"])
@pytest.mark.parametrize("backend", FAST)
def test_top_k_of_many_refills_its_buffer(backend: str, order: str, k: int, threads: int) -> None:
    """Rising scores are the worst case: every candidate enters the buffer."""
    query, charts = random_charts(1, seed=10), random_charts(100_003, seed=11)
    if order == "equal":
        charts[:] = charts[0]
    elif order != "random":
        by_score = np.argsort(compatibility(query, charts, backend="reference")[0], kind="stable")
        charts = charts[by_score if order == "rising" else by_score[::-1]]
    want = top_k(query, charts, k, backend="reference")
    got = top_k(query, charts, k, backend=backend, threads=threads)
    assert (got.scores == want.scores).all()
    assert (got.rows == want.rows).all()
    if order == "equal":
        assert got.rows[0].tolist() == list(range(k))


@pytest.mark.parametrize("backend", ALL)
def test_a_permutation_of_the_candidates_permutes_the_answer(backend: str) -> None:
    query, charts = random_charts(1, seed=12), random_charts(20_000, seed=13)
    order = np.random.default_rng(14).permutation(len(charts))
    whole, moved = (top_k(query, each, 50, backend=backend) for each in (charts, charts[order]))
    assert (whole.scores == moved.scores).all()
    last = whole.scores[0, -1]
    above = whole.scores[0] > last  # of those that tie at the cut, which ones are kept depends on the order
    assert set(order[moved.rows[0][above]]) == set(whole.rows[0][above])
    scores = compatibility(query, charts, backend=backend)
    assert (compatibility(query, charts[order], backend=backend) == scores[:, order]).all()


@pytest.mark.parametrize("backend", ALL)
def test_unaligned_read_only_input_and_no_candidates(backend: str) -> None:
    query, charts = random_charts(1, seed=15), random_charts(1_000, seed=16)
    raw = np.frombuffer(b"x" + charts.tobytes(), np.uint8, offset=1).reshape(-1, 4)
    assert (compatibility(query, raw, backend=backend) == compatibility(query, charts)).all()
    assert (top_k(query, raw, 9, backend=backend).rows == top_k(query, charts, 9).rows).all()
    assert top_k(query, charts[:0], 9, backend=backend).rows.shape == (1, 0)
    assert top_k(query[:0], charts, 9, backend=backend).scores.shape == (0, 9)
    assert compatibility(query[:0], charts, backend=backend).shape == (0, 1_000)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("column", "value"), [(0, 60), (1, 255), (2, 200), (3, 60), (3, 254)])
@pytest.mark.parametrize("row", [0, 70_000])
def test_a_value_out_of_range_names_its_place(
    backend: str, threads: int, column: int, value: int, row: int
) -> None:
    query, charts = random_charts(2, seed=17), random_charts(70_001, seed=18)
    charts[row, column] = value
    for call in (
        lambda: compatibility(query, charts, backend=backend),
        lambda: top_k(query, charts, 10, backend=backend, threads=threads),
    ):
        with pytest.raises(HyperCubeError) as caught:
            call()
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
        assert (caught.value.param, caught.value.value) == (f"charts[{row}][{column}]", value)


ONE = np.zeros((1, 4), dtype=np.uint8)
REFUSED: dict[str, tuple[Any, str]] = {
    "k zero": (lambda: top_k(ONE, ONE, 0), "k"),
    "k negative": (lambda: top_k(ONE, ONE, -1), "k"),
    "k bool": (lambda: top_k(ONE, ONE, True), "k"),
    "k float": (lambda: top_k(ONE, ONE, 1.0), "k"),  # type: ignore[arg-type]
    "threads": (lambda: top_k(ONE, ONE, 1, threads=0), "threads"),
    "many threads": (lambda: top_k(ONE, ONE, 1, threads=257), "threads"),
    "backend": (lambda: top_k(ONE, ONE, 1, backend="gpu"), "backend"),
    "backend, nothing to do": (lambda: top_k(ONE, ONE[:0], 1, backend="gpu"), "backend"),
    "queries": (lambda: compatibility(ONE[0], ONE), "queries"),
    "query value": (lambda: compatibility(ONE + 60, ONE), "queries[0][0]"),
    "charts": (lambda: compatibility(ONE, ONE.astype(np.int32)), "charts"),
    "out": (lambda: compatibility(ONE, ONE, out=np.zeros((1, 1), dtype=np.int32)), "out"),
    "components": (lambda: components([0, 0, 0], ONE[0]), "query"),
    "components value": (lambda: components(ONE[0], [0, 316, 0, 0]), "chart[1]"),
    "components negative": (lambda: components(ONE[0], [0, 0, 0, -1]), "chart[3]"),
    "components float": (lambda: components([0.0] * 4, ONE[0]), "query"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    call, param = REFUSED[case]
    with pytest.raises(HyperCubeError) as caught:
        call()
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == param
    assert caught.value.fix


def test_auto_says_why() -> None:
    assert op.explain(10_000_000).name == ("numba" if REFUSAL else "native")
    assert op.explain(1, "reference").reason == "asked for by name"


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("place", range(4))
def test_every_byte_is_judged_as_the_specification_does(backend: str, place: int) -> None:
    """Among right charts, at every offset inside a register."""
    query = random_charts(1, seed=20)
    for value in range(256):
        charts = np.full((33, 4), 59, dtype=np.uint8)
        charts[value % 33, place] = value
        if value < 60 or (place == 3 and value == 255):
            want = compatibility(query, charts, backend="reference")
            assert (compatibility(query, charts, backend=backend) == want).all()
            continue
        with pytest.raises(HyperCubeError) as caught:
            compatibility(query, charts, backend=backend)
        assert caught.value.param == f"charts[{value % 33}][{place}]"


def test_what_a_pillar_adds_fits_a_byte() -> None:
    queries = random_charts(600, seed=21)
    queries[:, 2] = np.arange(600) % 60
    for query in queries:
        assert (tables.by_byte(query)[:, :60] == tables.by_pillar(query)[:, :60]).all()
        assert (tables.by_byte(query)[:, 60:] == 0).all()


@pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))
def test_a_wrong_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that gets one mask wrong is found out before its first score is handed over."""
    wrong = tmp_path / "avx512.cpp"
    text = native.SOURCE.read_text(encoding="utf-8")
    wrong.write_text(text.replace("0x4444444444444444ull", "0x4444444444444440ull"), encoding="utf-8")
    monkeypatch.setenv("HYPERCUBE_KERNELS_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setattr(native, "SOURCE", wrong)
    monkeypatch.setattr(native, "_compiled", None)
    with pytest.raises(HyperCubeError, match="disagrees with the reference") as caught:
        compatibility(ONE, ONE, backend="native")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert native._compiled is None


@pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")
def test_a_processor_without_the_instructions_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = tuple("-march=x86-64" if each.startswith("-march") else each for each in compile_cpu.FLAGS)
    monkeypatch.setenv("HYPERCUBE_KERNELS_CACHE", str(tmp_path))
    monkeypatch.setattr(compile_cpu, "FLAGS", without)
    monkeypatch.setattr(native, "_compiled", None)
    with pytest.raises(HyperCubeError, match="AVX-512 VBMI") as caught:
        compatibility(ONE, ONE, backend="native")
    assert (caught.value.kind, caught.value.param) == (ErrorKind.FAILED_PRECONDITION, "backend")
    assert "numba" in (caught.value.fix or "")
