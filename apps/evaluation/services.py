"""Verbs of evaluation: measure a checkpoint; a round from its draft to its verdict."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User, Workspace
from apps.accounts.roles import roles_with
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.transitions import move
from apps.datasets.models import DatasetVersion
from apps.evaluation import freezing, rubric, sampling, sheets
from apps.evaluation.models import (
    Entrant,
    HumanScore,
    MetricReport,
    Outcome,
    Rater,
    Round,
    RoundStatus,
    Rule,
    Split,
    Statistic,
)
from apps.evaluation.verdicts import Verdict, verdicts_of
from apps.jobs import services as jobs
from apps.jobs.models import Status
from apps.training.models import Checkpoint

__all__ = ["Verdict", "verdicts_of"]

METRICS, ANSWERS = "evaluation.metrics", "evaluation.answers"
MOST_ROWS, MOST_ITEMS, MOST_TOKENS = 2000, 500, 1024
FEWEST_RATERS, MOST_RATERS = 2, 12
GATE = {"statistic": Statistic.values, "rule": Rule.values}


def create_report(
    *,
    actor: Any,
    checkpoint: Checkpoint,
    dataset_version: DatasetVersion | None = None,
    split: str = "",
    max_rows: int = 200,
    max_tokens: int = 128,
    seed: int = 0,
) -> MetricReport:
    """Measure a checkpoint beside its base model. Raises Problem."""
    version = dataset_version or checkpoint.run.dataset_version
    _require_one_room(checkpoint.workspace, version, [checkpoint])
    _require_bytes(checkpoint)
    _within(max_rows, 1, MOST_ROWS, "max_rows")
    _within(max_tokens, 1, MOST_TOKENS, "max_tokens")
    _within(seed, 0, 2**31 - 1, "seed")
    found = sampling.split_for(version, split, checkpoint.run)
    settings = {"max_tokens": max_tokens, "max_rows": max_rows, "seed": seed}
    with transaction.atomic():
        job = jobs.submit(
            actor=actor,
            workspace=checkpoint.workspace,
            kind=METRICS,
            title=_("Measure %(checkpoint)s") % {"checkpoint": checkpoint},
            inputs={"checkpoint": str(checkpoint.pk), "dataset_version": str(version.pk), "split": found.value},
            settings=settings,
        )
        report: MetricReport = MetricReport.objects.create(
            workspace=checkpoint.workspace, created_by=actor, checkpoint=checkpoint, dataset_version=version,
            split=found, seed=seed, job=job,
        )  # fmt: skip
        ledger.write(row=report, verb="report.started", actor=actor)
    return report


def cancel_report(*, actor: Any, report: MetricReport) -> MetricReport:
    jobs.cancel(actor=actor, job=report.job)
    return report


@transaction.atomic
def create_round(
    *,
    actor: Any,
    workspace: Workspace,
    name: str,
    checkpoints: Sequence[Checkpoint],
    dataset_version: DatasetVersion,
    raters: Sequence[User],
    split: str = "",
    sample_size: int = 100,
    seed: int | None = None,
    max_tokens: int = 200,
    rubric_given: Any = None,
    statistic: str = Statistic.QUADRATIC,
    threshold: float = 0.6,
    rule: str = Rule.ALL,
    previous: Round | None = None,
) -> Round:
    """A draft of a round; everything in it can still be changed. Raises Problem."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)  # numbers without gaps and doubles
    number = (Round.objects.filter(workspace=workspace).aggregate(newest=Max("number"))["newest"] or 0) + 1
    row = Round(workspace=workspace, created_by=actor, number=number, previous=previous, rubric=rubric.default())
    row.seed = secrets.randbelow(2**31 - 1) if seed is None else seed
    given = {
        "name": name, "checkpoints": checkpoints, "dataset_version": dataset_version, "raters": raters, "split": split,
        "sample_size": sample_size, "seed": row.seed, "max_tokens": max_tokens, "statistic": statistic, "threshold": threshold,
        "rule": rule, **({} if rubric_given is None else {"rubric": rubric_given}),
    }  # fmt: skip
    _write_draft(row, given)
    ledger.write(row=row, verb="round.created", actor=actor)
    live.ring(row)
    return row


@transaction.atomic
def edit_round(*, actor: Any, round: Round, **changes: Any) -> Round:
    """Change a draft: name, checkpoints, dataset_version, raters, split, sample_size, seed, max_tokens, rubric, statistic,
    threshold, rule. Raises Conflict once the round is no draft any more."""
    found: Round = Round.objects.select_for_update().get(pk=round.pk)
    if found.status != RoundStatus.DRAFT:
        raise Conflict(
            _("This round is no draft any more: what is rated, how, and by whom is fixed."),
            hint=_("Make a next round to change something."),
        )
    _write_draft(found, changes)
    ledger.write(row=found, verb="round.edited", actor=actor, note=", ".join(sorted(changes)))
    live.ring(found)
    return found


