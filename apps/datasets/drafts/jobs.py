"""The job that makes the next version of a draft."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import ledger
from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets import freezing
from apps.datasets.drafts.services import AMEND
from apps.datasets.models import Draft, DraftState
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job


def edits_of(draft: Draft) -> list[dict[str, Any]]:
    """The edits as `workers.draft_edits` reads them."""
    found = []
    for edit in draft.edits.order_by("number"):
        places = str(storage().local(edit.places_key)) if edit.places_key else ""
        told = {"kind": edit.kind, "place": edit.place, "row": edit.row, "operation": edit.operation, "places": places}
        found.append({name: value for name, value in told.items() if value not in (None, "", {})})
    return found


def inputs_of(draft: Draft) -> dict[str, Any]:
    """What the program is given."""
    base = draft.base
    return {
        "shards": [str(path) for path in base.shard_paths()],
        "version": str(base.pk),
        "form": base.form,
        "statistics": base.statistics,
        "split_counts": base.splits.get("counts", {}),
        "edits": edits_of(draft),
    }


def register_amended(*, draft: Draft, actor: Any, result: dict[str, Any]) -> None:
    """Write down the version that a draft became."""
    base, refused = draft.base, result.get("refused_count", 0)
    told = _("%(number)s rows stayed as they were: %(reasons)s") % {
        "number": refused,
        "reasons": " ".join(result.get("refused", {})),
    }
    counts = result["split_counts"]
    splits = {**base.splits, "counts": counts} if base.splits and counts else freezing.splits_of(counts, base)
    draft.version = freezing.freeze(
        dataset=draft.dataset,
        actor=actor,
        created_by=draft.created_by,
        result=with_kept_shards(draft, result),
        step="edit",
        note=draft.note or _("Edited from v%(number)s") % {"number": base.number},
        provenance=("draft", draft.pk),
        parent=base,
        splits=splits,
        notes=[told] if refused else [],
        **freezing.inherited(base),
    )
    draft.state = DraftState.FROZEN
    draft.save()
    ledger.write(row=draft, verb="draft.frozen", actor=actor, version=str(draft.version.pk))


def with_kept_shards(draft: Draft, result: dict[str, Any]) -> dict[str, Any]:
    """The result of a patch keeps the base's shards."""
    return {**result, "kept_shards": draft.base.shards} if result["is_patch"] else result


def _draft(job: Job) -> Draft:
    found: Draft | None = (
        Draft.objects.select_related("dataset", "base__dataset", "workspace", "created_by")
        .filter(pk=job.inputs["draft"])
        .first()
    )
    if found is None:
        raise Problem(str(_("The draft is gone: its dataset was deleted.")))
    return found


def _keep(job: Job, result: Event) -> None:
    """Move the files in before the database is told, as for an import."""
    draft = _draft(job)
    freezing.keep_shards(draft.dataset, with_kept_shards(draft, dict(result)), job.folder / "artifacts" / "table")


def _on_success(job: Job, result: Event) -> None:
    register_amended(draft=_draft(job), actor=job.created_by or "draft", result=dict(result))


def _url(job: Job) -> str:
    draft = Draft.objects.filter(pk=job.inputs.get("draft")).first()
    return draft.get_absolute_url() if draft else ""


KIND = Kind(
    name=AMEND,
    label=gettext_lazy("Freeze a draft"),
    program="amend_table",
    queue="cpu",
    prepare=lambda job: inputs_of(_draft(job)),
    verify=_keep,
    on_success=_on_success,
    url=_url,
)
