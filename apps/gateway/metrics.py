"""What Prometheus reads at /metrics: request_count and model_latency (seconds), for every request to /v1/.

The client library adds `_total` to a counter's name; the name here is the one that was promised, so the samples are renamed on the
way out (type `unknown`, which Prometheus takes as `untyped`: rate() and increase() work alike).
"""

from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from apps.serving.models import Deployment

LABELS = ("workspace", "model", "version", "arm", "route", "status")
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)

_count = Counter("request_count", "Requests to the gateway.", LABELS, registry=None)
model_latency = Histogram("model_latency", "Seconds to the end of the answer.", LABELS, buckets=BUCKETS)


class PlainNames(Collector):
    """The counter under its own name, without `_total` and without the time of its creation."""

    def collect(self) -> Iterator[Metric]:
        plain = Metric("request_count", "Requests to the gateway.", "unknown")
        for metric in _count.collect():
            for sample in metric.samples:
                if sample.name == "request_count_total":
                    plain.add_sample("request_count", sample.labels, sample.value)
        yield plain


REGISTRY.register(PlainNames())


def count(deployment: Deployment | None, *, arm: str, route: str, status: int, seconds: float) -> None:
    """Note one request that is over. One that reached no deployment has empty labels: names that clients make up are no labels."""
    version = deployment.model_version if deployment else None
    labels = {
        "workspace": deployment.workspace.slug if deployment else "",
        "model": version.model.name if version else "",
        "version": version.version if version else "",
        "arm": arm,
        "route": route,
        "status": str(status),
    }
    _count.labels(**labels).inc()
    model_latency.labels(**labels).observe(seconds)