def _write_draft(row: Round, given: Mapping[str, Any]) -> None:
    """Check what is given against what stands, then write row, entrants and raters."""
    adding = row._state.adding
    chosen: Sequence[Checkpoint] = (
        given.get("checkpoints") or [] if adding or "checkpoints" in given else entrants_of(row)
    )
    raters: Sequence[User] = given["raters"] if "raters" in given else [rater.user for rater in row.raters.all()]
    _set_fields(row, given)
    if not 1 <= len(chosen) <= 2 or len({one.pk for one in chosen}) < len(chosen):
        raise Problem(_("A round is about one checkpoint or two different ones."), field="checkpoints")
    _require_one_room(row.workspace, row.dataset_version, chosen)
    for checkpoint in chosen:
        _require_bytes(checkpoint)
    _require_raters(row.workspace, raters)
    row.split = sampling.split_for(row.dataset_version, str(given.get("split", row.split)), chosen[0].run)
    row.save()
    row.entrants.all().delete()
    Entrant.objects.bulk_create(
        Entrant(round=row, checkpoint=checkpoint, place=place) for place, checkpoint in zip("AB", chosen, strict=False)
    )
    row.raters.exclude(user__in=raters).delete()
    known = set(row.raters.values_list("user_id", flat=True))
    for user in raters:
        if user.pk not in known:
            Rater.objects.create(round=row, user=user)


def _set_fields(row: Round, given: Mapping[str, Any]) -> None:
    if "name" in given:
        row.name = str(given["name"]).strip()
    if not row.name or len(row.name) > 80:
        raise Problem(_("Give the round a name of at most 80 characters."), field="name")
    if "dataset_version" in given:
        row.dataset_version = given["dataset_version"]
    if "rubric" in given:
        row.rubric = rubric.checked(given["rubric"])
    for field, low, high in (("sample_size", 2, MOST_ITEMS), ("seed", 0, 2**31 - 1), ("max_tokens", 1, MOST_TOKENS)):
        if field in given:
            _within(given[field], low, high, field)
            setattr(row, field, given[field])
    for field, known in GATE.items():
        if field in given:
            if given[field] not in known:
                raise Problem(_("There is no such %(field)s.") % {"field": field}, field=field, hint=", ".join(known))
            setattr(row, field, given[field])
    if "threshold" in given:
        value = given["threshold"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            raise Problem(_("The threshold is a number from 0 to below 1."), field="threshold")
        row.threshold = float(value)


def open_round(*, actor: Any, round: Round) -> Round:
    """Have the answers made; the round opens for rating by itself when they are there. Raises Conflict when it is no draft."""
    _require_raters(round.workspace, [rater.user for rater in round.raters.select_related("user")])
    for checkpoint in entrants_of(round):
        _require_bytes(checkpoint)
    if round.split == Split.HELD_OUT:
        sampling.split_for(round.dataset_version, round.split, entrants_of(round)[0].run)
    with transaction.atomic():
        move(round, RoundStatus.PREPARING, actor=actor, job=_submit_answers(actor, round))
    return round


def prepare_again(*, actor: Any, round: Round) -> Round:
    """Make the answers anew after their job failed or was cancelled. Raises Conflict."""
    with transaction.atomic():
        found: Round = Round.objects.select_for_update(of=("self",)).select_related("job", "workspace").get(pk=round.pk)
        if found.status != RoundStatus.PREPARING or (
            found.job and found.job.status not in (Status.FAILED, Status.CANCELLED)
        ):
            raise Conflict(_("The answers are being made, or they are made already."))
        Round.objects.filter(pk=found.pk).update(job=_submit_answers(actor, found))
        ledger.write(row=found, verb="round.prepared_again", actor=actor)
        live.ring(found)
    found.refresh_from_db()
    return found


def _submit_answers(actor: Any, round: Round) -> Any:
    """Neither title nor inputs name a checkpoint: who rates may see jobs."""
    title = _("Answers for round %(number)s") % {"number": round.number}
    settings = {"max_tokens": round.max_tokens}
    return jobs.submit(
        actor=actor,
        workspace=round.workspace,
        kind=ANSWERS,
        title=title,
        inputs={"round": str(round.pk)},
        settings=settings,
    )


def back_to_draft(*, actor: Any, round: Round) -> Round:
    """Take a round back whose answers are not made yet. Raises Conflict."""
    if round.status == RoundStatus.PREPARING and round.job is not None:
        jobs.cancel(actor=actor, job=round.job)
    move(round, RoundStatus.DRAFT, actor=actor)
    return round


def cancel_round(*, actor: Any, round: Round) -> Round:
    """End a round without a verdict; nobody ever sees its ratings."""
    if round.status == RoundStatus.PREPARING and round.job is not None:
        jobs.cancel(actor=actor, job=round.job)
    move(round, RoundStatus.CANCELLED, actor=actor, closed_at=timezone.now())
    return round


def close_round(*, actor: Any, round: Round, early: bool = False) -> Round:
    """Compute agreement and decide by the gate. Raises Conflict while ratings are missing, unless `early`."""
    with transaction.atomic():
        found: Round = Round.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=round.pk)
        if found.status != RoundStatus.RATING:
            raise Conflict(_("Only a round that is being rated can be closed."))
        done, wanted = sheets.progress(found)
        if done < wanted and not early:
            raise Conflict(
                _("%(missing)s of %(wanted)s ratings are missing.") % {"missing": wanted - done, "wanted": wanted},
                hint=_("Wait for them, or close early and take the wider interval."),
                code="ratings_missing",
            )
        result = sheets.result_of(found)
        if freezing.fingerprint(found) != found.frozen_hash:
            result["decision"] = {"outcome": Outcome.UNDEFINED, "value": None, "why": "changed", "criterion": ""}
        outcome = result["decision"]["outcome"]
        move(
            found,
            RoundStatus.CLOSED,
            actor=actor,
            note=str(outcome),
            outcome=outcome,
            result=result,
            closed_at=timezone.now(),
        )
        if outcome == Outcome.PASSED:
            _attach_scores(found, result)
    return found


