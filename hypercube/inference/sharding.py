"""Which splits of a model over devices an engine can make, whatever the memory."""

from dataclasses import dataclass

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.shape import ModelShape


@dataclass(frozen=True, slots=True)
class Model:
    """What is to be placed.

    Attributes:
        name: for messages.
        engine: who runs it.
        shape: its measures.
        stored_bytes: its files' size.
        generates: false for an encoder, which keeps no cache.
    """

    name: str
    engine: str
    shape: ModelShape
    stored_bytes: int
    generates: bool = True


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """What the operator asks for.

    Attributes:
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: a name of `precision.PRECISIONS`.
        replicas: whole copies of the model.
        tensor_parallel: devices (processes on a CPU) that share each layer.
        pipeline_parallel: devices that share the layers out.
        context_length: tokens of prompt and answer together, a slot.
        slots: requests worked on at once.
        offload: whether weights may stay in the machine's memory where a GPU's is too small.
    """

    device: str = "auto"
    precision: str = "auto"
    replicas: int = 1
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    context_length: int = 4096
    slots: int = 2
    offload: bool = False

    @property
    def shards(self) -> int:
        """Devices of one copy."""
        return self.tensor_parallel * self.pipeline_parallel


def check_sharding(model: Model, request: PlacementRequest, *, on_cpu: bool) -> None:
    """Refuse a split that the engine cannot make of this model, whatever the memory.

    Raises:
        HyperCubeError: FAILED_PRECONDITION with the figures and the splits that work.
    """
    tp, pp, shape = request.tensor_parallel, request.pipeline_parallel, model.shape
    if model.engine == "llama.cpp" and request.shards > 1:
        name, value = ("tensor_parallel", tp) if tp > 1 else ("pipeline_parallel", pp)
        raise refused(
            f"The llama.cpp engine does not split {model.name!r} ({name} {value})", name, value,
            f"Set model.{name} to 1, or serve a converted version with transformers or vllm.",
        )  # fmt: skip
    if not model.generates and request.shards > 1:
        name, value = ("tensor_parallel", tp) if tp > 1 else ("pipeline_parallel", pp)
        raise refused(
            f"{model.name!r} is an encoder, which runs on one device ({name} {value})", name, value,
            f"Set model.{name} to 1.",
        )  # fmt: skip
    if tp > 1 and (why := why_not_tensor(model, tp)):
        legal = [n for n in range(1, shape.heads + 1) if not why_not_tensor(model, n)]
        raise refused(
            f"{model.name!r} cannot be split in tensor_parallel {tp}: {why}", "tensor_parallel", tp,
            f"Set model.tensor_parallel to one of: {', '.join(map(str, legal))}.",
        )  # fmt: skip
    if pp > 1 and model.engine == "transformers":
        raise refused(
            f"The transformers engine has no pipeline parallel ({pp} was asked for)", "pipeline_parallel", pp,
            "Set model.pipeline_parallel to 1, or serve the model with vllm on GPUs.",
        )  # fmt: skip
    if pp > 1 and on_cpu:
        raise refused(
            f"Pipeline parallel {pp} does not work in vLLM on a CPU: its first request would end the engine",
            "pipeline_parallel", pp, "Set model.pipeline_parallel to 1; tensor_parallel works there.",
        )  # fmt: skip
    if pp > shape.layers:
        raise refused(
            f"{model.name!r} has {shape.layers} layers, too few for pipeline_parallel {pp}",
            "pipeline_parallel", pp, f"Set model.pipeline_parallel to at most {shape.layers}.",
        )  # fmt: skip


def why_not_tensor(model: Model, tp: int) -> str:
    """What speaks against `tp` devices sharing each layer; empty when nothing does."""
    heads, kv_heads = model.shape.heads, model.shape.kv_heads
    if heads % tp:
        return f"its {heads} attention heads are not divisible by {tp}"
    if model.engine == "transformers" and kv_heads % tp:
        return f"its {kv_heads} key-value heads (num_key_value_heads) are not divisible by {tp}"
    # vLLM gives every device a whole head, and copies heads where there are fewer than devices.
    if model.engine == "vllm" and kv_heads % tp and tp % kv_heads:
        return f"its {kv_heads} key-value heads and {tp} devices do not divide one another"
    return ""


def refused(what: str, setting: str, value: object, fix: str) -> HyperCubeError:
    """FAILED_PRECONDITION about the setting `model.{setting}`."""
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION, f"{what}.", param=f"model.{setting}", value=value, fix=fix
    )
