"""Reading curves: nothing lost from page to page, extremes and gaps kept when thinned."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from apps.jobs import curves, protocol
from apps.jobs.models import Job, MetricBlock, MetricPoint
from tests.jobs.said import curve, metric

pytestmark = pytest.mark.django_db


def fill(
    job: Job,
    count: int,
    *,
    name: str = "loss",
    first_seq: int = 1,
    odd: Mapping[int, float | None] = MappingProxyType({}),
) -> None:
    """`count` points 1.0, 1.0, ...; `odd` are other values at some steps."""
    points = [
        MetricPoint(job=job, seq=first_seq + step, step=step, name=name, value=odd.get(step, 1.0))
        for step in range(count)
    ]
    MetricPoint.objects.bulk_create(points, batch_size=5000)
    curves.update_blocks(job, {name: set(range(count))})
    Job.objects.filter(pk=job.pk).update(last_seq=first_seq + count - 1)


def thin(job: Job, buckets: int, name: str = "loss") -> list[tuple[int, float | None]]:
    return [(step, value) for _seq, step, _name, value in curves.thinned(job, buckets=buckets, name=name)["points"]]


def test_page__read_on_to_the_end__is_every_point_once(running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=curve(1, range(23)))
    seen: list[int] = []
    after, more = 0, True
    while more:
        answer = curves.page(running, after=after, limit=5)
        seen += [point[0] for point in answer["points"]]
        after, more = answer["to_seq"], answer["more"]
    assert seen == list(range(1, 24))
    assert after == 23


def test_page__nothing_new__says_up_to_where(running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=[metric(1, 1), *[{"seq": n, "type": "x"} for n in range(2, 9)]])
    assert curves.page(running, after=1, limit=10) == {"points": [], "to_seq": 8, "last_seq": 8, "more": False}


def test_page__silly_limits__are_bounded(running: Job) -> None:
    fill(running, 20)
    assert len(curves.page(running, after=0, limit=0)["points"]) == 1
    assert len(curves.page(running, after=0, limit=10**9)["points"]) == 20


def test_page__after_the_end__is_empty(running: Job) -> None:
    fill(running, 3)
    assert curves.page(running, after=10**15, limit=10)["points"] == []


def test_thinned__short_curve__is_whole_with_its_own_seqs(running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=curve(1, range(50), 2.0))
    answer = curves.thinned(running, buckets=1000)
    assert answer["points"] == [(n + 1, n, "loss", 2.0) for n in range(50)]
    assert (answer["to_seq"], answer["thinned"]) == (50, True)


@pytest.mark.parametrize("count", [4_000, 8_000])
def test_thinned__long_curve__keeps_extremes_ends_and_gaps(running: Job, count: int) -> None:
    fill(running, count, odd={1234: 99.0, 2345: -7.0, 3456: None})
    points = thin(running, 20)
    values = [value for _step, value in points]
    assert len(points) <= 3 * 21
    assert (max(v for v in values if v is not None), min(v for v in values if v is not None)) == (99.0, -7.0)
    assert None in values
    assert (points[0][0], points[-1][0]) == (0, count - 1)
    width = math.ceil(count / 20) + MetricBlock.SPAN
    assert any(value == 99.0 and abs(step - 1234) <= width for step, value in points)
    steps = [step for step, _value in points]
    assert steps == sorted(steps)


def test_thinned__all_nan__stays_visible_as_a_gap(running: Job) -> None:
    fill(running, 300, odd=dict.fromkeys(range(300)))
    assert {value for _step, value in thin(running, 10)} == {None}


def test_thinned__several_metrics__each_thinned_by_itself(running: Job) -> None:
    fill(running, 5_000)
    fill(running, 40, name="eval_loss", first_seq=6_000)
    assert len(thin(running, 20, name="eval_loss")) == 40
    assert 20 <= len(thin(running, 20)) <= 63
    assert {point[2] for point in curves.thinned(running, buckets=20)["points"]} == {"loss", "eval_loss"}


def test_thinned__nothing_yet_or_unknown_name__is_empty(running: Job) -> None:
    assert curves.thinned(running, buckets=20)["points"] == []
    assert thin(running, 20, name="nonsense") == []


def test_thinned__steps_far_apart__are_not_lost(running: Job) -> None:
    steps = [0, 1, 10**6, 10**9, 2 * 10**9]
    events = [metric(n + 1, step, float(n)) for n, step in enumerate(steps)]
    protocol.record_events(job=running, epoch=1, events=events)
    assert [step for step, _value in thin(running, 20)] == steps


def test_latest__of_each_metric__is_the_value_at_the_greatest_step(running: Job) -> None:
    events = [metric(1, 5, 1.0), metric(2, 9, None), metric(3, 5, 3.0, "grad_norm")]
    protocol.record_events(job=running, epoch=1, events=events)
    assert curves.latest(running) == {"loss": None, "grad_norm": 3.0}


def test_blocks__written_batch_by_batch__are_those_of_the_whole(running: Job) -> None:
    for first in range(1, 400, 30):
        protocol.record_events(job=running, epoch=1, events=curve(first, range(first, first + 30), float(first)))
    kept = sorted(running.blocks.values_list("block", "first_step", "last_step", "low", "high", "nulls"))
    running.blocks.all().delete()
    curves.update_blocks(running, {"loss": set(running.points.values_list("step", flat=True))})
    assert kept == sorted(running.blocks.values_list("block", "first_step", "last_step", "low", "high", "nulls"))
