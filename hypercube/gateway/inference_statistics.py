"""What became of inference requests, by model and version, in the counters of the Open Inference Protocol's users."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hypercube.core.cube import Timing

_NS: Final = 1_000_000_000


@dataclass(slots=True)
class Duration:
    """How often, and how long in all."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        """One more."""
        self.count += 1
        self.ns += max(0, round(seconds * _NS))


@dataclass(slots=True)
class ModelStatistics:
    """The counters of one version of a model.

    Attributes:
        last_inference_ms: POSIX milliseconds of the last request.
        inferences: requests answered well.
        executions: batches that answered them; requests that share one count as one.
        success: whole time of the good ones.
        fail: whole time of the others.
        queue: waiting for a batch.
        compute_input: checking and mapping the tensors.
        compute_infer: in the kernel or the model.
        compute_output: putting the answer together.
    """

    last_inference_ms: int = 0
    inferences: int = 0
    executions: float = 0.0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    queue: Duration = field(default_factory=Duration)
    compute_input: Duration = field(default_factory=Duration)
    compute_infer: Duration = field(default_factory=Duration)
    compute_output: Duration = field(default_factory=Duration)


class InferenceStatistics:
    """The counters of every version of every model, for every transport; only what is served has any.

    What is asked with an adapter counts for its model: adapters are named by callers, and come and go. So whoever calls
    names a model without one, and a version that there is.
    """

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._versions: dict[tuple[str, str], ModelStatistics] = {}

    def of(self, model: str, version: str) -> ModelStatistics:
        """The counters of a version, zeros before its first request."""
        return self._versions.get((model, version)) or ModelStatistics()

    def succeeded(
        self, model: str, version: str, timing: Timing, *, total_s: float, input_s: float, output_s: float
    ) -> None:
        """A request was answered."""
        counters = self._touch(model, version)
        counters.inferences += 1
        counters.executions += 1 / (timing.batch_size or 1)
        counters.success.add(total_s)
        counters.queue.add(timing.queue_s + timing.batch_s)
        counters.compute_input.add(input_s)
        counters.compute_infer.add(timing.compute_s)
        counters.compute_output.add(output_s)

    def failed(self, model: str, version: str, total_s: float) -> None:
        """A request for a model that is served was not answered."""
        self._touch(model, version).fail.add(total_s)

    def _touch(self, model: str, version: str) -> ModelStatistics:
        counters = self._versions.setdefault((model, version), ModelStatistics())
        counters.last_inference_ms = int(self._wall_clock() * 1000)
        return counters
