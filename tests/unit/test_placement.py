"""Where models go: every plan keeps its promises, every refusal holds and names a way out that works."""

import dataclasses
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.placement import ALLOWANCE, Device, plan
from hypercube.inference.precision import Compute
from hypercube.inference.sharding import Model, PlacementRequest
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.shape import ModelShape

GB = 10**9
QWEN = lookup("qwen2.5-coder-1.5b-instruct").shape
GEMMA = lookup("gemma-3-270m").shape
assert QWEN is not None
assert GEMMA is not None
LARGE = ModelShape(70_000_000_000, 8192, 80, 64, 8, 128, 128_256)


def cpu(free: float = 24 * GB) -> Device:
    return Device("cpu", Compute("cpu", bf16=True), int(free))


def gpus(*free: float, capability: tuple[int, int] = (9, 0)) -> list[Device]:
    return [Device(f"cuda:{i}", Compute("cuda", capability), int(b)) for i, b in enumerate(free)]


def model(
    engine: str, shape: ModelShape = QWEN, *, stored: int = 1_117_320_768, generates: bool = True
) -> Model:
    return Model("m", engine, shape, stored, generates)


def refusal(subject: Model, devices: list[Device], request: PlacementRequest) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        plan(subject, devices, request)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert caught.value.fix
    return caught.value


def test_a_lone_cpu_takes_a_model_and_says_why() -> None:
    placed = plan(model("transformers"), [cpu()], PlacementRequest())
    assert placed.devices == ("cpu",)
    assert placed.precision.name == "bf16"
    weights = 2 * QWEN.parameters
    cache = 2 * 28 * 2 * 128 * 2 * 4096 * 2
    assert placed.bytes_per_device == pytest.approx(weights + cache + 0.9e9, abs=2)
    assert placed.why == (
        "cpu: there is no GPU, 24.00 GB free",
        "bf16: the CPU multiplies bf16 in hardware",
        "weights 3.55 GB + cache 0.23 GB + engine 0.90 GB = 4.69 GB",
    )


def test_tensor_parallel_of_transformers_keeps_the_measured_weights_of_a_rank() -> None:
    """Measured on two processes: 1.0 billion weights each, embeddings whole on both."""
    placed = plan(model("transformers"), [cpu()], PlacementRequest(tensor_parallel=2))
    assert placed.devices == ("cpu", "cpu")
    cache = 2 * 28 * 1 * 128 * 2 * 4096 * 2
    values = (placed.bytes_per_device - ALLOWANCE[("transformers", "cpu")] - cache) / 2
    assert values == pytest.approx(1.0e9, rel=0.02)


@pytest.mark.parametrize(
    ("engine", "shape", "tp", "legal"),
    [
        ("transformers", QWEN, 3, "1, 2"),
        ("transformers", GEMMA, 2, "1"),
        ("vllm", QWEN, 5, "1, 2, 4, 6, 12"),
        ("vllm", QWEN, 3, "1, 2, 4, 6, 12"),
        ("vllm", GEMMA, 3, "1, 2, 4"),
        ("llama.cpp", QWEN, 2, "1"),
    ],
)
def test_a_split_that_cannot_be_names_those_that_can(
    engine: str, shape: ModelShape, tp: int, legal: str
) -> None:
    error = refusal(model(engine, shape), [cpu()], PlacementRequest(tensor_parallel=tp))
    assert (error.param, error.value) == ("model.tensor_parallel", tp)
    assert error.fix is not None
    assert error.fix.split(": ")[-1].rstrip(".") == legal or f"to {legal}," in error.fix


def test_the_message_has_the_figures() -> None:
    error = refusal(model("transformers"), [cpu()], PlacementRequest(tensor_parallel=6))
    assert "its 2 key-value heads (num_key_value_heads) are not divisible by 6" in error.message


def test_every_split_is_allowed_exactly_when_the_heads_divide() -> None:
    for heads, kv, tp in itertools.product((1, 2, 4, 6, 8, 12), (1, 2, 3, 4, 8), range(1, 13)):
        if heads % kv:
            continue
        shape = dataclasses.replace(QWEN, heads=heads, kv_heads=kv)
        for engine in ("transformers", "vllm"):
            fits = heads % tp == 0 and (
                kv % tp == 0 if engine == "transformers" else kv % tp == 0 or tp % kv == 0
            )
            request = PlacementRequest(tensor_parallel=tp)
            if fits:
                assert plan(model(engine, shape), [cpu(10**15)], request).tensor_parallel == tp
            else:
                refusal(model(engine, shape), [cpu(10**15)], request)


