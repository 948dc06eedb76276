"""What of the GPU suite can be checked without a GPU: it runs (dry), its gates close, its counts are right."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu import nvml
from benchmarks.gpu.machine import DRY_RUN, Machine, Red, machine, rate_row, without_device
from benchmarks.gpu.operations import OPERATIONS
from benchmarks.gpu.parity import check_edges, check_size

ROOT = Path(__file__).parents[2]
DRY = machine("cpu")
PILLARS = OPERATIONS[0]
COPY_S = [0.008, 0.0099, 0.0096]


def suite(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        env=os.environ | environment,
    )


def dry_run(output: Path, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    """The rows of a dry run that was green."""
    quick = ("--device", "cpu", "--size", "tiny", "--quick", "--rounds", "2", "--output", str(output))
    # Two threads of torch on two busy cores wait for each other.
    done = suite(*quick, *arguments, OMP_NUM_THREADS="1", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert {row["device"] for row in rows} == {DRY_RUN}
    assert len({row["timestamp"] for row in rows}) == 1
    return rows


def test_a_row_carries_rates_and_the_share_of_the_copy_of_its_round() -> None:
    row = rate_row([0.010, 0.011, 0.012], 10**9, 16 * 10**9, COPY_S, peak=3_350.0)
    assert row["items_per_s"] == round(10**9 / 0.011)
    assert row["gb_per_s"] == 1455
    assert row["copy_share"] == 0.8
    assert row["refused"] is None
    assert (row["p20_s"], row["median_s"], row["p80_s"]) == (0.0104, 0.011, 0.0116)


def test_a_rate_above_the_peak_is_refused_as_a_cache_effect() -> None:
    row = rate_row([0.005] * 3, 10**9, 16 * 10**9, [0.004] * 3, peak=3_350.0)  # 3,200 GB/s
    assert row["items_per_s"] is row["gb_per_s"] is row["copy_share"] is None
    assert "cache" in row["refused"]
    assert rate_row([0.005] * 3, 10**9, 16 * 10**9, [0.004] * 3, peak=None)["gb_per_s"] == 3_200.0


@pytest.mark.skipif(without_device() is None, reason="there is a CUDA device")
def test_without_a_device_it_says_so_in_one_line(tmp_path: Path) -> None:
    written = tmp_path / "rows.jsonl"
    done = suite("--output", str(written))
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("No GPU figures: torch ")
    assert done.stdout.count("\n") == 1
    assert not written.exists()


def test_rows_of_a_dry_run_never_join_the_results() -> None:
    done = suite("--device", "cpu", "--output", "benchmarks/results/gpu.jsonl")
    assert done.returncode == 2
    assert "dry run" in done.stderr


def test_the_kernel_sections_run_with_triton_beside_the_cpu(tmp_path: Path) -> None:
    pytest.importorskip("triton")
    sections = ("--sections", "resident", "small", "transfers", "--ops", "pillars", "--profile")
    rows = dry_run(tmp_path / "rows.jsonl", *sections, TRITON_INTERPRET="1")
    resident = {row["backend"]: row for row in rows if row["section"] == "resident"}
    assert {"reference", "triton", "device copy"} <= set(resident)
    assert resident["device copy"]["copy_share"] == 1.0
    for name, row in resident.items():
        assert row["median_s"] > 0
        assert row["call_s"] > 0
        assert row["parity_rows"] == (None if name == "device copy" else row["rows"])
    ways = {(row["op"], row["memory"]) for row in rows if row["section"] == "transfer"}
    assert len(ways) == 4
    by_section = {row["section"] for row in rows if row.get("backend") == "triton"}
    assert by_section >= {"resident", "call", "with transfers", "with transfers, two streams", "profile"}
    profiled = [row for row in rows if row["section"] == "profile" and row["backend"] == "triton"]
    assert [row["rank"] for row in profiled] == list(range(1, len(profiled) + 1))
    assert profiled[0]["own_us_a_call"] >= profiled[-1]["own_us_a_call"] > 0


def test_the_model_sections_run_in_every_precision(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    rows = dry_run(tmp_path / "rows.jsonl", "--sections", "encoder", "decode", "--profile")
    decoded = {(row["precision"], row["way"], row["batch"]) for row in rows if row["section"] == "decode"}
    once = {("fp32 weights, bf16 autocast", "eager", batch) for batch in (1, 3)}
    assert decoded == once | {
        (precision, way, batch)
        for precision in ("fp32", "bf16", "fp16")
        for way in ("eager", "graph")
        for batch in (1, 3)
    }
    assert all(row["first_token_s"] > 0 for row in rows if row["section"] == "decode")
    encoded = [row for row in rows if row["section"] == "encoder"]
    assert {(row["way"], row["clients"]) for row in encoded} == {
        ("one at a time", 1),
        ("dynamic batches", 1),
        ("dynamic batches", 8),
    }
    for row in encoded:
        if row["way"] == "dynamic batches":
            assert sum(row["closed"].values()) == round(row["requests"] / row["mean_batch"])
    assert any(row["section"] == "profile" and row["op"] == "decode step tiny" for row in rows)


def test_it_needs_no_server_parts() -> None:
    absent = ["fastapi", "pydantic", "redis", "uvicorn", "prometheus_client", "structlog", "psutil", "numba"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent}))\n"
        "import benchmarks.gpu.encoder\n"
        "sys.argv = ['gpu', '--device', 'cpu', '--quick', '--rounds', '1', '--ops', 'pillars',"
        " '--sections', 'resident']\n"
        "from benchmarks.gpu.__main__ import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parity: pillars" in done.stdout


def wrong_in(row: int) -> Any:
    """`pillars`, but for one row."""

    def run(*arrays: Any, backend: str, out: Any = None, check: bool = True) -> Any:
        made = PILLARS.function(*arrays, backend=backend, out=out, check=check)
        if backend == "numba" and len(made) > 1:
            made[row] ^= 1
        return made

    return dataclasses.replace(PILLARS, function=run)


def test_one_wrong_row_at_the_edges_is_red() -> None:
    assert check_edges(DRY, PILLARS, ["numba"], rows=100) > 14_000
    with pytest.raises(Red, match=r"pillars, numba, [\d,]+ rows: \d of \d+ values differ; no figures on red"):
        check_edges(DRY, wrong_in(3), ["numba"], rows=100)


@pytest.mark.parametrize("whole_bytes", [1 << 29, 0], ids=["whole", "five runs"])
def test_one_wrong_row_at_the_end_is_red(monkeypatch: pytest.MonkeyPatch, whole_bytes: int) -> None:
    monkeypatch.setattr("benchmarks.gpu.parity.WHOLE_BYTES", whole_bytes)
    monkeypatch.setattr("benchmarks.gpu.parity.SAMPLE_ROWS", 64)
    monkeypatch.setattr("benchmarks.gpu.parity.fastest_cpu", lambda op: "reference")
    rows = 10_007
    arrays, out = PILLARS.inputs(DRY, rows), PILLARS.empty_out(DRY, rows)
    assert check_size(DRY, PILLARS, "numba", arrays, out) == (rows if whole_bytes else 5 * 64)
    with pytest.raises(Red):
        check_size(DRY, wrong_in(-1), "numba", arrays, out)


def test_the_best_are_checked_against_all_scores() -> None:
    search = next(each for each in OPERATIONS if each.name == "top_k 16 queries")
    arrays = search.inputs(DRY, 3_001)
    assert check_size(DRY, search, "reference", arrays, None) == 3_001

    def second_best(queries: Any, charts: Any, *, backend: str) -> Any:
        found = search.function(queries, charts, backend=backend)
        found.scores[5, 0] = found.scores[5, 1] - 1
        return found

    with pytest.raises(Red):
        check_size(DRY, dataclasses.replace(search, function=second_best), "reference", arrays, None)


def test_readings_go_on_while_the_work_runs() -> None:
    values, third = iter(range(10**9)), threading.Event()

    def read() -> dict[str, float]:
        value = next(values)
        if value == 2:
            third.set()
        return {"power_w": 100.0 + value}

    with nvml.watch(read, interval_s=0.001) as readings:
        assert third.wait(30)
    summary = readings.summary()["nvml"]
    assert summary["readings"] == len(readings.taken) >= 4
    assert summary["power_w"]["max"] == 100.0 + len(readings.taken) - 1
    assert summary["power_w"]["median"] == pytest.approx(100 + (len(readings.taken) - 1) / 2, abs=0.06)


def test_without_nvml_there_are_no_readings() -> None:
    with nvml.watch(dict) as readings:
        pass
    assert readings.summary() == {}


def test_the_peaks_are_those_of_the_device() -> None:
    h100 = Machine(kind="cuda", name="NVIDIA H100 80GB HBM3")
    assert h100.peak_tflops("bfloat16") == 989.4
    assert h100.peak_tflops("float32") == 66.9
    assert Machine(kind="cuda", name="NVIDIA A100-SXM4-80GB").peak_tflops("float16") == 312.0
    assert Machine(kind="cuda", name="Some Other Device").peak_tflops("float32") is None


def test_bytes_and_operations_of_a_model_are_counted() -> None:
    pytest.importorskip("transformers")
    from benchmarks.gpu.decode import CausalLM
    from benchmarks.gpu.precision import PRECISIONS

    lm = CausalLM(DRY, "tiny", PRECISIONS[1])
    layer = (32 * 32 + 32) + 2 * (32 * 16 + 16) + 32 * 32 + 3 * 32 * 64 + 2 * 32
    assert lm.parameters == 256 * 32 + 2 * layer + 32
    assert lm.weight_bytes == 2 * lm.parameters
    assert lm.kv_bytes(batch=3, context=10) == 2 * 2 * 2 * 8 * 10 * 3 * 2  # K and V, layers, heads, width
    attention = 4 * 2 * 4 * 8 * 10
    assert lm.flops(3, 5, 10) == 3 * (5 * (2 * (2 * layer + 32) + attention) + 2 * 256 * 32)


def test_requests_share_a_bucket_of_the_next_power_of_two() -> None:
    from benchmarks.gpu.encoder import bucket_of

    assert [bucket_of(np.zeros(n)) for n in (8, 9, 16, 17, 512)] == [8, 16, 16, 32, 512]


def test_a_step_that_is_to_be_captured_reads_nothing_back() -> None:
    """A CUDA graph cannot hold a value that the host waits for."""
    pytest.importorskip("transformers")
    from torch.utils._python_dispatch import TorchDispatchMode

    from benchmarks.gpu.decode import CausalLM, Decoder
    from benchmarks.gpu.precision import PRECISIONS

    read: list[str] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = func.name().partition(".")[0].removeprefix("aten::")
            if name in ("item", "is_nonzero", "_local_scalar_dense", "equal", "nonzero", "_to_cpu"):
                read.append(name)
            return func(*args, **(kwargs or {}))

    lm = CausalLM(DRY, "tiny", PRECISIONS[0])
    decoder = Decoder(lm, lm.prompt(2, 5), 3, fixed=True)
    decoder.prefill()
    with Watch():
        with lm.precision.context(DRY):
            assert decoder.token.max().item() >= 0
        assert read  # the watch does see one
        read.clear()
        decoder.step()
    assert read == []
