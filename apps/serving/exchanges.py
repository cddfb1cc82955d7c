"""The log of what was asked and answered. Written before the engine is asked, closed exactly once."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey
from apps.core import live
from apps.serving.models import Deployment, Exchange, ExchangeStatus

LOST_AFTER = timedelta(seconds=45)  # without a sign of life
WINDOW = timedelta(hours=24)
MOST_FIGURES = 5000
RING_EVERY_S = 1.0
_rung: dict[UUID, float] = {}


def begin(
    *,
    deployment: Deployment,
    request: dict[str, Any],
    unit: str = "",
    asked_as: str = "",
    is_stream: bool = False,
    actor: Any = None,
    api_key: ApiKey | None = None,
    **chosen: Any,
) -> Exchange:
    """Write the question down. `chosen` are rollout_id, arm_id and arm, where a rollout chose."""
    exchange: Exchange = Exchange.objects.create(
        workspace_id=deployment.workspace_id, deployment=deployment, request=request, unit=unit[:200],
        asked_as=asked_as[:200], is_stream=is_stream, created_by=actor, api_key=api_key, **chosen,
    )  # fmt: skip
    return exchange


def close(exchange: Exchange, status: str, **values: Any) -> bool:
    """Write the end down: answer, finish, error, figures. False when it was closed before."""
    rows = Exchange.objects.filter(pk=exchange.pk, status=ExchangeStatus.RUNNING)
    if not rows.update(status=status, **values):
        return False
    for name, value in {"status": status, **values}.items():
        setattr(exchange, name, value)
    _ring(exchange.deployment)
    return True


def _ring(deployment: Deployment) -> None:
    """Tell open pages, but not for every request of a busy second."""
    now = time.monotonic()
    if now - _rung.get(deployment.pk, -RING_EVERY_S) >= RING_EVERY_S:
        _rung[deployment.pk] = now
        live.ring(deployment)


def keep(exchange: Exchange, answer: str) -> None:
    """What was said so far, kept while the answer goes on: a console that is killed loses two seconds of it at most."""
    rows = Exchange.objects.filter(pk=exchange.pk, status=ExchangeStatus.RUNNING)
    rows.update(answer=answer, kept_at=timezone.now())


def close_lost() -> int:
    """Close what a console that ended in the middle left open; how many. What was said until then stays."""
    lost = Exchange.objects.filter(status=ExchangeStatus.RUNNING, kept_at__lt=timezone.now() - LOST_AFTER)
    told = _("The console ended while this was being answered.")
    closed: int = lost.update(status=ExchangeStatus.FAILED, error=told)
    return closed


def figures(deployments: QuerySet[Deployment]) -> dict[UUID, dict[str, Any]]:
    """For each deployment its requests of the last 24 hours, how many failed, and the 95th percentile of the time to the end
    of an answer, in seconds, over the newest 5,000 answers of all."""
    recent = Exchange.objects.filter(deployment__in=deployments, created_at__gt=timezone.now() - WINDOW)
    found: dict[UUID, dict[str, Any]] = {}
    rows = recent.order_by("-created_at").values_list("deployment_id", "status", "latency_ms")[:MOST_FIGURES]
    for pk, status, latency in rows:
        entry = found.setdefault(pk, {"requests": 0, "failed": 0, "times": []})
        entry["requests"] += 1
        entry["failed"] += status == ExchangeStatus.FAILED
        if status == ExchangeStatus.SUCCEEDED and latency is not None:
            entry["times"].append(latency)
    for entry in found.values():
        entry["p95"] = percentile(entry.pop("times"), 95)
    return found


def percentile(values: list[int], share: float) -> float | None:
    """The nearest-rank percentile in seconds of values in milliseconds; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 100))
    return float(ordered[int(rank) - 1] / 1000)
