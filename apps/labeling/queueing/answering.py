"""Verbs on a task in hand: save a draft, submit, skip, flag, undo."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core import transitions
from apps.core.errors import Conflict, Problem
from apps.jobs.models import in_seconds
from apps.labeling import assisting
from apps.labeling.golden import answered
from apps.labeling.models import Annotation, Assignment, LabelProject, ProjectStatus, Task
from apps.labeling.queueing import bell, counting
from apps.labeling.queueing.leases import (
    LAPSED,
    LEASE,
    LEASED,
    SKIPPED,
    SUBMITTED,
    give_slot,
    keep,
    lease_again,
    not_held,
    take_back,
    take_slot,
)
from apps.labeling.schema.results import check_result

MAX_LEAD_TIME = 24 * 3600.0
MAX_REASON, MAX_FLAG_NOTE = 300, 500


def save_draft(*, assignment: Assignment, result: Any) -> Assignment:
    """Keep an unfinished answer on the server; also a sign of life. Never touches what was submitted."""
    _require_workable(assignment)
    checked = check_result(assignment.project.config, assignment.task.data, result, is_draft=True)
    now = timezone.now()
    held = Assignment.objects.filter(pk=assignment.pk, status=LEASED)
    values = {"draft": checked, "draft_at": now, "lease_until": in_seconds(LEASE)}
    if held.update(**values) == 1:
        assignment.draft, assignment.draft_at = checked, now
        return assignment
    keep(assignment=assignment)  # it lapsed: taken back where nobody else has it
    if held.update(**values) != 1:
        assignment.refresh_from_db()
        raise not_held(assignment)
    assignment.draft, assignment.draft_at = checked, now
    return assignment


def submit(
    *,
    actor: Any,
    assignment: Assignment,
    result: Any,
    lead_time: Any = 0,
    suggestion: Any = None,
    is_taken: bool = False,
) -> Annotation:
    """The answer. The same one sent again is the same one; another one is a Conflict. Raises Problem for a wrong result.

    `suggestion`: the id of what was suggested beside the task; `is_taken`: whether the person took it by its key."""
    _require_workable(assignment)
    checked = check_result(assignment.project.config, assignment.task.data, result)
    seconds = _lead_time(assignment, lead_time)
    with transaction.atomic():
        share = counting.share_of(assignment.project, assignment.annotator, lock=True)
        if not _is_still_held(assignment):  # the same request may be sent twice at once
            if sent := Annotation.objects.filter(assignment=assignment).first():
                return _same(sent, checked, assignment)
            if assignment.status != LAPSED:
                raise not_held(assignment)
            take_back(assignment, actor)
        values: dict[str, Any] = {"lease_until": None, "draft": None, "draft_at": None}
        transitions.move(assignment, SUBMITTED, actor=actor, is_quiet=True, finished_at=timezone.now(), **values)
        annotation: Annotation = Annotation.objects.create(
            workspace_id=assignment.workspace_id,
            created_by=actor,
            project=assignment.project,
            task=assignment.task,
            assignment=assignment,
            annotator=assignment.annotator,
            result=checked,
            lead_time=seconds,
        )
        counting.add_answer(assignment.task_id, share, seconds)
        answered.note(annotation)
        assisting.note(annotation, suggestion, is_taken=is_taken)
        bell.ring(assignment.project)
    return annotation


def _is_still_held(assignment: Assignment) -> bool:
    """Whether it is leased as it was when it was read; else it is read anew. The person's share is locked."""
    now = Assignment.objects.filter(pk=assignment.pk).values_list("status", "leased_at").get()
    if now == (LEASED, assignment.leased_at):
        return True
    assignment.refresh_from_db(fields=["status", "leased_at", "lease_until", "draft", "draft_at", "finished_at"])
    for known in ("returned_words", "has_gold"):
        assignment.__dict__.pop(known, None)
    return assignment.status == LEASED


