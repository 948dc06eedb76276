"""Arrays to arrays: the saju kernels, through batchers.

Small requests share kernel calls on the event loop, where a call takes microseconds; a large one runs alone in a
thread, on every core, and keeps nobody waiting but other large ones.
"""

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from hypercube.batching import Batcher, BatcherSnapshot, Limits, in_thread
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call, Color, Cube, CubeMetadata, Health, HealthStatus
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown
from hypercube.core.tensors import (
    KERNEL_MODELS,
    Datatype,
    Tensor,
    TensorModel,
    TensorRequest,
    TensorResponse,
    TensorSpec,
    count,
    inputs_by_name,
)
from hypercube.cubes.feature.tensors.operations import (
    Array,
    Compatibility,
    Features,
    Pillars,
    Plan,
    TensorOperation,
    Work,
    usable_threads,
)

SMALL: Final = "tensors"
BULK: Final = "tensors_bulk"
"""The two queues, by the names of their metrics."""
_BULK_ROWS: Final = 4096
"""Rows from which a request leaves the event loop: some tenth of a millisecond of work."""
_SMALL: Final = Limits(max_cost=1 << 16, max_queued_cost=1 << 23)
_BULK: Final = Limits(max_items=8, max_queued_items=16, max_queued_cost=float(1 << 40))
"""A waiting item may hold a message of 100 MB, so few may wait."""
_PROBE: Final = (946_695_600, 32_400, (15, 12, 54, 54))
"""2000-01-01 12:00 in Seoul is 己卯 丙子 戊午 戊午."""

_Batcher = Batcher[Work, tuple[Array, ...]]


class TensorsCube(Cube):
    """`TensorRequest` in, `TensorResponse` out, for the models of `KERNEL_MODELS`."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="tensors",
        version="1.0.0",
        color=Color.BLUE,
        summary="Arrays to arrays: pillars, features and compatibility in bulk",
        request_model=TensorRequest,
        response_model=TensorResponse,
        capabilities=("pillars", "features", "compatibility"),
    )

    def __init__(self, *, backend: str = "auto", clock: Clock = monotonic) -> None:
        """`backend` computes pillars, as in the saju cube."""
        super().__init__()
        self._clock = clock
        self._batchers: dict[str, _Batcher] = {}
        self._operations: Mapping[str, TensorOperation] = {
            "saju_pillars": Pillars(backend),
            "saju_features": Features(),
            "saju_compatibility": Compatibility(),
        }

    async def on_start(self) -> None:
        """Open the two queues."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tensors")
        bulk = in_thread(self._thread, partial(self._run, threads=usable_threads()))
        small = partial(self._run, threads=1)
        self._batchers = {
            SMALL: Batcher(small, limits=_SMALL, clock=self._clock, name="tensor batcher"),
            BULK: Batcher(bulk, limits=_BULK, clock=self._clock, name="bulk tensor batcher"),
        }

    async def on_stop(self) -> None:
        """Finish what was accepted."""
        for batcher in self._batchers.values():
            await batcher.close()
        self._thread.shutdown(wait=False)

    async def process(self, request: TensorRequest, call: Call) -> TensorResponse:
        """Run one model.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for inputs the model does not take; MODEL_NOT_FOUND; what the
                batcher and the kernel raise.
        """
        model = KERNEL_MODELS.get(request.model)
        if model is None:
            like = nearest(request.model, KERNEL_MODELS)
            raise HyperCubeError(
                ErrorKind.MODEL_NOT_FOUND,
                f"There is no kernel model {shown(request.model)!r}.",
                param="model",
                value=request.model,
                fix=(f"Did you mean {like!r}? " if like else "") + f"There are: {', '.join(KERNEL_MODELS)}.",
            )
        tensors = inputs_by_name(model, request.inputs)
        operation = self._operations[model.name]
        plan = operation.plan(tensors, request.parameters)
        work = Work(plan.inputs, plan.shapes, _outs(model, operation, plan, request))
        # A batch shares what it costs; a request of many rows would only make the others wait.
        batcher = self._batchers[SMALL if plan.rows < _BULK_ROWS else BULK]
        arrays = await batcher.submit(
            (model.name, plan.options),
            work,
            cost=float(plan.rows),
            deadline=call.deadline,
            timing=call.timing,
            priority=call.priority,
            tenant=call.tenant,
        )
        return TensorResponse(
            tuple(_tensor(spec, array) for spec, array in zip(model.outputs, arrays, strict=True))
        )

    def _run(self, key: Hashable, works: Sequence[Work], *, threads: int) -> list[tuple[Array, ...]]:
        assert isinstance(key, tuple)
        name, options = key
        return self._operations[name].run_all(options, works, threads)

    def snapshots(self) -> dict[str, BatcherSnapshot]:
        """The counters of both queues by name, for the metrics page; none before the first start."""
        return {name: batcher.snapshot() for name, batcher in self._batchers.items()}

    async def on_health_check(self) -> HealthStatus:
        """A chart that everybody knows, through the queue of small requests."""
        utc, offset, wanted = _PROBE
        inputs = (
            Tensor("utc_seconds", Datatype.INT64, (1,), memoryview(utc.to_bytes(8, "little"))),
            Tensor("offset_seconds", Datatype.INT32, (1,), memoryview(offset.to_bytes(4, "little"))),
        )
        answer = await self.process(TensorRequest("saju_pillars", inputs), Call("health"))
        found = tuple(answer.outputs[0].data)
        if found == wanted:
            return HealthStatus(Health.HEALTHY)
        return HealthStatus(Health.UNHEALTHY, f"2000-01-01T12:00 Asia/Seoul gave {found}")


def _outs(
    model: TensorModel, operation: TensorOperation, plan: Plan, request: TensorRequest
) -> tuple[Array | None, ...]:
    known = {spec.name for spec in model.outputs}
    for name in request.into:
        if name not in known:
            raise invalid(
                f"{model.name} has no output {name!r}.",
                param="into",
                value=name,
                fix=f"It gives: {', '.join(sorted(known))}.",
            )
    return tuple(
        _destination(spec, dtype, shape, request)
        for spec, dtype, shape in zip(model.outputs, operation.dtypes, plan.shapes, strict=True)
    )


def _destination(
    spec: TensorSpec, dtype: Any, shape: tuple[int, ...], request: TensorRequest
) -> Array | None:
    """The memory that one output goes to; None for new memory, of which there is a limit."""
    needed = count(shape) * spec.datatype.itemsize
    into = request.into.get(spec.name)
    if into is None:
        if needed > request.max_answer_bytes:
            raise invalid(
                f"The output {spec.name} would have {needed:,} bytes; one answer may have "
                f"{request.max_answer_bytes:,}.",
                param=spec.name,
                value=needed,
                fix="Send fewer rows in one request, or let the output go to shared memory.",
                limit=request.max_answer_bytes,
            )
        return None
    if into.readonly or len(into) < needed:
        problem = "is read-only" if into.readonly else f"has {len(into):,} bytes"
        raise invalid(
            f"The memory for the output {spec.name} {problem}; {needed:,} writable bytes are needed.",
            param=spec.name,
            value=len(into),
            fix=f"Give {needed:,} bytes of shared memory.",
            needed=needed,
        )
    return np.frombuffer(into[:needed], dtype=dtype).reshape(shape)


def _tensor(spec: TensorSpec, array: Array) -> Tensor:
    return Tensor(spec.name, spec.datatype, array.shape, array.reshape(-1).view(np.uint8).data)
