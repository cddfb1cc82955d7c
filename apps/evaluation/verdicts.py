"""What evaluation says of a checkpoint, for who decides about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.evaluation import wording
from apps.evaluation.models import OPEN, MetricReport, Outcome, Round, RoundStatus
from apps.jobs.models import Status
from apps.training.models import Checkpoint

PENDING = "pending"


@dataclass(frozen=True)
class Verdict:
    """One finding. `kind`: metrics or round; `state`: passed, failed, undefined or pending."""

    kind: str
    title: str
    state: str
    text: str
    url: str
    at: datetime


def verdicts_of(checkpoint: Checkpoint, *, user: Any = None) -> list[Verdict]:
    """Reports and rounds of a checkpoint, the newest first.

    Rounds that are still open are told only to a `user` who is no rater of them: a rater must not learn what is being rated.
    """
    reports = MetricReport.objects.filter(checkpoint=checkpoint).select_related(
        "job", "checkpoint__run", "dataset_version__dataset"
    )
    statuses = [RoundStatus.CLOSED, *(OPEN if user is not None else ())]
    rounds = Round.objects.filter(entrants__checkpoint=checkpoint, status__in=statuses).prefetch_related("entrants")
    shown = [row for row in rounds if not row.is_open or not row.is_blind_for(user)]
    found = [*map(_of_report, reports), *(_of_round(row, checkpoint) for row in shown)]
    return sorted(found, key=lambda verdict: verdict.at, reverse=True)


def _of_report(report: MetricReport) -> Verdict:
    """Better than the base when the whole interval of the difference in loss lies below zero."""
    title = _("Metrics on %(version)s, %(split)s") % {
        "version": report.dataset_version, "split": str(report.get_split_display()).lower(),
    }  # fmt: skip
    job = report.job
    if not report.metrics:
        state = PENDING if not job.is_terminal or job.status == Status.SUCCEEDED else Outcome.UNDEFINED.value
        text = str(job.get_status_display())
    else:
        apart = report.metrics["difference"]["loss"]
        state = "passed" if apart["high"] < 0 else "failed" if apart["low"] > 0 else "undefined"
        text = wording.metrics_in_words(report.metrics)
    return Verdict("metrics", title, state, text, report.get_absolute_url(), job.finished_at or report.created_at)


def _of_round(round: Round, checkpoint: Checkpoint) -> Verdict:
    title = str(round)
    at = round.closed_at or round.opened_at or round.created_at
    if round.status != RoundStatus.CLOSED:
        text = str(round.get_status_display())
        return Verdict("round", title, PENDING, text, round.get_absolute_url(), at)
    place = next(entrant.place for entrant in round.entrants.all() if entrant.checkpoint_id == checkpoint.pk)
    text = f"{wording.verdict_in_words(round)} {wording.means_in_words(round, place)}".strip()
    return Verdict("round", title, round.outcome, text, round.get_absolute_url(), at)
