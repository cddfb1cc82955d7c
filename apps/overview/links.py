"""What the lineage knows: the kinds of objects, and which of them are made from which. One row for each, so that a new one is a line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.datasets.models import DatasetVersion, Upload
from apps.evaluation.models import OPEN as OPEN_ROUND
from apps.evaluation.models import MetricReport, Rater, Round, RoundStatus
from apps.feedback.models import Signal
from apps.labeling.models import LabelProject
from apps.registry.models import ModelVersion
from apps.rollout.models import Arm, Rollout
from apps.serving.models import Deployment, Exchange
from apps.training.models import BaseModel, Checkpoint, Run

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

COLUMNS = (
    _("Files and labels"),
    _("Data"),
    _("Training"),
    _("Evaluation and registry"),
    _("Serving and rollout"),
    _("Answers and feedback"),
)


@dataclass(frozen=True)
class Kind:
    """A kind of object: its word in addresses, and how one of it is shown."""

    name: str
    model: type[WorkspaceRow]
    column: int
    icon: str
    label: "StrPromise"
    note: Callable[[Any], str]
    title: Callable[[Any], str] = str
    url: Callable[[Any], str] = lambda row: str(row.get_absolute_url())
    joins: tuple[str, ...] = ()
    is_live: Callable[[Any], bool] = lambda row: False
    see: str = ""  # the capability, where its own manager shows some rows to others as well
    only: Callable[[Any], Q] = lambda user: Q()

    def visible_to(self, user: Any) -> ScopedQuerySet:
        rows: ScopedQuerySet = self.model._default_manager.visible_to(user, self.see)  # type: ignore[attr-defined]
        return rows.filter(self.only(user)).select_related("created_by", *self.joins)


@dataclass(frozen=True)
class Link:
    """What a child was made from: `up` gives the parents of a child, `down` the children of a parent."""

    parent: str
    child: str
    up: Callable[[Any], dict[str, Any] | None]
    down: Callable[[Any], dict[str, Any]]
    is_weak: bool = False  # not drawn where a longer path says the same
    is_choice: bool = (
        False  # its parents are told of by themselves, or when something else led there: one of them was chosen
    )


def by_key(parent: str, child: str, field: str, *, is_weak: bool = False) -> Link:
    """The child points to its parent."""
    return Link(
        parent,
        child,
        up=lambda row: {"pk": getattr(row, f"{field}_id")} if getattr(row, f"{field}_id") else None,
        down=lambda row: {f"{field}_id": row.pk},
        is_weak=is_weak,
    )


def by_provenance(parent: str, child: str = "version") -> Link:
    """The child names its parent by kind and id alone."""
    return Link(
        parent,
        child,
        up=lambda row: {"pk": row.provenance_id} if row.provenance_kind == parent else None,
        down=lambda row: {"provenance_kind": parent, "provenance_id": row.pk},
    )


def made_with(parent: str, child: str, field: str, *, is_weak: bool = False) -> Link:
    """The parent says what it went into."""
    return Link(
        parent,
        child,
        up=lambda row: {f"{field}_id": row.pk},
        down=lambda row: {"pk": getattr(row, f"{field}_id")},
        is_weak=is_weak,
    )


def _rows(version: DatasetVersion) -> str:
    count = version.row_count
    return ngettext("%(count)s row", "%(count)s rows", count) % {"count": f"{count:,}"}


def _job(run: Run) -> str:
    loss = run.job.result.get("eval_loss")
    if run.job.status == "succeeded" and isinstance(loss, int | float):
        return say("evaluation loss %(loss).3f") % {"loss": loss}
    return str(run.job.get_status_display())


def _step(checkpoint: Checkpoint) -> str:
    return say("step %(step)s") % {"step": checkpoint.step}


def _signal_note(signal: Signal) -> str:
    said = [str(signal.get_thumbs_display())] if signal.thumbs else []
    said += [say("score %(score)g") % {"score": signal.score}] if signal.score is not None else []
    said += [say("correction")] if signal.correction else []
    return ", ".join(said) or say("remark")


def _deployments(rollout: Rollout) -> Any:
    return rollout.arms.values("deployment_id")


def _rollouts(deployment: Deployment) -> Any:
    return Arm.objects.filter(deployment=deployment).values("rollout_id")


def _not_blind(user: Any) -> Q:
    """A rater must not learn whose answers an open round holds."""
    return ~Q(status__in=OPEN_ROUND, pk__in=Rater.objects.filter(user_id=user.pk).values("round_id"))


_EARLY: tuple[Kind, ...] = (
    Kind(
        "upload",
        Upload,
        0,
        "file",
        _("File"),
        lambda row: filesizeformat(row.size),
        url=lambda row: str(row.dataset.get_absolute_url()),
        joins=("dataset",),
    ),
    Kind(
        "labelproject",
        LabelProject,
        0,
        "label",
        _("Label project"),
        lambda row: ngettext("%(count)d task", "%(count)d tasks", row.task_count) % {"count": row.task_count},
        see="labeling.view",
    ),
    Kind("version", DatasetVersion, 1, "data", _("Dataset version"), _rows, joins=("dataset",)),
    Kind("basemodel", BaseModel, 2, "models", _("Base model"), lambda row: say("base model"), url=lambda row: ""),
    Kind("run", Run, 2, "train", _("Run"), _job, joins=("job",), is_live=lambda row: not row.job.is_terminal),
    Kind(
        "checkpoint",
        Checkpoint,
        2,
        "file",
        _("Checkpoint"),
        _step,
        url=lambda row: str(row.run.get_absolute_url()),
        joins=("run",),
    ),
)
_LATE: tuple[Kind, ...] = (
    Kind(
        "report",
        MetricReport,
        3,
        "evaluate",
        _("Metric report"),
        lambda row: str(row.get_split_display()),
        title=lambda row: say("Figures of %(run)s") % {"run": row.checkpoint.run.code},
        joins=("checkpoint__run", "job"),
        is_live=lambda row: not row.job.is_terminal,
    ),
    Kind(
        "round",
        Round,
        3,
        "evaluate",
        _("Round"),
        lambda row: str(row.get_outcome_display() if row.outcome else row.get_status_display()),
        is_live=lambda row: row.is_open,
        see="evaluation.view",
        only=_not_blind,
    ),
    Kind(
        "modelversion",
        ModelVersion,
        3,
        "models",
        _("Model version"),
        lambda row: str(row.get_status_display()),
        joins=("model",),
    ),
    Kind(
        "deployment",
        Deployment,
        4,
        "serve",
        _("Deployment"),
        lambda row: str(row.get_status_display()),
        is_live=lambda row: row.is_ready,
    ),
    Kind(
        "rollout",
        Rollout,
        4,
        "rollout",
        _("Rollout"),
        lambda row: (
            say("%(share)s %% to the candidate") % {"share": row.percent}
            if row.is_running
            else str(row.get_status_display())
        ),
        is_live=lambda row: row.is_running,
    ),
    Kind(
        "exchange",
        Exchange,
        5,
        "feedback",
        _("Answer"),
        lambda row: say("to %(unit)s") % {"unit": row.unit} if row.unit else str(row.get_status_display()),
        title=lambda row: row.prompt or str(row),
        url=lambda row: reverse("serving:exchange", args=[row.pk]),
        joins=("deployment",),
    ),
    Kind(
        "signal",
        Signal,
        5,
        "star",
        _("Feedback"),
        _signal_note,
        title=lambda row: row.correction or row.comment or str(row.get_thumbs_display() or say("feedback")),
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in (*_EARLY, *_LATE)}
LINKS: tuple[Link, ...] = (
    by_provenance("upload"),
    by_provenance("labelproject"),
    by_provenance("version"),
    by_key("version", "version", "parent"),
    by_key("version", "labelproject", "dataset_version"),
    by_key("version", "run", "dataset_version"),
    by_key("basemodel", "run", "base_model"),
    by_key("run", "run", "resumed_from"),
    by_key("run", "checkpoint", "run"),
    by_key("checkpoint", "report", "checkpoint"),
    by_key("version", "report", "dataset_version", is_weak=True),
    Link("checkpoint", "round", lambda row: {"entries__round": row.pk}, lambda row: {"entrants__checkpoint": row.pk}),
    by_key("version", "round", "dataset_version", is_weak=True),
    by_key("round", "round", "previous"),
    by_key("checkpoint", "modelversion", "checkpoint"),
    # what was measured and rated of its checkpoint speaks for a version
    Link(
        "report",
        "modelversion",
        lambda row: {"checkpoint": row.checkpoint_id},
        lambda row: {"checkpoint": row.checkpoint_id},
    ),
    Link(
        "round",
        "modelversion",
        lambda row: {"entrants__checkpoint": row.checkpoint_id, "status__in": [*OPEN_ROUND, RoundStatus.CLOSED]},
        lambda row: {"checkpoint__entries__round": row.pk},
    ),
    by_key("modelversion", "deployment", "model_version"),
    by_key("deployment", "exchange", "deployment", is_weak=True),
    Link(  # an answer came from the one deployment that its rollout chose, not from the other
        "deployment",
        "rollout",
        lambda row: {"pk__in": _deployments(row)},
        lambda row: {"pk__in": _rollouts(row)},
        is_choice=True,
    ),
    by_key("rollout", "exchange", "rollout"),
    by_key("exchange", "signal", "exchange"),
    made_with("signal", "labelproject", "project"),
    made_with("signal", "version", "version", is_weak=True),
)

KIND_CHOICES = [(kind, kind) for kind in KINDS]  # as the schema of the API names them
