"""Finished requests on the Prometheus page."""

from prometheus_client.parser import text_string_to_metric_families

from hypercube.observability.metrics import Metrics


def test_counts_and_times_of_requests() -> None:
    metrics = Metrics()
    for outcome, seconds in (("ok", 0.0004), ("ok", 0.0005), ("invalid_argument", 0.002), ("ok", 99.0)):
        metrics.request_finished("http", "/v1/x", outcome, seconds)
    metrics.request_finished("grpc", "S/M", "ok", 0.3)
    families = {each.name: each for each in text_string_to_metric_families(metrics.text().decode())}
    counted = {
        (each.labels["transport"], each.labels["route"], each.labels["outcome"]): each.value
        for each in families["hypercube_requests"].samples
        if each.name == "hypercube_requests_total"
    }
    assert counted == {
        ("http", "/v1/x", "ok"): 3,
        ("http", "/v1/x", "invalid_argument"): 1,
        ("grpc", "S/M", "ok"): 1,
    }
    samples = [
        each for each in families["hypercube_request_seconds"].samples if each.labels["route"] == "/v1/x"
    ]
    buckets = {each.labels["le"]: each.value for each in samples if each.name.endswith("_bucket")}
    assert buckets["0.0005"] == 2
    assert (buckets["0.001"], buckets["0.0025"], buckets["30.0"], buckets["+Inf"]) == (2, 3, 3, 4)
    (total,) = (each.value for each in samples if each.name.endswith("_sum"))
    assert abs(total - 99.0029) < 1e-9
    (count,) = (each.value for each in samples if each.name.endswith("_count"))
    assert count == 4
