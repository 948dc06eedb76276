"""Models that another OpenAI-compatible server runs: spoken to with limits, a retry budget and a circuit breaker."""

from hypercube.inference.upstream.engine import UpstreamEngine
from hypercube.inference.upstream.options import UPSTREAM, UpstreamOptions, upstream_manifest

__all__ = ["UPSTREAM", "UpstreamEngine", "UpstreamOptions", "upstream_manifest"]
