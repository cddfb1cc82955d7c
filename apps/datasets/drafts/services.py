"""Verbs of drafts: open one, put an edit in, take one out, discard, freeze."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets.browsing import finding, reading, tables
from apps.datasets.drafts import operations
from apps.datasets.models import Dataset, DatasetVersion, Draft, DraftEdit, DraftState, new_key
from apps.jobs import services as jobs
from apps.jobs.models import Job
from workers.draft_edits import write_places

AMEND = "datasets.amend"
MOST_EDITS = 5_000


def draft_of(dataset: Dataset, person: Any) -> Draft | None:
    """The open draft of a person, if there is one."""
    found: Draft | None = (
        Draft.objects.filter(dataset=dataset, created_by=person, state=DraftState.OPEN)
        .select_related("base__dataset", "job", "workspace")
        .first()
    )
    return found


@transaction.atomic
def open_draft(*, actor: Any, base: DatasetVersion) -> Draft:
    """The person's open draft of a version, begun if there is none. Raises Conflict when theirs is of another version."""
    base.require_rows()
    dataset = Dataset.objects.select_for_update().get(pk=base.dataset_id)
    found = draft_of(dataset, actor)
    if found and found.base_id != base.pk:
        message = _("You have an open draft of v%(number)s.") % {"number": found.base.number}
        raise Conflict(message, hint=_("Freeze or discard it first."), code="other_draft")
    if found:
        return found
    draft = Draft.objects.create(workspace=base.workspace, created_by=actor, dataset=dataset, base=base)
    ledger.write(row=draft, verb="draft.opened", actor=actor)
    live.ring(dataset)
    return draft


def edit_row(*, actor: Any, draft: Draft, place: int, row: Any) -> DraftEdit:
    """Put a row as it is to be into the draft. Raises Problem when nothing could be learned from it."""
    old = _row_at(draft, place)
    checked = operations.read_row(row, draft.base, old)
    return _add(actor, draft, kind=DraftEdit.Kind.ROW, place=place, row=checked)


def delete_row(*, actor: Any, draft: Draft, place: int) -> DraftEdit:
    """Put into the draft that a row goes."""
    _row_at(draft, place)
    return _add(actor, draft, kind=DraftEdit.Kind.DELETE, place=place)


def _row_at(draft: Draft, place: int) -> Any:
    if not 0 <= place < draft.base.row_count:
        raise Problem(_("There is no such row in this version."), field="index", code="no_row")
    return reading.training_rows_at(draft.base, [place])[0]


def edit_many(*, actor: Any, draft: Draft, operation: Any, query: dict[str, str]) -> DraftEdit:
    """Put an operation on all rows that a question finds now into the draft. Raises Problem when it finds none."""
    tables.require_ready(draft.base)
    question = finding.read_question(draft.base, query)
    made = operations.read_operation(operation, draft.base, is_of_all=question.is_plain)
    places = finding.resolved(draft.base, question)
    if not len(places):
        raise Problem(_("No row fits, so nothing would change."), field="filter", code="no_rows")
    asked = {name: query[name] for name in ("q", "filter", "split") if query.get(name)}
    edit = DraftEdit(kind=DraftEdit.Kind.BULK, operation=made, asked=asked, row_count=len(places))
    edit.places_key = new_key(draft.dataset_id, f"drafts/{draft.pk}", f"{edit.pk}.parquet")
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        path = Path(folder) / "places.parquet"
        write_places(places, path)
        storage().keep(path, edit.places_key)
    try:
        return _write(actor, draft, edit)
    except BaseException:
        storage().delete(edit.places_key)
        raise


def _add(actor: Any, draft: Draft, **values: Any) -> DraftEdit:
    return _write(actor, draft, DraftEdit(**values))


@transaction.atomic
def _write(actor: Any, draft: Draft, edit: DraftEdit) -> DraftEdit:
    draft = _locked(actor, draft)
    last = draft.edits.order_by("-number").first()
    if last and last.number >= MOST_EDITS:
        raise Problem(_("A draft has at most %(most)s changes.") % {"most": MOST_EDITS}, hint=_("Freeze it first."))
    edit.workspace, edit.created_by, edit.draft = draft.workspace, actor, draft
    edit.number = last.number + 1 if last else 1
    edit.save(force_insert=True)
    draft.save()  # its changed_at
    live.ring(draft.dataset)
    return edit