def _attach_scores(round: Round, result: Mapping[str, Any]) -> None:
    by_place = {entrant.place: entrant for entrant in round.entrants.all()}
    HumanScore.objects.bulk_create(
        HumanScore(round=round, checkpoint_id=by_place[place].checkpoint_id, criterion=criterion, **score)
        for place, scores in result["means"].items()
        for criterion, score in scores.items()
        if score["mean"] is not None
    )


def next_round(*, actor: Any, round: Round, checkpoints: Sequence[Checkpoint] | None = None) -> Round:
    """A draft linked to a closed round, with its rubric, raters and gate and a fresh sample. Raises Conflict."""
    if round.status != RoundStatus.CLOSED:
        raise Conflict(_("A next round follows a closed one."))
    return create_round(
        actor=actor,
        workspace=round.workspace,
        name=round.name,
        checkpoints=checkpoints or entrants_of(round),
        dataset_version=round.dataset_version,
        raters=_still_raters(round),
        split=round.split,
        sample_size=round.sample_size,
        max_tokens=round.max_tokens,
        rubric_given=round.rubric,
        statistic=round.statistic,
        threshold=round.threshold,
        rule=round.rule,
        previous=round,
    )


def entrants_of(round: Round) -> list[Checkpoint]:
    rows = round.entrants.select_related("checkpoint__run__dataset_version", "checkpoint__run__job")
    return [entrant.checkpoint for entrant in rows]


def may_rate(workspace: Workspace) -> Any:
    """People who can be raters here."""
    return User.objects.filter(
        is_active=True, memberships__workspace=workspace, memberships__role__in=roles_with("evaluation.rate")
    ).order_by("name", "email")


def _still_raters(round: Round) -> list[User]:
    allowed = set(may_rate(round.workspace).values_list("pk", flat=True))
    return [rater.user for rater in round.raters.select_related("user") if rater.user_id in allowed]


def _require_raters(workspace: Workspace, raters: Sequence[User]) -> None:
    if not FEWEST_RATERS <= len({user.pk for user in raters}) <= MOST_RATERS:
        message = _("A round needs %(fewest)s to %(most)s raters: agreement of one is none.")
        raise Problem(message % {"fewest": FEWEST_RATERS, "most": MOST_RATERS}, field="raters")
    allowed = set(may_rate(workspace).values_list("pk", flat=True))
    for user in raters:
        if user.pk not in allowed:
            raise Problem(_("%(person)s cannot rate in this workspace.") % {"person": user}, field="raters")


def _require_one_room(workspace: Workspace, version: DatasetVersion, checkpoints: Sequence[Checkpoint]) -> None:
    if version.workspace_id != workspace.pk:
        raise Problem(_("Checkpoints and data must be in one workspace."), field="dataset_version")
    if any(checkpoint.workspace_id != workspace.pk for checkpoint in checkpoints):
        raise Problem(_("Checkpoints and data must be in one workspace."), field="checkpoints")


def _require_bytes(checkpoint: Checkpoint) -> None:
    checkpoint.require_text()
    if checkpoint.is_removed:
        message = _("The files of %(checkpoint)s are gone: newer ones took their place.")
        raise Problem(
            message % {"checkpoint": checkpoint}, field="checkpoint", hint=_("Choose the best or the final one.")
        )


def _within(value: Any, low: int, high: int, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        message = _("%(field)s is a whole number from %(low)s to %(high)s.")
        raise Problem(message % {"field": field, "low": low, "high": high}, field=field)
