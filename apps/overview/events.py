"""The ledger as people read it: who did what to which object, with a link where there still is one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User, Workspace
from apps.core.models import LedgerEntry
from apps.datasets.models import Dataset, DatasetVersion
from apps.evaluation.models import MetricReport, Round
from apps.labeling.models import LabelProject
from apps.registry.models import Model, ModelVersion
from apps.rollout.models import Rollout
from apps.serving.models import Deployment
from apps.training.models import Run

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# What people do, in words that stand between a person and a thing. Every verb that is written stands here or in UNTOLD.
VERBS: "dict[str, StrPromise]" = {
    "account.created": _("made an account for"),
    "alias.moved": _("moved an alias of"),
    "base_model.added": _("added the base model"),
    "base_model.removed": _("removed the base model"),
    "dataset.created": _("created"),
    "dataset.deleted": _("deleted"),
    "dataset.file_received": _("uploaded a file to"),
    "dataset.tag_removed": _("took a tag from"),
    "dataset.tag_set": _("tagged"),
    "dataset.quality_limits": _("changed the quality limits of"),
    "dataset.quality_overridden": _("trained in spite of broken limits on"),
    "dataset.unmasked": _("opened masked values of"),
    "dataset.version_frozen": _("froze"),
    "dataset.version_purged": _("deleted the rows of"),
    "deployment.created": _("deployed"),
    "deployment.starting": _("started"),
    "deployment.stopped": _("stopped"),
    "deployment.stopping": _("stopped"),
    "draft.discarded": _("discarded the"),
    "draft.frozen": _("froze the"),
    "draft.opened": _("opened the"),
    "feedback.sent": _("sent feedback to"),
    "job.cancelled": _("cancelled"),
    "job.cancelling": _("cancelled"),
    "job.after_added": _("let wait for another job:"),
    "job.after_removed": _("let wait no more for another job:"),
    "job.given_back": _("gave back to the queue"),
    "job.held": _("paused"),
    "job.moved": _("moved in the queue"),
    "job.priority": _("changed the priority of"),
    "job.released": _("resumed"),
    "job.stop": _("stopped and saved"),
    "key.issued": _("made the API key"),
    "key.revoked": _("revoked the API key"),
    "labelproject.acceptance_withdrawn": _("took back a decision in"),
    "labelproject.accepted": _("decided between the answers in"),
    "labelproject.closed": _("closed"),
    "labelproject.config_changed": _("changed the questions of"),
    "labelproject.conflict_resolved": _("decided a conflict with Label Studio in"),
    "labelproject.connected": _("connected to Label Studio"),
    "labelproject.connection_changed": _("changed the connection to Label Studio of"),
    "labelproject.created": _("made the label project"),
    "labelproject.disconnected": _("disconnected from Label Studio"),
    "labelproject.frozen": _("froze the labels of"),
    "labelproject.harvest_planned": _("planned the freezing of"),
    "labelproject.imported": _("imported labels into"),
    "labelproject.open": _("opened"),
    "labelproject.paused": _("paused"),
    "labelproject.deleted": _("deleted the draft"),
    "labelproject.part_changed": _("changed what a person may take of"),
    "labelproject.priorities_set": _("set what comes first in"),
    "labelproject.review_planned": _("planned the review of"),
    "labelproject.settings_changed": _("changed the settings of"),
    "labelproject.suggester_changed": _("changed a suggester of"),
    "labelproject.suggester_deleted": _("deleted a suggester of"),
    "labelproject.suggester_hidden": _("took the suggestions away from"),
    "labelproject.suggester_made": _("made a suggester for"),
    "labelproject.suggester_run": _("had labels suggested for"),
    "labelproject.suggester_shown": _("showed suggestions in"),
    "labelproject.synced": _("brought in step with Label Studio:"),
    "labelproject.tasks_added": _("added tasks to"),
    "masking_key.made": _("made"),
    "member.added": _("added a member to"),
    "member.removed": _("removed a member from"),
    "member.role": _("changed a role in"),
    "model.created": _("made the model"),
    "modelversion.approved": _("approved"),
    "modelversion.pending": _("asked for the approval of"),
    "modelversion.registered": _("registered"),
    "modelversion.rejected": _("rejected"),
    "modelversion.retired": _("retired"),
    "recipe.deleted": _("deleted the recipe"),
    "recipe.saved": _("saved the recipe"),
    "report.started": _("had figures made:"),
    "rollout.created": _("prepared the rollout"),
    "rollout.paused": _("paused"),
    "rollout.running": _("started"),
    "rollout.share": _("changed the share of"),
    "rollout.stopfile_removed": _("took away the stop file of"),
    "rollout.stopped": _("stopped"),
    "round.cancelled": _("cancelled"),
    "round.closed": _("closed"),
    "round.created": _("planned"),
    "round.draft": _("took back to a draft"),
    "round.edited": _("changed the plan of"),
    "round.preparing": _("had answers made for"),
    "round.prepared_again": _("had answers made anew for"),
    "run.launched": _("launched"),
    "runview.deleted": _("deleted the view"),
    "runview.saved": _("saved the view"),
    "signal.changed": _("changed their"),
    "queue.allowance": _("changed what the queue allows"),
    "queue.paused": _("paused the queue of"),
    "queue.resumed": _("resumed the queue of"),
    "signal.dismissed": _("put aside"),
    "signal.given": _("gave"),
    "signal.new": _("took up again"),
    "signal.sent": _("sent on"),
    "signal.used": _("used"),
    "sweep.begun": _("began the sweep"),
    "sweep.cancelled": _("cancelled the sweep"),
    "sweep.paused": _("paused the sweep"),
    "sweep.running": _("went on with the sweep"),
    "slot.drained": _("drained the slot"),
    "slot.undrained": _("opened the slot"),
    "workspace.created": _("created the workspace"),
}
# What the console and its jobs do, each task of labeling, and what reviewers keep from who labels: told on the pages of their stage.
UNTOLD = frozenset(
    {
        "sweep.finished",
        "trial.cancelled",
        "trial.complete",
        "trial.failed",
        "trial.pruned",
        "assignment.leased",
        "dataset.profiled",
        "assignment.lapsed",
        "assignment.skipped",
        "assignment.submitted",
        "deployment.failed",
        "deployment.ready",
        "job.failed",
        "job.queued",
        "job.running",
        "job.succeeded",
        "labelproject.commented",
        "labelproject.gold_marked",
        "labelproject.gold_unmarked",
        "labelproject.hold_lifted",
        "labelproject.person_held",
        "labelproject.returned",
        "labelproject.thread_reopened",
        "labelproject.thread_settled",
        "round.rating",
    }
)
# Single signals can be thousands a day: the lineage tells of them, home does not.
TOO_MANY = frozenset(verb for verb in VERBS if verb.startswith("signal."))
AT_HOME = VERBS.keys() - TOO_MANY


@dataclass(frozen=True)
class Event:
    who: str
    initials: str
    email: str
    verb: "StrPromise | str"
    what: str
    url: str
    note: str
    at: datetime


def latest(workspace: Workspace, limit: int) -> list[Event]:
    """The newest things that people did here; the same done many times in a row is told once."""
    found = LedgerEntry.objects.filter(workspace_id=workspace.pk, verb__in=AT_HOME).exclude(actor_id="")
    runs = groupby(found[: limit * 8], lambda line: (line.actor_id, line.verb, line.object_kind, line.object_id))
    lines = [next(run) for _same, run in runs][:limit]
    people = {str(user.pk): user for user in User.objects.filter(pk__in={line.actor_id for line in lines})}
    urls = _urls(lines)
    return [_event(line, people.get(line.actor_id), urls.get((line.object_kind, line.object_id), "")) for line in lines]


def _event(line: LedgerEntry, person: User | None, url: str) -> Event:
    who = str(person) if person else line.actor_label
    initials, email = (person.initials, person.email) if person else (who[:1].upper(), who)
    return Event(who, initials, email, VERBS[line.verb], line.object_label, url, line.note, line.at)


def _urls(lines: Iterable[LedgerEntry]) -> dict[tuple[str, str], str]:
    """Addresses of the objects that still are there, one query a kind."""
    found: dict[tuple[str, str], str] = {}
    with_page: list[type[models.Model]] = [
        Dataset,
        DatasetVersion,
        LabelProject,
        Run,
        MetricReport,
        Round,
        Model,
        ModelVersion,
        Deployment,
        Rollout,
    ]
    kinds: list[tuple[type[models.Model], Any]] = [(model, _page_of) for model in with_page]
    kinds.append((Workspace, lambda row: reverse("accounts:members")))
    for model, url in kinds:
        kind = model._meta.label_lower
        wanted = {line.object_id for line in lines if line.object_kind == kind}
        rows = model._default_manager.filter(pk__in=wanted) if wanted else model._default_manager.none()
        found |= {(kind, str(row.pk)): url(row) for row in rows}
    return found


def _page_of(row: Any) -> str:
    return str(row.get_absolute_url())
