"""Every metric of the platform, declared once, in Prometheus' form.

Counters that a request touches are live objects; everything that already counts for itself (batchers, cubes,
models) is read when Prometheus asks, through `add_source`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from hypercube.core.monitor import MetricSample

CONTENT_TYPE: Final = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
SIZE_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 96, 127, 128, 256)
_LATENCY_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

Source = Callable[[], Iterable[Metric]]


class Metrics:
    """The platform's metrics, apart from the process-wide default registry so that tests can have many."""

    def __init__(self) -> None:
        # A time of creation beside each counter doubles the page and tells nobody anything.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._finished: dict[tuple[str, str, str], _Finished] = {}
        self._latencies: dict[tuple[str, str], _Latency] = {}
        self.add_source(self._request_families)
        self._in_flight = Gauge(
            "hypercube_requests_in_flight", "Requests accepted and not yet answered", registry=self._registry
        )

    def request_finished(self, transport: str, route: str, outcome: str, seconds: float) -> None:
        """Count a finished request; `outcome` is `ok` or an `ErrorKind`."""
        # Routes are templates and outcomes kinds, so these stay few. Plain sums, read when Prometheus asks: its own
        # counters take a lock each, and the event loop needs none.
        finished = self._finished.get((transport, route, outcome))
        if finished is None:
            latency = self._latencies.setdefault((transport, route), _Latency())
            finished = self._finished[transport, route, outcome] = _Finished(latency)
        finished.count += 1
        finished.latency.add(seconds)

    def _request_families(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "hypercube_requests",
            "Finished requests by transport, route and outcome",
            labels=("transport", "route", "outcome"),
        )
        seconds = HistogramMetricFamily(
            "hypercube_request_seconds",
            "Time from the first byte of a request to the last byte of its answer",
            labels=("transport", "route"),
        )
        for key, finished in self._finished.items():
            requests.add_metric(key, finished.count)
        for where, latency in self._latencies.items():
            seconds.add_metric(where, latency.buckets(), sum_value=latency.total_s)
        return (requests, seconds)

    def watch_in_flight(self, read: Callable[[], float]) -> None:
        """Report `read()` as the number of requests in flight."""
        self._in_flight.set_function(read)

    def add_source(self, source: Source) -> None:
        """Ask `source` for metric families whenever metrics are read."""
        self._registry.register(_SourceCollector(source))

    def text(self) -> bytes:
        """The exposition that `GET /metrics` answers with."""
        return generate_latest(self._registry)


class _Latency:
    """Requests of one route by how long they took."""

    __slots__ = ("_counts", "total_s")

    def __init__(self) -> None:
        self._counts = [0] * (len(_LATENCY_BUCKETS) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(_LATENCY_BUCKETS, seconds)] += 1
        self.total_s += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus counts them: each bound with all that took no longer."""
        bounds = [*(str(float(bound)) for bound in _LATENCY_BUCKETS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True))


class _Finished:
    """Requests of one route that ended in one way."""

    __slots__ = ("count", "latency")

    def __init__(self, latency: _Latency) -> None:
        self.count = 0
        self.latency = latency


class _SourceCollector(Collector):
    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        return self._source()

    def describe(self) -> Iterable[Metric]:
        # Nothing to compare at registration: names are declared in this module only.
        return ()


class BatcherCounts(Protocol):
    """What is read of a batcher's snapshot."""

    @property
    def queued_items(self) -> int:
        """Items waiting."""
        ...

    @property
    def queued_cost(self) -> float:
        """Cost waiting."""
        ...

    @property
    def running_items(self) -> int:
        """Items computing."""
        ...

    @property
    def closed(self) -> Mapping[str, int]:
        """Batches by the reason they closed."""
        ...

    @property
    def sizes(self) -> Mapping[int, int]:
        """Batches by their number of items."""
        ...

    @property
    def dropped(self) -> Mapping[str, int]:
        """Items that never ran, by reason."""
        ...

    @property
    def halved(self) -> int:
        """Failed batches run again in halves."""
        ...


def shed_family(refused: Mapping[str, int]) -> Metric:
    """Requests that were refused at the door: for its line, or for a full queue further inside."""
    shed = CounterMetricFamily("hypercube_requests_shed", "Requests refused at the door", labels=("full",))
    for what, count in refused.items():
        shed.add_metric((what,), count)
    return shed


def batcher_families(batchers: Mapping[str, BatcherCounts]) -> Iterable[Metric]:
    """The batchers' snapshots, by name, as metric families."""
    items = GaugeMetricFamily("hypercube_batcher_queued_items", "Items waiting", labels=("batcher",))
    cost = GaugeMetricFamily(
        "hypercube_batcher_queued_cost", "Cost (rows, tokens) waiting", labels=("batcher",)
    )
    running = GaugeMetricFamily("hypercube_batcher_running_items", "Items computing", labels=("batcher",))
    batches = CounterMetricFamily(
        "hypercube_batches", "Batches by the reason they closed", labels=("batcher", "reason")
    )
    lost = CounterMetricFamily(
        "hypercube_batcher_dropped_items", "Items that never ran", labels=("batcher", "reason")
    )
    halves = CounterMetricFamily(
        "hypercube_batches_halved", "Failed batches run again in halves", labels=("batcher",)
    )
    sizes = HistogramMetricFamily("hypercube_batch_items", "Items in a batch", labels=("batcher",))
    for name, counts in batchers.items():
        items.add_metric((name,), counts.queued_items)
        cost.add_metric((name,), counts.queued_cost)
        running.add_metric((name,), counts.running_items)
        for reason, count in counts.closed.items():
            batches.add_metric((name, reason), count)
        for reason, count in counts.dropped.items():
            lost.add_metric((name, reason), count)
        halves.add_metric((name,), counts.halved)
        buckets, total = _size_buckets(counts.sizes)
        sizes.add_metric((name,), buckets, sum_value=total)
    return (items, cost, running, batches, lost, halves, sizes)


def _size_buckets(sizes: Mapping[int, int]) -> tuple[list[tuple[str, float]], float]:
    buckets = [
        (str(float(bound)), float(sum(count for size, count in sizes.items() if size <= bound)))
        for bound in SIZE_BUCKETS
    ]
    buckets.append(("+Inf", float(sum(sizes.values()))))
    return buckets, float(sum(size * count for size, count in sizes.items()))


def cube_families(samples: Mapping[str, Iterable[MetricSample]]) -> Iterable[Metric]:
    """Every cube's own counters, by cube name."""
    calls = CounterMetricFamily(
        "hypercube_cube_calls", "Finished calls of a cube by outcome", labels=("cube", "outcome")
    )
    busy = CounterMetricFamily(
        "hypercube_cube_busy_seconds", "Time spent in a cube's calls", labels=("cube",)
    )
    in_flight = GaugeMetricFamily("hypercube_cube_in_flight", "Calls of a cube in progress", labels=("cube",))
    for cube, own in samples.items():
        for sample in own:
            if sample.name == "calls_total":
                calls.add_metric((cube, dict(sample.labels)["outcome"]), sample.value)
            elif sample.name == "busy_seconds_total":
                busy.add_metric((cube,), sample.value)
            elif sample.name == "in_flight":
                in_flight.add_metric((cube,), sample.value)
    return (calls, busy, in_flight)


def model_families(ready: Mapping[str, bool]) -> Iterable[Metric]:
    """Whether each served model answers."""
    gauge = GaugeMetricFamily("hypercube_model_ready", "1 when a model answers", labels=("model",))
    for model, is_ready in ready.items():
        gauge.add_metric((model,), float(is_ready))
    return (gauge,)
