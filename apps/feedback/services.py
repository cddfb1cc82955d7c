"""Verbs of feedback: give it, sort it, and lead it back to the start of the ring: to labeling, to data, to the next run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live, transitions
from apps.core.errors import Conflict, Problem
from apps.datasets import freezing
from apps.datasets import services as datasets
from apps.datasets.amending import amend_version
from apps.datasets.models import Dataset, DatasetVersion
from apps.feedback import saying
from apps.feedback.models import Signal, Status
from apps.labeling import services as labeling
from apps.labeling.models import LabelProject
from apps.rollout import services as rollout
from apps.serving.models import Exchange
from apps.training import services as training
from apps.training.models import Run

AT_ONCE = 1000  # signals of one request


@transaction.atomic
def give_feedback(*, actor: Any, exchange: Exchange, said: Mapping[str, Any], user: str = "") -> tuple[Signal, bool]:
    """Write down what a giver says about an exchange; whether it is the first time.

    The giver is `user` (a person known to the caller), else the caller. Said again, what is named replaces what was said, what is
    not named stays, and an arm counts the giver once. Raises Problem naming the field, Conflict when a correction changes after
    it went to labeling.
    """
    words, user = saying.checked(said), saying.checked_user(user)
    exchange = Exchange.objects.select_for_update().get(pk=exchange.pk)  # one after the other: nothing is counted twice
    giver = f"user:{user}" if user else f"person:{actor.pk}"
    signal = Signal.objects.filter(exchange=exchange, giver=giver).first()
    is_new = signal is None
    if signal is None:
        signal = Signal(workspace_id=exchange.workspace_id, exchange=exchange, giver=giver, end_user=user)
    elif (
        signal.status in (Status.SENT, Status.USED) and words.get("correction", signal.correction) != signal.correction
    ):
        raise Conflict(_("Its correction went to labeling already."), field="correction", code="already_sent")
    for name, value in words.items():
        setattr(signal, name, value)
    signal.created_by, signal.api_key = actor, actor.key
    saying.require_something(signal)
    _tally(signal)
    signal.save()
    if signal.status == Status.DISMISSED:
        transitions.move(signal, Status.NEW, actor=actor, note=_("It says something else now."))
    ledger.write(row=signal, verb="signal.given" if is_new else "signal.changed", actor=actor)
    live.ring(signal)
    return signal, is_new


def _tally(signal: Signal) -> None:
    """Hand the arm the difference between what it holds of this signal and what the signal is worth now."""
    arm, value = signal.exchange.arm_id, signal.value
    if arm is None or value == signal.tallied:
        return
    rollout.note_feedback(arm_id=arm, value=value, instead_of=signal.tallied)
    signal.tallied = value


def dismiss(*, actor: Any, signals: Sequence[Signal]) -> int:
    """Put new signals aside; how many. Those that went on already stay where they are."""
    return _move_all([signal for signal in signals if signal.status == Status.NEW], Status.DISMISSED, actor)


def reopen(*, actor: Any, signals: Sequence[Signal]) -> int:
    return _move_all([signal for signal in signals if signal.status == Status.DISMISSED], Status.NEW, actor)


@transaction.atomic
def _move_all(signals: Sequence[Signal], to: str, actor: Any, **values: Any) -> int:
    for signal in signals:
        transitions.move(signal, to, actor=actor, changed_at=timezone.now(), **values)
    return len(signals)


@transaction.atomic
def send_to_labeling(
    *, actor: Any, signals: Sequence[Signal], project: LabelProject | None = None, name: str = ""
) -> LabelProject:
    """Make a task "improve the answer" of each new signal, in `project` or in a new one called `name`. A signal is never sent twice.
    Raises Conflict when none is new."""
    fresh = _locked(signals, Status.NEW)
    if not fresh:
        raise Conflict(_("None of these signals is new: each goes to labeling once."), field="signals", code="none_new")
    workspace = _one_workspace(fresh)
    if project is None:
        title = name.strip() or _("Corrections of %(day)s") % {"day": timezone.now().strftime("%Y-%m-%d %H:%M:%S")}
        project = labeling.correction_project(actor=actor, workspace=workspace, name=title)
    elif project.workspace_id != workspace.pk:
        raise Problem(_("The project is of another workspace."), field="project")
    labeling.add_tasks(actor=actor, project=project, items=[_task(signal) for signal in fresh])
    _move_all(fresh, Status.SENT, actor, project=project)
    ledger.write(row=project, verb="feedback.sent", actor=actor, count=len(fresh))
    return project


def _task(signal: Signal) -> dict[str, Any]:
    """The conversation up to the question, with the given answer, or the better one that the giver wrote, to start from."""
    exchange = signal.exchange
    return {
        "key": str(signal.pk),
        "data": {"messages": exchange.messages, "answer": signal.correction or exchange.answer},
        "extra": {"exchange": exchange.public_id, "given": exchange.answer, "comment": signal.comment},
        "provenance": ("signal", signal.pk),
    }


@transaction.atomic
def harvest_good(*, actor: Any, signals: Sequence[Signal], dataset: Dataset) -> DatasetVersion:
    """The next version of a dataset: its newest rows, and the praised answers of these signals as they were given.
    Raises Problem when none of them is new and good."""
    good = [signal for signal in _locked(signals, Status.NEW) if signal.is_good]
    if not good:
        message, hint = (
            _("None of these signals praises its answer."),
            _("Choose new ones with a thumbs up or a score from 4."),
        )
        raise Problem(message, field="signals", hint=hint, code="none_good")
    if dataset.workspace_id != _one_workspace(good).pk:
        raise Problem(_("The dataset is of another workspace."), field="dataset")
    version = _with_praised(actor, dataset, good)
    _move_all(good, Status.USED, actor, version=version)
    return version


def _with_praised(actor: Any, dataset: Dataset, good: Sequence[Signal]) -> DatasetVersion:
    parent, note = dataset.newest, _("%(count)d praised answers") % {"count": len(good)}
    rows = [_row(signal, parent) for signal in good]
    made: dict[str, Any] = {"step": "feedback", "note": note, "provenance": ("signal", good[0].pk)}
    if parent is None:
        return datasets.freeze_rows(actor=actor, dataset=dataset, rows=rows, **made)
    parent.require_form("chat", field="dataset")
    added = [freezing.training_row(row, parent.row_count + number) for number, row in enumerate(rows, 1)]
    return amend_version(actor=actor, parent=parent, added=added, **made)


def _row(signal: Signal, parent: DatasetVersion | None) -> dict[str, Any]:
    exchange = signal.exchange
    messages = [*exchange.messages, {"role": "assistant", "content": exchange.answer}]
    split = "train" if parent and parent.splits else ""
    return {"messages": messages, "extra": {"exchange": exchange.public_id}, "split": split}


def run_behind(version: DatasetVersion) -> Run | None:
    """The run that served the answers whose feedback this version was made of: the most frequent one."""
    counted = Counter(
        signals_behind(version).values_list("exchange__deployment__model_version__checkpoint__run", flat=True)
    )
    return (
        Run.objects.filter(pk=counted.most_common(1)[0][0]).select_related("base_model__job").first()
        if counted
        else None
    )


def signals_behind(version: DatasetVersion) -> Any:
    """Signals that went into a version, over a label project or directly."""
    if version.provenance_kind == "labelproject":
        return Signal.objects.filter(project=version.provenance_id)
    return Signal.objects.filter(version=version)


@transaction.atomic
def train_again(*, actor: Any, version: DatasetVersion, name: str = "", quality_override: Any = "") -> Run:
    """Launch the run that served these answers again, on the version made of their feedback.
    Raises Problem when no feedback is behind the version, or as a launch does."""
    run = run_behind(version)
    if run is None:
        message = _("No feedback went into %(version)s.") % {"version": version}
        raise Problem(message, field="dataset_version", hint=_("Launch a run of your own on it."), code="no_feedback")
    again = training.relaunch(
        actor=actor, run=run, dataset_version=version, name=name, quality_override=quality_override
    )
    sent = signals_behind(version).filter(status=Status.SENT).select_for_update()
    _move_all(list(sent), Status.USED, actor, version=version)
    return again


def _locked(signals: Sequence[Signal], status: str) -> list[Signal]:
    """Those of them that have this status now, held until the transaction ends."""
    if len(signals) > AT_ONCE:
        raise Problem(_("At most %(most)d signals at once.") % {"most": AT_ONCE}, field="signals")
    rows = Signal.objects.filter(pk__in=[signal.pk for signal in signals], status=status)
    found = rows.select_for_update(of=("self",)).order_by("created_at")
    return list(found.select_related("exchange__deployment", "workspace"))


def _one_workspace(signals: Sequence[Signal]) -> Workspace:
    rooms = {signal.workspace_id for signal in signals}
    if len(rooms) > 1:
        raise Problem(_("Choose signals of one workspace."), field="signals")
    workspace: Workspace = signals[0].workspace
    return workspace