def _same(sent: Annotation, checked: list[dict[str, Any]], assignment: Assignment) -> Annotation:
    """What a repeated submit is answered: regions may have other ids, their content must be the same."""
    without_ids = [[{k: v for k, v in region.items() if k != "id"} for region in r] for r in (sent.result, checked)]
    if without_ids[0] != without_ids[1]:
        raise not_held(assignment)
    return sent


def _require_workable(assignment: Assignment) -> None:
    if assignment.project.status not in (ProjectStatus.OPEN, ProjectStatus.PAUSED):
        message = _("The project is closed.")
        raise Conflict(message, hint=_("Ask who runs it to open it again; your draft is kept."), code="not_open")


def _lead_time(assignment: Assignment, given: Any) -> float:
    """Seconds, never more than the person has held the task."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= MAX_LEAD_TIME:
        message = _("The lead time is in seconds, from 0 to %(most)d.") % {"most": MAX_LEAD_TIME}
        raise Problem(message, field="lead_time")
    return round(min(float(given), (timezone.now() - assignment.leased_at).total_seconds()), 3)


def skip(*, actor: Any, assignment: Assignment, reason: Any = "") -> None:
    """Give a task to others for a reason; it does not come back to this person."""
    told = _words(reason, MAX_REASON, "reason", _("A reason has at most 300 characters."))
    if assignment.project.needs_skip_reason and not told:
        message = _("This project asks why a task is skipped.")
        raise Problem(message, field="reason", code="required", hint=_("Say it in a few words."))
    _require_workable(assignment)
    with transaction.atomic():
        share = counting.share_of(assignment.project, assignment.annotator, lock=True)
        was = assignment.status
        if was == LAPSED:
            lease_again(assignment, actor)
        elif was != LEASED:
            raise not_held(assignment)
        now = timezone.now()
        transitions.move(
            assignment, SKIPPED, actor=actor, is_quiet=True, lease_until=None, finished_at=now, reason=told
        )
        if was == LEASED:
            give_slot(assignment.task_id)
        counting.add_skips(share, 1)
        bell.ring(assignment.project)


def flag(*, assignment: Assignment, flagged: bool, note: Any = "") -> Assignment:
    """Mark a task for who runs the project, with a note; or take the mark away. The task stays where it is."""
    told = _words(note, MAX_FLAG_NOTE, "note", _("A note has at most 500 characters.")) if flagged else ""
    Assignment.objects.filter(pk=assignment.pk).update(flagged=flagged, flag_note=told)
    assignment.flagged, assignment.flag_note = flagged, told
    bell.ring(assignment.project)
    return assignment


def _words(text: Any, most: int, field: str, message: str) -> str:
    if not isinstance(text, str) or len(text.strip()) > most or "\0" in text:
        raise Problem(message, field=field)
    return text.strip()


def undo_last(*, actor: Any, project: LabelProject) -> Assignment:
    """The person's last submitted or skipped task, back on the screen with its answer as the draft. Raises Conflict."""
    with transaction.atomic():
        share = counting.share_of(project, actor, lock=True)
        done = Assignment.objects.filter(project=project, annotator=actor, status__in=[SUBMITTED, SKIPPED])
        last: Assignment | None = done.select_related("task", "project").order_by("-finished_at").first()
        if last is None:
            raise Conflict(_("There is nothing to undo."), code="nothing_to_undo")
        _require_workable(last)
        task = Task.objects.select_for_update().get(pk=last.task_id)
        annotation = Annotation.objects.filter(assignment=last).first()
        if annotation and task.accepted_id == annotation.pk:
            raise Conflict(_("This answer was accepted already; it stays."), code="accepted")
        if last.status == SKIPPED and not take_slot(task.pk):
            raise Conflict(_("Somebody else labels the task that you skipped."), code="not_held")
        if last.status == SKIPPED:
            counting.add_skips(share, -1)
        draft = annotation.result if annotation else last.draft
        lease_again(last, actor)
        Assignment.objects.filter(pk=last.pk).update(draft=draft, draft_at=timezone.now())
        if annotation:
            counting.take_answer_back(share, annotation)
            annotation.delete()
            counting.settle(task.pk, share, answers=-1)
        bell.ring(project)
    last.draft = draft
    return last
