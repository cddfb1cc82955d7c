"""What came of each run, as a table: one row a run, columns that may be chosen, sorted by any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Avg, Max, Min
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.jobs.models import MetricPoint
from apps.training.models import Run

Row = dict[str, Any]
MEMORIES = ("gpu_memory_mb", "memory_mb")


@dataclass(frozen=True)
class Column:
    name: str
    label: Any
    unit: str = ""
    is_number: bool = True


COLUMNS = (
    Column("status", _("Status"), is_number=False),
    Column("best_eval_loss", _("Best evaluation loss")),
    Column("last_eval_loss", _("Last evaluation loss")),
    Column("last_loss", _("Last loss")),
    Column("steps", _("Steps")),
    Column("tokens_per_second", _("Tokens per second")),
    Column("duration_s", _("Duration"), "s"),
    Column("trained_parameters", _("Trained weights")),
    Column("peak_memory_mb", _("Peak memory"), "MB"),
    Column("device", _("Device"), is_number=False),
    Column("method", _("Method"), is_number=False),
    Column("base_model", _("Base model"), is_number=False),
    Column("data", _("Data"), is_number=False),
)
NAMES = tuple(column.name for column in COLUMNS)


def outcomes(runs: Sequence[Run]) -> list[Row]:
    """One row a run, in their order; what is not known yet is None."""
    jobs = [run.job_id for run in runs]
    points = MetricPoint.objects.filter(job__in=jobs, value__isnull=False).order_by()
    spans = points.values("job", "name").annotate(
        least=Min("value"), most=Max("value"), mean=Avg("value"), last=Max("step")
    )
    found: dict[tuple[Any, str], Row] = {(span["job"], span["name"]): dict(span) for span in spans}
    return [_row(run, _teller(run, found)) for run in runs]


def _teller(run: Run, found: dict[tuple[Any, str], Row]) -> Callable[[str, str], Any]:
    return lambda name, what: found.get((run.job_id, name), {}).get(what)


def _row(run: Run, told: Callable[[str, str], Any]) -> Row:
    job, facts = run.job, run.job.facts
    peak = next((told(name, "most") for name in MEMORIES if told(name, "most") is not None), None)
    return {
        "run": str(run.pk),
        "name": run.name,
        "code": run.code,
        "status": job.status,
        "best_eval_loss": told("eval_loss", "least"),
        "last_eval_loss": _at(run, "eval_loss", told("eval_loss", "last")),
        "last_loss": _at(run, "loss", told("loss", "last")),
        "steps": job.last_step,
        "tokens_per_second": told("tokens_per_second", "mean"),
        "duration_s": _seconds(run),
        "trained_parameters": facts.get("trainable_parameters"),
        "peak_memory_mb": peak,
        "device": facts.get("device"),
        "method": str(run.method_name),
        "base_model": run.base_model.name,
        "data": str(run.dataset_version),
    }


def _at(run: Run, name: str, step: int | None) -> float | None:
    if step is None:
        return None
    value: float | None = run.job.points.filter(name=name, step=step).values_list("value", flat=True).first()
    return value


def _seconds(run: Run) -> float | None:
    job = run.job
    if job.started_at is None:
        return None
    took: timedelta = (job.finished_at or timezone.now()) - job.started_at
    return max(0.0, took.total_seconds())
