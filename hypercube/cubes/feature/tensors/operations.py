"""The kernels behind `core.tensors.KERNEL_MODELS`: a request to arrays, arrays to arrays."""

import os
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.core.tensors import Parameter, Tensor
from hypercube.kernels.compatibility import MAX_THREADS, top_k
from hypercube.kernels.features import ROW_BYTES, features
from hypercube.kernels.pillars import DAY_BOUNDARIES, pillars

Array = NDArray[Any]
MAX_SCORES: Final = 1 << 32
"""Pairs of charts that one request may have rated: some seconds of work."""
MAX_BEST: Final = 1 << 23
"""Rows and scores in one answer."""
DEFAULT_K: Final = 10


class Work(NamedTuple):
    """One request's arrays.

    Attributes:
        inputs: as the operation reads them.
        shapes: of the outputs, in order.
        outs: where each output goes; None makes a new array.
    """

    inputs: tuple[Array, ...]
    shapes: tuple[tuple[int, ...], ...]
    outs: tuple[Array | None, ...]


class Plan(NamedTuple):
    """What a request comes to before it is queued: equal options may share a kernel call; `rows` is its cost."""

    options: Hashable
    inputs: tuple[Array, ...]
    shapes: tuple[tuple[int, ...], ...]
    rows: int


class TensorOperation(ABC):
    """One kernel."""

    dtypes: tuple[Any, ...]
    """NumPy dtypes of the outputs."""

    @abstractmethod
    def plan(self, tensors: Mapping[str, Tensor], parameters: Mapping[str, Parameter]) -> Plan:
        """Check what the generic checks cannot know; INVALID_ARGUMENT."""

    @abstractmethod
    def run(self, options: Hashable, work: Work, threads: int) -> tuple[Array, ...]:
        """The outputs, in `work.outs` where that is given."""

    def run_all(self, options: Hashable, works: Sequence[Work], threads: int) -> list[tuple[Array, ...]]:
        """Several requests with the same options; one kernel call if the operation can join them."""
        return [self.run(options, work, threads) for work in works]


class _Joining(TensorOperation):
    """An operation whose rows are independent of one another: requests are joined, and the answer is cut."""

    def run_all(self, options: Hashable, works: Sequence[Work], threads: int) -> list[tuple[Array, ...]]:
        if len(works) == 1:
            return [self.run(options, works[0], threads)]
        inputs = tuple(np.concatenate(each) for each in zip(*(work.inputs for work in works), strict=True))
        joined = self.run(options, Work(inputs, (), (None,)), threads)[0]
        answers: list[tuple[Array, ...]] = []
        at = 0
        for work in works:
            part = joined[at : at + work.shapes[0][0]]
            at += len(part)
            out = work.outs[0]
            if out is not None:
                out[...] = part
            answers.append((part if out is None else out,))
        return answers


class Pillars(_Joining):
    """saju_pillars."""

    dtypes = (np.uint8,)

    def __init__(self, backend: str) -> None:
        self._backend = backend

    def plan(self, tensors: Mapping[str, Tensor], parameters: Mapping[str, Parameter]) -> Plan:
        """Check and count; INVALID_ARGUMENT."""
        utc = as_array(tensors["utc_seconds"], np.int64)
        offset = as_array(tensors["offset_seconds"], np.int32)
        if len(offset) not in (1, len(utc)):
            raise invalid(
                f"offset_seconds has {len(offset):,} elements, and utc_seconds {len(utc):,}.",
                param="offset_seconds",
                value=len(offset),
                fix="Send one offset a birth, or a single one for all.",
            )
        boundary = parameters.get("day_boundary", DAY_BOUNDARIES[0])
        if boundary not in DAY_BOUNDARIES:
            raise invalid(
                f"Unknown day_boundary {shown(boundary)!r}.",
                param="parameters.day_boundary",
                value=boundary,
                fix=f"Use one of: {', '.join(DAY_BOUNDARIES)}.",
            )
        if len(offset) != len(utc):
            offset = np.full(len(utc), offset[0])
        return Plan(boundary, (utc, offset), ((len(utc), 4),), len(utc))

    def run(self, options: Hashable, work: Work, threads: int) -> tuple[Array, ...]:
        """Compute."""
        utc, offset = work.inputs
        return (
            pillars(
                utc,
                offset,
                day_boundary=str(options),
                backend=self._backend,
                out=work.outs[0],
                threads=threads,
            ),
        )


