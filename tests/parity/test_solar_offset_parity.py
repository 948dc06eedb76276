"""Every CPU backend of `solar_offset` against the NumPy reference, bit for bit, the reference against exact fractions,
and what the wrapper refuses."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import solar_offset as op
from hypercube.kernels.compile_cpu import compiler
from hypercube.kernels.solar_offset import equation_of_time, solar_offset
from hypercube.kernels.solar_offset.table import STEP_S, load_equation_of_time

FAST = (
    "numba",
    pytest.param(
        "native", marks=pytest.mark.skipif(compiler() is None, reason="no C++ compiler is installed")
    ),
)
ALL = ("reference", *FAST)
TABLE = load_equation_of_time()
FIRST, LAST = TABLE.base_utc_s, TABLE.base_utc_s + TABLE.span_s - 1
POINTS = TABLE.start_s + STEP_S * np.arange(len(TABLE.milliseconds), dtype=np.int64)
INSIDE = POINTS[(POINTS > FIRST) & (POINTS < LAST)]
SEOUL = 126.978


@pytest.fixture(autouse=True)
def _needs_numba() -> None:
    pytest.importorskip("numba")


def random_births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(FIRST, LAST + 1, rows), rng.uniform(-180.0, 180.0, rows)


def assert_equal(utc: np.ndarray, longitude: Any, apparent: bool, backend: str) -> None:
    """Compare over two different poisons, so that a row that is never written cannot agree by luck."""
    want, got = (
        solar_offset(
            utc, longitude, apparent=apparent, backend=each, out=np.full(len(utc), poison, dtype=np.int32)
        )
        for each, poison in (("reference", 0x55555555), (backend, -0x33333333))
    )
    assert got.dtype == want.dtype == np.int32
    wrong = np.flatnonzero(got != want)
    assert not wrong.size, (
        f"{wrong.size} of {len(utc)} differ, first at row {wrong[0]}: utc {utc[wrong[0]]}, "
        f"got {got[wrong[0]]}, want {want[wrong[0]]}"
    )


def exact(utc: int) -> int:
    """Abramowitz and Stegun 25.2.13 in fractions, then half away from zero."""
    cell, into = divmod(utc - TABLE.start_s, STEP_S)
    p = Fraction(into, STEP_S)
    y = [int(each) for each in TABLE.milliseconds[cell - 1 : cell + 3]]
    value = (
        -p * (p - 1) * (p - 2) / 6 * y[0]
        + (p + 1) * (p - 1) * (p - 2) / 2 * y[1]
        - (p + 1) * p * (p - 2) / 2 * y[2]
        + (p + 1) * p * (p - 1) / 6 * y[3]
    ) / 1_000
    rounded = int(abs(value) + Fraction(1, 2))
    return rounded if value >= 0 else -rounded


def test_the_reference_is_the_exact_interpolation() -> None:
    ties = INSIDE[np.isin(INSIDE, POINTS[np.abs(TABLE.milliseconds) % 1_000 == 500])]
    assert len(ties) == 38
    assert set(np.sign(equation_of_time(ties))) == {-1.0, 1.0}
    around = (ties[:, None] + np.array([-1, 0, 1])).reshape(-1)
    utc = np.concatenate([around, INSIDE[::50], random_births(5_000, seed=1)[0]])
    got = solar_offset(utc, 0.0, apparent=True, backend="reference")
    assert got.tolist() == [exact(int(each)) for each in utc]


def test_whole_numbers_round_what_the_float_view_shows() -> None:
    """Rounded float64 and rounded exactly differ only where float64 cannot tell a half: nowhere here."""
    utc, _ = random_births(1_000_000, seed=2)
    seconds = equation_of_time(utc)
    want = np.sign(seconds) * np.floor(np.abs(seconds) + 0.5)
    assert (solar_offset(utc, 0.0, apparent=True, backend="reference") == want).all()


def test_halves_of_a_second_of_longitude_go_away_from_zero() -> None:
    """Every half second of longitude, its float64 neighbours included."""
    halves = (np.arange(-43_200, 43_200) + 0.5) / 240
    degrees = np.concatenate([np.nextafter(halves, -400), halves, np.nextafter(halves, 400)])
    want = [int(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1) for x in map(Fraction, degrees * 240.0)]
    for backend in ("reference", "numba", *(["native"] if compiler() else [])):
        got = solar_offset(np.zeros(len(degrees), dtype=np.int64), degrees, apparent=False, backend=backend)
        assert got.tolist() == want


@pytest.mark.parametrize("backend", FAST)
def test_around_every_point_of_the_grid(backend: str) -> None:
    utc = (INSIDE[:, None] + np.array([-1, 0, 1])).reshape(-1)
    assert len(utc) == 3 * 36_622
    assert_equal(utc, np.linspace(-180.0, 180.0, len(utc)), True, backend)
    assert_equal(utc, SEOUL, True, backend)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("apparent", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 2, 127, 128, 129, 8_191, 8_192, 8_193, 104_729])
def test_sizes(backend: str, apparent: bool, rows: int) -> None:
    utc, degrees = random_births(rows, seed=rows)
    assert_equal(utc, degrees, apparent, backend)
    assert_equal(utc, SEOUL, apparent, backend)


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("apparent", [True, False])
def test_two_million_random_births(backend: str, apparent: bool) -> None:
    assert_equal(*random_births(2_000_000, seed=3), apparent, backend)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", FAST)
def test_a_hundred_million_random_births(backend: str) -> None:
    for chunk in range(50):
        assert_equal(*random_births(2_000_000, seed=1_000 + chunk), True, backend)


@pytest.mark.parametrize("backend", ALL)
def test_the_ends_of_the_table(backend: str) -> None:
    ends = np.array([FIRST, LAST])
    assert_equal(ends, np.array([-180.0, 180.0]), True, backend)
    assert solar_offset(ends, 0.0, apparent=True, backend=backend).tolist() == [exact(FIRST), exact(LAST)]


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("longitude", [SEOUL, np.float64(SEOUL), np.array(SEOUL), 0, -180, 0.5 / 240, -0.0])
def test_one_longitude_for_all(backend: str, longitude: Any) -> None:
    utc, _ = random_births(50, seed=10)
    each = np.full(50, float(longitude))
    for apparent in (True, False):
        got = solar_offset(utc, longitude, apparent=apparent, backend=backend)
        assert (got == solar_offset(utc, each, apparent=apparent, backend=backend)).all()


def test_one_longitude_is_rounded_as_many_are() -> None:
    degrees = random_births(2_000, seed=11)[1]
    utc = np.zeros(1, dtype=np.int64)
    got = [solar_offset(utc, float(each), apparent=False).item() for each in degrees]
    assert got == solar_offset(np.zeros(2_000, dtype=np.int64), degrees, apparent=False).tolist()


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("row", [0, 1, 70_000])
@pytest.mark.parametrize("value", [FIRST - 1, LAST + 1, -(2**63), 2**63 - 1, 9_999_999_999_999])
def test_an_instant_out_of_range_names_its_row(backend: str, row: int, value: int) -> None:
    utc, degrees = random_births(70_001, seed=12)
    utc[row] = utc[-1] = value
    for longitude in (degrees, SEOUL):
        for apparent in (True, False):
            with pytest.raises(HyperCubeError) as caught:
                solar_offset(utc, longitude, apparent=apparent, backend=backend)
            assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
            assert caught.value.param == f"utc_seconds[{row}]"
            assert caught.value.value == value


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 180.0000000000001, -181.0, 1e300]
)
def test_a_longitude_out_of_range_names_its_row(backend: str, value: float) -> None:
    utc, degrees = random_births(9_000, seed=13)
    degrees[8_700] = value
    for apparent in (True, False):
        with pytest.raises(HyperCubeError) as caught:
            solar_offset(utc, degrees, apparent=apparent, backend=backend)
        assert caught.value.param == "longitude_degrees[8700]"
    with pytest.raises(HyperCubeError) as caught:
        solar_offset(utc, value, apparent=True, backend=backend)
    assert caught.value.param == "longitude_degrees"


@pytest.mark.parametrize("backend", ALL)
def test_read_only_and_unaligned_buffers(backend: str) -> None:
    """What a message decoder hands over: read-only memory that begins at any address."""
    utc, degrees = random_births(100, seed=14)
    want = solar_offset(utc, degrees, apparent=True, backend=backend)
    raw_utc = np.frombuffer(b"x" + utc.tobytes(), np.int64, offset=1)
    raw_degrees = np.frombuffer(b"x" + degrees.tobytes(), np.float64, offset=1)
    raw_out = np.zeros(401, dtype=np.uint8)[1:].view(np.int32)
    assert not raw_utc.flags.writeable
    assert not raw_out.flags.aligned
    got = solar_offset(raw_utc, raw_degrees, apparent=True, backend=backend, out=raw_out)
    assert got is raw_out
    assert (got == want).all()


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("rows", [0, 131_071, 300_007])
def test_threads_change_nothing(backend: str, rows: int) -> None:
    utc, degrees = random_births(rows, seed=rows)
    for longitude in (degrees, SEOUL):
        want = solar_offset(utc, longitude, apparent=True, backend=backend)
        assert (solar_offset(utc, longitude, apparent=True, backend=backend, threads=4) == want).all()
    if rows:
        utc[rows // 2] = LAST + 1
        with pytest.raises(HyperCubeError) as caught:
            solar_offset(utc, degrees, apparent=True, backend=backend, threads=4)
        assert caught.value.param == f"utc_seconds[{rows // 2}]"


def test_longitudes_of_other_kinds_are_converted() -> None:
    utc, degrees = random_births(64, seed=15)
    single = degrees.astype(np.float32)
    want = solar_offset(utc, single.astype(np.float64), apparent=True)
    assert (solar_offset(utc, single, apparent=True) == want).all()
    spread = np.repeat(degrees, 2)[::2]
    assert (solar_offset(utc, spread, apparent=True) == solar_offset(utc, degrees, apparent=True)).all()
    whole = np.arange(64) - 32
    assert (solar_offset(utc, whole, apparent=False) == 240 * whole).all()


UTC = np.zeros(4, dtype=np.int64)
DEGREES = np.zeros(4)
READ_ONLY = np.zeros(4, dtype=np.int32)
READ_ONLY.flags.writeable = False
REFUSED: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "list": ([0], 0, {}, "utc_seconds"),
    "float instants": (UTC.astype(float), 0, {}, "utc_seconds"),
    "int32 instants": (UTC.astype(np.int32), 0, {}, "utc_seconds"),
    "big-endian": (UTC.astype(">i8"), 0, {}, "utc_seconds"),
    "two dimensions": (UTC.reshape(2, 2), 0, {}, "utc_seconds"),
    "no dimension": (np.array(0), 0, {}, "utc_seconds"),
    "strided": (np.zeros(8, dtype=np.int64)[::2], 0, {}, "utc_seconds"),
    "three longitudes": (UTC, DEGREES[:3], {}, "longitude_degrees"),
    "one longitude in an array": (UTC, DEGREES[:1], {}, "longitude_degrees"),
    "longitude text": (UTC, "127", {}, "longitude_degrees"),
    "longitude bool": (UTC, True, {}, "longitude_degrees"),
    "longitude None": (UTC, None, {}, "longitude_degrees"),
    "longitude complex": (UTC, 1j, {}, "longitude_degrees"),
    "backend": (UTC, 0, {"backend": "nunba"}, "backend"),
    "gpu backend": (UTC, 0, {"backend": "triton"}, "backend"),
    "threads": (UTC, 0, {"threads": 0}, "threads"),
    "out list": (UTC, 0, {"out": [0]}, "out"),
    "out dtype": (UTC, 0, {"out": np.zeros(4, dtype=np.int64)}, "out"),
    "out short": (UTC, 0, {"out": np.zeros(3, dtype=np.int32)}, "out"),
    "out strided": (UTC, 0, {"out": np.zeros(8, dtype=np.int32)[::2]}, "out"),
    "out read-only": (UTC, 0, {"out": READ_ONLY}, "out"),
    "out over instants": (UTC, 0, {"out": UTC.view(np.int32)[:4]}, "out"),
    "out over longitudes": (UTC, DEGREES, {"out": DEGREES.view(np.int32)[:4]}, "out"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("backend", ALL)
def test_what_is_refused(case: str, backend: str) -> None:
    utc, longitude, options, param = REFUSED[case]
    with pytest.raises(HyperCubeError) as caught:
        solar_offset(utc, longitude, apparent=True, **{"backend": backend, **options})
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == param
    assert caught.value.fix


def test_a_misspelt_backend_suggests_the_right_one() -> None:
    with pytest.raises(HyperCubeError, match="'numba'") as caught:
        solar_offset(UTC, 0, apparent=True, backend="nunba")
    assert caught.value.details["choices"] == ["auto", "native", "numba", "reference", "triton", "cupy"]


@pytest.mark.parametrize("backend", ["auto", *ALL])
def test_cpu_tensors_share_their_memory(backend: str) -> None:
    torch = pytest.importorskip("torch")
    utc, degrees = random_births(5_000, seed=16)
    want = solar_offset(utc, degrees, apparent=True)
    tensors = torch.from_numpy(utc), torch.from_numpy(degrees)
    got = solar_offset(*tensors, apparent=True, backend=backend)
    assert isinstance(got, torch.Tensor)
    assert got.dtype == torch.int32
    assert (got.numpy() == want).all()
    out = torch.full((5_000,), -7, dtype=torch.int32)
    assert solar_offset(*tensors, apparent=True, backend=backend, out=out) is out
    assert (out.numpy() == want).all()
    one = solar_offset(tensors[0], torch.tensor(SEOUL, dtype=torch.float64), apparent=True, backend=backend)
    assert (one.numpy() == solar_offset(utc, SEOUL, apparent=True)).all()
    for gpu in ("triton", "cupy"):
        with pytest.raises(HyperCubeError) as caught:
            solar_offset(*tensors, apparent=True, backend=gpu)
        assert caught.value.param == "backend"


def test_warm_up_compiles_and_says_what() -> None:
    assert op.warm_up() == (*(["native"] if compiler() else []), "numba", "reference")
    assert op.explain(1).name == "numba"
    assert op.explain(1_000_000).name == ("native" if compiler() else "numba")
    assert op.explain(1, "reference") == ("reference", "asked for by name")
