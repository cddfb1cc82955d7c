"""Which task comes next for a person, found without counting or passing over what is done.

Each person has a place in the queue (`Share.cursor`): everything before it is finished, or was this person's already. The search goes
on from there through the index of open tasks; tasks that were given back before the place are found by `returned_at`; only when
nothing is left after the place it begins again at the front.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apps.labeling.models import Assignment, AssignmentStatus, LabelProject, Share, Task, TaskOrder
from apps.labeling.queueing.situation import Situation

_LOOK_AT = 20  # candidates at first; when all of them were the person's already, more at a time
_AT_MOST = 2000
_SLACK = timedelta(minutes=2)  # a task may be given back in a transaction that ends later than its clock says
Span = tuple[int, int]  # first and last number


@dataclass
class Candidates:
    """Some open tasks that the person has had no part in, the next one first. `place`: how far the person is, if this is taken;
    `lapsed`: those of which the person has an old lease."""

    ids: list[Any]
    by: tuple[str, ...]
    place: dict[str, Any]
    lapsed: set[Any]


def candidates(share: Share, person: Any, seen: Situation) -> Iterator[Candidates]:
    """All that the person may take, best first, in portions."""
    project, spans = share.project, spans_of(share, is_any_kept=seen.is_any_kept)
    if seen.is_any_returned:
        yield from _returned(project, share, person, spans)
    if project.order == TaskOrder.PRIORITY:
        yield from _by_priority(project, share, person, spans)
    elif project.order == TaskOrder.RANDOM:
        for found in _by_number(project, person, _turned(spans, _drawn(project, share, person, spans))):
            yield replace(found, place={})
    else:
        yield from _by_number(project, person, _turned(spans, share.cursor + 1))


def spans_of(share: Share, *, is_any_kept: bool = True) -> list[Span]:
    """Numbers of tasks that may come to this person: the own ranges, else all but those kept for others."""
    last = max(1, share.project.task_count)
    if share.ranges:
        return sorted((int(a), min(int(b), last)) for a, b in share.ranges if int(a) <= last)
    if not is_any_kept:
        return [(1, last)]
    others = Share.objects.filter(project=share.project).exclude(ranges=[]).exclude(pk=share.pk)
    kept = sorted((int(a), int(b)) for ranges in others.values_list("ranges", flat=True) for a, b in ranges)
    return list(_between(kept, last))


def _between(kept: Sequence[Span], last: int) -> Iterator[Span]:
    at = 1
    for first, end in kept:
        if at < first:
            yield at, min(first - 1, last)
        at = max(at, end + 1)
    if at <= last:
        yield at, last


def _turned(spans: Sequence[Span], start: int) -> list[Span]:
    """The spans from `start` on, then those before it."""
    after = [(max(first, start), last) for first, last in spans if last >= start]
    return after + [(first, min(last, start - 1)) for first, last in spans if first < start]


def _drawn(project: LabelProject, share: Share, person: Any, spans: Sequence[Span]) -> int:
    """A number from the spans by the project's seed, the person and how many tasks that person has taken."""
    size = sum(last - first + 1 for first, last in spans)
    if not size:
        return 1
    told = f"{project.seed}.{project.pk}.{person.pk}.{share.steps}"
    rest = int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big") % size
    for first, last in spans:
        if rest <= last - first:
            return first + rest
        rest -= last - first + 1
    raise AssertionError("a number below the size lies in one of the spans")


def _returned(project: LabelProject, share: Share, person: Any, spans: Sequence[Span]) -> Iterator[Candidates]:
    """Tasks given back since the person last found none of them."""
    now = timezone.now()
    rows = project.tasks.open().filter(returned_at__isnull=False)
    if share.returned_seen:
        rows = rows.filter(returned_at__gt=share.returned_seen)
    found = list(rows.order_by("returned_at").values_list("pk", "number")[:_AT_MOST])
    inside = [pk for pk, number in found if any(first <= number <= last for first, last in spans)]
    free, lapsed = _without_own(inside, person)
    for start in range(0, len(free), _LOOK_AT):
        yield Candidates(free[start : start + _LOOK_AT], ("returned_at",), {}, lapsed)
    if not free and len(found) < _AT_MOST and found:
        Share.objects.filter(pk=share.pk).update(returned_seen=now - _SLACK)


def _by_number(project: LabelProject, person: Any, spans: Sequence[Span]) -> Iterator[Candidates]:
    for first, last in spans:
        rows = project.tasks.open().filter(number__lte=last).order_by("number")
        at, size = first - 1, _LOOK_AT
        while found := list(rows.filter(number__gt=at).values_list("pk", "number")[:size]):
            yield from _portion(found, person, ("number",), lambda number: {"cursor": number - 1})
            at, size = found[-1][1], _AT_MOST
            if len(found) < _LOOK_AT:
                break


def _by_priority(project: LabelProject, share: Share, person: Any, spans: Sequence[Span]) -> Iterator[Candidates]:
    """From the person's (priority, number) down; then once more from the top."""
    if share.cursor_priority is not None:
        level, after = share.cursor_priority, share.cursor
        same = project.tasks.open().filter(priority=level, number__gt=after)
        yield from _ranked(same.order_by("number"), person, spans)
        yield from _ranked(
            project.tasks.open().filter(priority__lt=level).order_by("-priority", "number"), person, spans
        )
    yield from _ranked(project.tasks.open().order_by("-priority", "number"), person, spans)


def _ranked(rows: QuerySet[Task], person: Any, spans: Sequence[Span]) -> Iterator[Candidates]:
    at, size = 0, _LOOK_AT
    while found := list(rows.values_list("pk", "number", "priority")[at : at + size]):
        inside = [row for row in found if any(first <= row[1] <= last for first, last in spans)]
        ranks = {number: priority for _pk, number, priority in inside}

        def place(number: int, ranks: dict[int, float] = ranks) -> dict[str, Any]:
            return {"cursor": number - 1, "cursor_priority": ranks[number]}

        yield from _portion([row[:2] for row in inside], person, ("-priority", "number"), place)
        at, size = at + len(found), _AT_MOST


def _portion(found: Sequence[tuple[Any, int]], person: Any, by: tuple[str, ...], place: Any) -> Iterator[Candidates]:
    free, lapsed = _without_own([pk for pk, _number in found], person)
    wanted = set(free)
    left = [row for row in found if row[0] in wanted]
    for start in range(0, len(left), _LOOK_AT):
        some = left[start : start + _LOOK_AT]
        yield Candidates([pk for pk, _number in some], by, place(some[0][1]), lapsed)


def _without_own(ids: Sequence[Any], person: Any) -> tuple[list[Any], set[Any]]:
    """Without tasks that the person holds, answered or skipped; what lapsed may come again: (all that may come, the lapsed)."""
    parts = Assignment.objects.filter(annotator=person.pk, task__in=ids).order_by()
    own = dict(parts.values_list("task", "status")) if ids else {}
    lapsed = {pk for pk, status in own.items() if status == AssignmentStatus.LAPSED}
    return [pk for pk in ids if pk not in own or pk in lapsed], lapsed
