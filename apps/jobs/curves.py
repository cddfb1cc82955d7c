"""Reading curves: page by page after a seq, or thinned to what a screen can show. The rows stay whole."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Count, F, Max, Min, Sum

from apps.jobs.models import Job, MetricBlock

Point = tuple[int, int, str, float | None]  # seq, step, name, value
MAX_PAGE = 5000
MAX_BUCKETS = 4000


def page(job: Job, *, after: int, limit: int) -> dict[str, Any]:
    """Points with seq > `after` in their order. `to_seq` is where the next page starts; `more` whether there is one."""
    limit = max(1, min(limit, MAX_PAGE))
    last_seq = Job.objects.values_list("last_seq", flat=True).get(pk=job.pk)
    rows = job.points.filter(seq__gt=after, seq__lte=last_seq).order_by("seq")
    points = list(rows.values_list("seq", "step", "name", "value")[: limit + 1])
    more = len(points) > limit
    points = points[:limit]
    return {"points": points, "to_seq": points[-1][0] if more else last_seq, "last_seq": last_seq, "more": more}


def thinned(job: Job, *, buckets: int, name: str = "") -> dict[str, Any]:
    """Every metric with at most 2 points a bucket, its smallest and its largest value; short ones whole; NaN kept as null.

    Buckets are equal ranges of steps. The extremes stay visible at any zoom of the page, unlike with every n-th point.
    """
    buckets = max(10, min(buckets, MAX_BUCKETS))
    last_seq = Job.objects.values_list("last_seq", flat=True).get(pk=job.pk)
    rows = job.blocks.filter(name=name) if name else job.blocks.all()
    spans = (
        rows.values("name").annotate(low=Min("first_step"), high=Max("last_step"), blocks=Count("pk")).order_by("name")
    )
    points: list[Point] = []
    for span in spans:
        width = -(-(span["high"] - span["low"] + 1) // buckets)
        own = job.points.filter(name=span["name"], seq__lte=last_seq).order_by("step")
        is_short = span["blocks"] <= 2 * buckets and own[: 2 * buckets + 1].count() <= 2 * buckets
        if is_short or width < 2:
            points += own.values_list("seq", "step", "name", "value")
        elif width < 2 * MetricBlock.SPAN:
            points += _extremes_of_points(job, span["name"], width)
        else:
            points += _extremes_of_blocks(job, span["name"], width // MetricBlock.SPAN)
    return {"points": points, "to_seq": last_seq, "last_seq": last_seq, "more": False, "thinned": True}


def _extremes_of_points(job: Job, name: str, width: int) -> list[Point]:
    """Buckets of `width` steps, from the points themselves."""
    rows = (
        job.points.filter(name=name)
        .annotate(bucket=F("step") / width)
        .values("bucket")
        .annotate(
            first=Min("step"),
            last=Max("step"),
            least=Min("value"),
            most=Max("value"),
            nulls=Count("pk") - Count("value"),
        )
        .order_by("bucket")
        .values_list("first", "last", "least", "most", "nulls")
    )
    return [point for row in rows for point in _corners(name, *row)]


def _extremes_of_blocks(job: Job, name: str, width: int) -> list[Point]:
    """Buckets of `width` blocks, from the derived blocks: a million points are 15,625 rows."""
    rows = (
        job.blocks.filter(name=name)
        .annotate(bucket=F("block") / width)
        .values("bucket")
        .annotate(first=Min("first_step"), last=Max("last_step"), least=Min("low"), most=Max("high"), gaps=Sum("nulls"))
        .order_by("bucket")
        .values_list("first", "last", "least", "most", "gaps")
    )
    return [point for row in rows for point in _corners(name, *row)]


def _corners(name: str, first: int, last: int, least: float | None, most: float | None, nulls: int) -> list[Point]:
    """What is drawn of one bucket. Thinned points carry seq 0: they stand for many."""
    if first == last:
        return [(0, first, name, least)]
    corners: list[Point] = [(0, first, name, least), (0, last, name, most)]
    return [*corners, (0, last, name, None)] if nulls and least is not None else corners


def update_blocks(job: Job, touched: Mapping[str, Collection[int]]) -> None:
    """Derive anew the blocks in which the steps `touched` (by name) lie. In the transaction that wrote the points."""
    span = MetricBlock.SPAN
    for blocks, names in _by_blocks(touched, span).items():
        rows = (
            job.points.filter(name__in=names, step__gte=min(blocks) * span, step__lt=(max(blocks) + 1) * span)
            .annotate(block=F("step") / span)
            .values("name", "block")
            .annotate(
                first=Min("step"),
                last=Max("step"),
                low=Min("value"),
                high=Max("value"),
                nulls=Count("pk") - Count("value"),
            )
            .values_list("name", "block", "first", "last", "low", "high", "nulls")
        )
        fresh = [
            MetricBlock(job=job, name=n, block=b, first_step=f, last_step=t, low=lo, high=hi, nulls=nulls)
            for n, b, f, t, lo, hi, nulls in rows.order_by()
        ]
        MetricBlock.objects.bulk_create(
            fresh,
            update_conflicts=True,
            unique_fields=["job", "name", "block"],
            update_fields=["first_step", "last_step", "low", "high", "nulls"],
        )


def _by_blocks(touched: Mapping[str, Collection[int]], span: int) -> dict[frozenset[int], list[str]]:
    """Names that touched the same blocks, together: one query for all metrics of a step."""
    groups: dict[frozenset[int], list[str]] = {}
    for name, steps in touched.items():
        groups.setdefault(frozenset(step // span for step in steps), []).append(name)
    return groups


def truncate(job: Job, *, after_step: int) -> None:
    """Forget what came after a step: the run goes on from there."""
    names = list(job.points.filter(step__gt=after_step).values_list("name", flat=True).distinct())
    job.points.filter(step__gt=after_step).delete()
    job.blocks.filter(last_step__gt=after_step).delete()
    kept = job.points.filter(name__in=names, step__gte=after_step // MetricBlock.SPAN * MetricBlock.SPAN)
    touched: dict[str, set[int]] = {}
    for name, step in kept.values_list("name", "step"):
        touched.setdefault(name, set()).add(step)
    update_blocks(job, touched)


def latest(job: Job) -> dict[str, float | None]:
    """The newest value of each metric."""
    newest = job.points.values("name").annotate(step=Max("step"))
    found = {}
    for row in newest:
        found[row["name"]] = job.points.filter(name=row["name"], step=row["step"]).values_list("value", flat=True).get()
    return found