def _locked(actor: Any, draft: Draft) -> Draft:
    """The draft, if this person may change it now. Raises Conflict."""
    draft = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("dataset", "base", "job", "workspace")
        .get(pk=draft.pk)
    )
    if draft.created_by_id != actor.pk:
        raise Conflict(_("This is the draft of %(person)s.") % {"person": draft.created_by or "-"}, code="not_yours")
    if draft.is_freezing:
        raise Conflict(_("The draft is being frozen."), hint=_("Wait for it, or cancel that job."), code="freezing")
    if not draft.is_open:
        raise Conflict(_("The draft is no longer open."), code="not_open")
    return draft


@transaction.atomic
def undo_edit(*, actor: Any, draft: Draft, edit: UUID | str) -> None:
    """Take one change out of the draft; the others stay."""
    draft = _locked(actor, draft)
    found = draft.edits.filter(pk=edit).first()
    if found is None:
        raise Conflict(_("This change is undone already."), code="gone")
    found.delete()
    draft.save()
    if key := found.places_key:
        transaction.on_commit(lambda: storage().delete(key))
    live.ring(draft.dataset)


@transaction.atomic
def set_note(*, actor: Any, draft: Draft, note: str) -> Draft:
    draft = _locked(actor, draft)
    if len(note) > 200 or "\0" in note:
        raise Problem(_("A note has at most 200 characters."), field="note")
    draft.note = note.strip()
    draft.save()
    return draft


@transaction.atomic
def discard(*, actor: Any, draft: Draft) -> Draft:
    """Put the draft away. Its changes are kept, so that it can be taken up again."""
    draft = _locked(actor, draft)
    draft.state = DraftState.DISCARDED
    draft.save()
    ledger.write(row=draft, verb="draft.discarded", actor=actor)
    live.ring(draft.dataset)
    return draft


@transaction.atomic
def take_up(*, actor: Any, draft: Draft) -> Draft:
    """Open a discarded draft again. Raises Conflict while the person has another one open."""
    Dataset.objects.select_for_update().get(pk=draft.dataset_id)
    draft = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("dataset", "base", "job", "workspace")
        .get(pk=draft.pk)
    )
    if draft.created_by_id != actor.pk or draft.state != DraftState.DISCARDED:
        raise Conflict(_("Only a discarded draft of your own can be taken up again."), code="not_discarded")
    if draft_of(draft.dataset, actor):
        raise Conflict(_("You have another open draft of this dataset."), hint=_("Freeze or discard it first."))
    draft.state = DraftState.OPEN
    draft.save()
    ledger.write(row=draft, verb="draft.opened", actor=actor)
    live.ring(draft.dataset)
    return draft


@transaction.atomic
def freeze_draft(*, actor: Any, draft: Draft, as_child: bool = False) -> Job:
    """Start the job that makes the next version of a draft. Raises Conflict when the newest version is no longer the draft's base,
    unless `as_child` says that it is to be a child of its base all the same."""
    Dataset.objects.select_for_update().get(pk=draft.dataset_id)
    draft = _locked(actor, draft)
    draft.base.require_rows()
    if not draft.edits.exists():
        raise Problem(_("The draft changes nothing."), hint=_("Edit a row first."), code="empty")
    newest = draft.dataset.newest
    if newest and newest.pk != draft.base_id and not as_child:
        words = {"base": draft.base.number, "newest": newest.number, "next": newest.number + 1}
        message = _("Meanwhile v%(newest)s was made; this draft is of v%(base)s.") % words
        hint = (
            _("Freeze it as a child of v%(base)s: v%(next)s will not have what v%(newest)s changed. Or discard it.")
            % words
        )
        raise Conflict(message, hint=hint, code="base_moved")
    draft.job = jobs.submit(
        actor=actor,
        workspace=draft.workspace,
        kind=AMEND,
        title=(_("Freeze the %(draft)s") % {"draft": draft})[:200],
        inputs={"dataset": str(draft.dataset_id), "draft": str(draft.pk)},
        settings={"note": draft.note},
    )
    draft.save()
    return draft.job