class Features(_Joining):
    """saju_features."""

    dtypes = (np.uint8,)

    def plan(self, tensors: Mapping[str, Tensor], parameters: Mapping[str, Parameter]) -> Plan:
        """Check and count; INVALID_ARGUMENT."""
        charts = as_array(tensors["pillars"], np.uint8)
        return Plan(None, (charts,), ((len(charts), ROW_BYTES),), len(charts))

    def run(self, options: Hashable, work: Work, threads: int) -> tuple[Array, ...]:
        """Compute."""
        try:
            return (features(work.inputs[0], out=work.outs[0], threads=threads),)
        except HyperCubeError as error:
            raise _renamed(error, "charts", "pillars") from None


class Compatibility(TensorOperation):
    """saju_compatibility."""

    dtypes = (np.int64, np.int16)

    def plan(self, tensors: Mapping[str, Tensor], parameters: Mapping[str, Parameter]) -> Plan:
        """Check and count; INVALID_ARGUMENT."""
        # The tables of a query are looked up by its values: they must not change under the kernel.
        queries = as_array(tensors["queries"], np.uint8).copy()
        charts = as_array(tensors["charts"], np.uint8)
        k = _best(tensors.get("k"), parameters)
        scores, shape = len(queries) * len(charts), (len(queries), min(k, len(charts)))
        for what, number, limit in (
            ("pairs of charts", scores, MAX_SCORES),
            ("results", shape[0] * shape[1], MAX_BEST),
        ):
            if number > limit:
                raise invalid(
                    f"{len(queries):,} queries against {len(charts):,} charts, the best {k:,} of each, are "
                    f"{number:,} {what}; one request may have {limit:,}.",
                    param="queries",
                    value=number,
                    fix="Send fewer queries in one request.",
                    limit=limit,
                )
        return Plan(k, (queries, charts), (shape, shape), max(scores, len(charts)))

    def run(self, options: Hashable, work: Work, threads: int) -> tuple[Array, ...]:
        """Compute."""
        queries, charts = work.inputs
        found = top_k(queries, charts, int(str(options)), threads=threads)
        answers = []
        for out, made in zip(work.outs, (found.rows, found.scores), strict=True):
            if out is not None:
                out[...] = made
            answers.append(made if out is None else out)
        return tuple(answers)


def _best(tensor: Tensor | None, parameters: Mapping[str, Parameter]) -> int:
    given = parameters.get("k", DEFAULT_K)
    if tensor is not None:
        if "k" in parameters:
            raise invalid("k comes as an input and as a parameter.", param="k", fix="Send one of the two.")
        given = int(as_array(tensor, np.int32)[0])
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise invalid(f"k is {shown(given)!r}.", param="k", value=given, fix="Send a whole number from 1.")
    return given


def _renamed(error: HyperCubeError, old: str, new: str) -> HyperCubeError:
    """The error of a kernel in the words of the model, whose input has another name."""
    if error.param is None or not error.param.startswith(old):
        return error
    return HyperCubeError(
        error.kind,
        error.message.replace(old, new, 1),
        param=error.param.replace(old, new, 1),
        value=error.value,
        fix=error.fix,
        details=error.details,
    )


def as_array(tensor: Tensor, dtype: Any) -> Array:
    """A view of a checked tensor's memory; nothing is copied."""
    return np.frombuffer(tensor.data, dtype=np.dtype(dtype).newbyteorder("<")).reshape(tensor.shape)


def usable_threads() -> int:
    """The cores this process may use, as far as every kernel can."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_THREADS)
