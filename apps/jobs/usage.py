"""How much of the slots was used, read from the attempts: what a kill -9 cannot make wrong is no counter."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.jobs.models import ALIVE, Attempt
from apps.jobs.sharing import WINDOW, Span, decayed_minutes, minutes_within

AT_LEAST = timedelta(
    minutes=1
)  # what a job that has just begun counts, so that two slots do not both choose its workspace


def recent(queue: str, rooms: Iterable[UUID], *, now: datetime) -> dict[UUID, float]:
    """Decayed slot-minutes of these workspaces on the slots of one queue."""
    since = now - timedelta(seconds=WINDOW)
    found: dict[UUID, list[Span]] = defaultdict(list)
    for room, begin, end in _attempts(queue, rooms, since):
        found[room].append((begin, end) if end else (min(begin, now - AT_LEAST), now))
    return {room: decayed_minutes(spans, now=now) for room, spans in found.items()}


def of_month(rooms: Iterable[UUID], *, now: datetime) -> dict[UUID, float]:
    """Slot-minutes on GPU slots since the first of the month, those of running jobs until now among them."""
    found: dict[UUID, list[Span]] = defaultdict(list)
    for room, begin, end in _attempts("gpu", rooms, month_of(now)):
        found[room].append((begin, end or now))
    return {room: minutes_within(spans, since=month_of(now), until=now) for room, spans in found.items()}


def month_of(now: datetime) -> datetime:
    """Its first moment, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def renewal_after(now: datetime) -> datetime:
    """The first moment of the next month, in UTC."""
    return month_of(month_of(now) + timedelta(days=32))


def _attempts(queue: str, rooms: Iterable[UUID], since: datetime) -> Any:
    """(workspace, begin, end or None while it runs) of what was not over before `since`."""
    runs = Q(ended_at=None, job__status__in=ALIVE)
    found = Attempt.objects.filter(Q(ended_at__gt=since) | runs, job__queue=queue, job__workspace__in=list(rooms))
    return found.values_list("job__workspace", "created_at", "ended_at").iterator()