@pytest.mark.parametrize(
    ("engine", "devices", "request_", "complaint"),
    [
        ("vllm", [cpu()], PlacementRequest(pipeline_parallel=2), "its first request would end the engine"),
        ("transformers", gpus(80 * GB, 80 * GB), PlacementRequest(pipeline_parallel=2), "no pipeline parallel"),
        ("vllm", gpus(*[80 * GB] * 99), PlacementRequest(pipeline_parallel=29), "has 28 layers, too few"),
        ("vllm", gpus(80 * GB), PlacementRequest(tensor_parallel=2), "to have 2 GPUs .*= 1 x 2 x 1.*and 1 are usable"),
        ("transformers", [cpu()], PlacementRequest(device="cuda"), r"'cuda' is not here \(0 GPUs\)"),
        ("transformers", gpus(8 * GB), PlacementRequest(device="cuda:3"), r"'cuda:3' is not here \(1 GPUs\)"),
        ("llama.cpp", [cpu(), *gpus(8 * GB)], PlacementRequest(device="cuda"), "computes on the CPU, not on 'cuda'"),
        ("transformers", [cpu()], PlacementRequest(replicas=2), "would only share its cores"),
        ("transformers", [cpu()], PlacementRequest(precision="fp8"), "'fp8' is not possible here"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(
    engine: str, devices: list[Device], request_: PlacementRequest, complaint: str
) -> None:
    assert re.search(complaint, refusal(model(engine), devices, request_).message)


def test_an_encoder_stays_whole_and_keeps_no_cache() -> None:
    encoder = model("transformers", generates=False)
    assert "is an encoder" in refusal(encoder, [cpu()], PlacementRequest(tensor_parallel=2)).message
    small, large = (
        plan(encoder, [cpu()], PlacementRequest(context_length=n)).bytes_per_device for n in (1, 10_000)
    )
    assert small == large


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "tpu", ""])
def test_an_unknown_device_lists_the_known(device: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        plan(model("transformers"), [cpu(), *gpus(8 * GB)], PlacementRequest(device=device))
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.fix == "Known here: auto, cpu, cuda, cuda:0."


@pytest.mark.parametrize(
    "name", ["replicas", "tensor_parallel", "pipeline_parallel", "context_length", "slots"]
)
def test_a_count_below_one_is_refused(name: str) -> None:
    with pytest.raises(HyperCubeError, match=f"{name} is 0") as caught:
        plan(model("vllm"), [cpu()], PlacementRequest(**{name: 0}))
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT


def test_a_model_larger_than_memory_says_what_would_fit() -> None:
    devices = gpus(80 * GB, 80 * GB, 80 * GB, 80 * GB)
    error = refusal(model("vllm", LARGE), devices, PlacementRequest())
    assert "needs 144.68 GB on each GPU (weights 140.00 GB + cache 2.68 GB + engine 2.00 GB)" in error.message
    assert "80.00 GB are free" in error.message
    assert error.fix is not None
    assert error.fix.startswith("Set model.tensor_parallel to 2;")
    assert plan(model("vllm", LARGE), devices, PlacementRequest(tensor_parallel=2)).devices == (
        "cuda:0",
        "cuda:1",
    )


def test_a_context_that_does_not_fit_names_one_that_does() -> None:
    request = PlacementRequest(context_length=32_768, slots=64)
    error = refusal(model("transformers"), [cpu()], request)
    found = re.search(r"context_length x model\.slots to at most (\d+)", error.fix or "")
    assert found is not None
    fits = PlacementRequest(context_length=int(found[1]), slots=1)
    plan(model("transformers"), [cpu()], fits)
    refusal(model("transformers"), [cpu()], dataclasses.replace(fits, context_length=int(found[1]) + 2))


def test_weights_may_stay_outside_a_gpu_where_that_is_asked_for() -> None:
    devices = gpus(100 * GB)
    placed = plan(model("vllm", LARGE), devices, PlacementRequest(offload=True))
    assert placed.bytes_per_device == 100 * GB
    assert placed.offload_bytes == pytest.approx(44.68 * GB, rel=1e-3)
    assert "44.68 GB of the weights of each device stay" in placed.why[-1]
    refusal(model("vllm", LARGE), devices, PlacementRequest())


def test_the_roomiest_gpus_are_taken_and_the_weakest_decides_the_precision() -> None:
    devices = [cpu(), *gpus(10 * GB, 30 * GB, 20 * GB), Device("cuda:3", Compute("cuda", (7, 5)), 5 * GB)]
    placed = plan(model("vllm"), devices, PlacementRequest(tensor_parallel=2))
    assert placed.devices == ("cuda:1", "cuda:2")
    assert placed.precision.name == "fp16"


DEVICES = st.lists(st.integers(1, 200), max_size=8).map(lambda free: [cpu(), *gpus(*(b * GB for b in free))])
REQUESTS = st.builds(
    PlacementRequest,
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:0", "cuda:2"]),
    precision=st.sampled_from(["auto", "fp32", "bf16", "fp16", "fp8", "int8", "int4"]),
    replicas=st.integers(1, 3),
    tensor_parallel=st.integers(1, 9),
    pipeline_parallel=st.integers(1, 4),
    context_length=st.integers(1, 200_000),
    slots=st.integers(1, 64),
    offload=st.booleans(),
)
SHAPES = st.sampled_from(
    [QWEN, GEMMA, LARGE, dataclasses.replace(LARGE, parameters=7_000_000_000, layers=32)]
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["llama.cpp", "transformers", "vllm"]), SHAPES, DEVICES, REQUESTS)
def test_a_plan_fits_and_a_refusal_is_one(
    engine: str, shape: ModelShape, devices: list[Device], request_: PlacementRequest
) -> None:
    subject = model(engine, shape, stored=shape.parameters // 2)
    try:
        placed = plan(subject, devices, request_)
    except HyperCubeError as error:
        refused: HyperCubeError | None = error
    else:
        refused = None
    if refused is not None:
        assert refused.kind is ErrorKind.FAILED_PRECONDITION
        assert refused.fix
        assert refused.param
        return
    free = {device.name: device.free_bytes for device in devices}
    copies = request_.replicas * request_.tensor_parallel * request_.pipeline_parallel
    assert len(placed.devices) == copies
    assert placed.why
    if placed.devices[0] == "cpu":
        assert placed.bytes_per_device * copies <= free["cpu"]
    else:
        assert len(set(placed.devices)) == copies
        assert all(placed.bytes_per_device <= free[name] for name in placed.devices)
    assert request_.precision in {"auto", placed.precision.name}
    # More memory never turns a plan into a refusal, and less work never needs more.
    roomier = [dataclasses.replace(device, free_bytes=2 * device.free_bytes) for device in devices]
    plan(subject, roomier, request_)
    shorter = dataclasses.replace(request_, context_length=1, slots=1)
    assert plan(subject, devices, shorter).bytes_per_device <= placed.bytes_per_device
