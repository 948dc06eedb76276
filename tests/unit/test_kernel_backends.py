"""The backend registry: validated records, explicit choices kept or refused, `auto` explained."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import backends
from hypercube.kernels.backends import Backend


class Module(types.SimpleNamespace):
    warm = False

    def is_warm(self) -> bool:
        return self.warm

    def warm_up(self) -> None:
        self.warm = True


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Module]:
    """An empty registry, modules that are made up, and `lib_*` installed but for `lib_absent`."""
    made = {"m.fast": Module(), "m.slow": Module(warm=True), "m.gpu": Module()}
    monkeypatch.setattr(backends, "_registry", {})
    monkeypatch.setattr(backends, "_loaded", {})
    monkeypatch.setattr(backends, "_import", made.__getitem__)
    monkeypatch.setattr(backends, "_installed", lambda name: name != "lib_absent")
    return made


def fill(fast_import: str = "lib_fast") -> None:
    backends.register(
        Backend(
            op="op",
            name="gpu",
            module="m.gpu",
            device="cuda",
            imports=("lib_gpu",),
            extra="gpu",
            auto_rows=None,
        )
    )
    backends.register(
        Backend(
            op="op",
            name="fast",
            module="m.fast",
            imports=(fast_import,),
            extra="fast",
            auto_rows=10,
            cold_rows=1_000,
        )
    )
    backends.register(Backend(op="op", name="slow", module="m.slow"))


@pytest.mark.parametrize(
    ("rows", "warm", "name", "reason"),
    [
        (1, True, "slow", "fast: pays from 10 rows on"),
        (10, True, "fast", "the fastest for 10 rows"),
        (999, False, "slow", "fast: not compiled yet, which 999 rows do not repay; warm_up('fast')"),
        (1_000, False, "fast", "the fastest for 1,000 rows"),
    ],
)
def test_auto_goes_by_size_and_warmth(
    modules: dict[str, Module], rows: int, warm: bool, name: str, reason: str
) -> None:
    fill()
    modules["m.fast"].warm = warm
    choice = backends.explain("op", rows)
    assert choice.name == name == backends.select("op", rows).name
    assert reason in choice.reason


def test_auto_takes_the_device_that_holds_the_arrays(modules: dict[str, Module]) -> None:
    fill()
    with pytest.raises(
        HyperCubeError, match=r"on cuda here \(gpu: .*only by name; fast: runs on cpu"
    ) as caught:
        backends.select("op", 1, device="cuda")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    backends.register(
        Backend(op="op", name="gpu2", module="m.gpu", device="cuda", imports=("lib_gpu",), extra="gpu")
    )
    assert backends.select("op", 1, device="cuda").name == "gpu2"
    assert backends.explain("op", 1, device="cuda").reason == "gpu: runs on cuda, only by name"
    assert backends.select("op", 1).name == "slow"


def test_auto_never_waits_for_a_backend_that_only_warm_up_compiles(modules: dict[str, Module]) -> None:
    modules["m.built"] = Module()
    backends.register(Backend(op="op", name="built", module="m.built", cold_rows=None))
    fill()
    modules["m.fast"].warm = True
    choice = backends.explain("op", 10**12)
    assert choice.name == "fast"
    assert "warm_up('built')" in choice.reason
    assert not modules["m.built"].warm
    backends.warm_up("op", "built")
    assert backends.select("op", 1).name == "built"


def test_warm_up_leaves_out_what_lacks_something_and_raises_for_it_by_name(
    modules: dict[str, Module],
) -> None:
    class NoCompiler(Module):
        kind = ErrorKind.FAILED_PRECONDITION

        def warm_up(self) -> None:
            raise HyperCubeError(self.kind, "no compiler", param="backend")

    modules["m.built"] = NoCompiler()
    backends.register(Backend(op="op", name="built", module="m.built", cold_rows=None))
    fill()
    assert backends.warm_up("op") == ("fast", "slow")
    with pytest.raises(HyperCubeError, match="no compiler"):
        backends.warm_up("op", "built")
    NoCompiler.kind = ErrorKind.INTERNAL
    with pytest.raises(HyperCubeError, match="no compiler"):
        backends.warm_up("op")


def test_auto_passes_over_what_is_not_installed(modules: dict[str, Module]) -> None:
    fill(fast_import="lib_absent")
    choice = backends.explain("op", 10**9)
    assert choice.name == "slow"
    assert "lib_absent is not installed (heal7-hypercube[fast])" in choice.reason


def test_an_explicit_choice_is_refused_rather_than_replaced(modules: dict[str, Module]) -> None:
    fill(fast_import="lib_absent")
    chosen = backends.select("op", 1, "fast")
    with pytest.raises(HyperCubeError) as caught:
        chosen.load()
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert caught.value.param == "backend"
    assert "heal7-hypercube[fast]" in str(caught.value)
    assert backends.explain("op", 1, "gpu") == ("gpu", "asked for by name")


def test_an_unknown_name_lists_the_known_ones(modules: dict[str, Module]) -> None:
    fill()
    with pytest.raises(HyperCubeError) as caught:
        backends.select("op", 1, "fasst")
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.fix == "Did you mean 'fast'? Use one of: auto, gpu, fast, slow."
    assert caught.value.details["choices"] == ["auto", "gpu", "fast", "slow"]
    with pytest.raises(HyperCubeError) as caught:
        backends.select("other", 1)
    assert caught.value.param == "op"


def test_warm_up_takes_what_auto_may_take(modules: dict[str, Module]) -> None:
    fill()
    assert backends.warm_up("op") == ("fast", "slow")
    assert modules["m.fast"].warm
    assert not modules["m.gpu"].warm
    assert backends.warm_up("op", "gpu") == ("gpu",)
    assert modules["m.gpu"].warm


def test_a_name_is_registered_once(modules: dict[str, Module]) -> None:
    fill()
    with pytest.raises(ValueError, match="registered already"):
        backends.register(Backend(op="op", name="slow", module="m.slow"))
    assert [backend.name for backend in backends.backends("op")] == ["gpu", "fast", "slow"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "auto"},
        {"name": ""},
        {"name": "two words"},
        {"op": "a-b"},
        {"module": "m..x"},
        {"imports": ("lib",)},
        {"extra": "lib"},
        {"auto_rows": -1},
        {"cold_rows": -1},
    ],
    ids=str,
)
def test_a_record_is_validated(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="ackend"):
        Backend(**{"op": "op", "name": "name", "module": "m.x", **fields})  # type: ignore[arg-type]


def test_importing_the_kernels_needs_only_numpy_and_does_not_compile(tmp_path: Path) -> None:
    """In a fresh process: no Numba, and a small call stays with the reference while nothing is compiled."""
    script = """
import sys
import numpy as np
from hypercube.kernels.pillars import explain, pillars, warm_up
assert pillars(np.array([0]), 32400).tolist() == [[45, 12, 17, 29]]
assert {"numba", "pydantic", "fastapi", "torch", "triton", "cupy"}.isdisjoint(sys.modules)
assert explain(1).name == "reference" and "warm_up('numba')" in explain(1).reason, explain(1)
assert explain(1_000_000).name == "numba"
warm_up("numba")
assert explain(1).name == "numba"
assert pillars(np.array([0]), 32400).tolist() == [[45, 12, 17, 29]]
"""
    pytest.importorskip("numba")
    # An empty folder: a library that the user once built would be taken at once.
    environment = os.environ | {"HYPERCUBE_KERNELS_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, env=environment)
    assert not list(tmp_path.iterdir())
