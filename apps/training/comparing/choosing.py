"""Which runs are compared: two to eight, by their ids, or the newest that a saved filter finds."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.training import listing
from apps.training.models import Run, RunView

FEWEST, MOST = 2, 8


def ids_of(given: Iterable[str]) -> list[str]:
    """The ids in "a,b" and repeated parameters, each once, in their order. Raises Problem for too few, too many, or no id."""
    texts = dict.fromkeys(text.strip() for part in given for text in part.split(",") if text.strip())
    hint = _("Give the ids of %(fewest)s to %(most)s runs: ?runs=id,id") % {"fewest": FEWEST, "most": MOST}
    if not FEWEST <= len(texts) <= MOST:
        message = _("%(count)s runs cannot be compared.") % {"count": len(texts)}
        raise Problem(message, field="runs", hint=hint)
    return [_as_id(text, hint) for text in texts]


def _as_id(text: str, hint: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Problem(_("“%(text)s” is no id of a run.") % {"text": text[:40]}, field="runs", hint=hint) from error


def rows(seen: QuerySet[Run]) -> QuerySet[Run]:
    """With all that a comparison shows of a run."""
    return seen.select_related("job", "base_model", "dataset_version__dataset", "created_by")


def chosen(seen: QuerySet[Run], given: Iterable[str]) -> list[Run]:
    """The runs in the order they are asked for, all of one workspace. Http404 when one of them is not seen."""
    ids = ids_of(given)
    found = {str(run.pk): run for run in rows(seen).filter(pk__in=ids)}
    if len(found) != len(ids):
        raise Http404(_("One of these runs is not there."))
    if len({run.workspace_id for run in found.values()}) > 1:
        raise Problem(
            _("These runs are of several workspaces."), field="runs", hint=_("Compare runs of one workspace.")
        )
    return [found[pk] for pk in ids]


def of_view(view: RunView, seen: QuerySet[Run]) -> list[Run]:
    """The runs of a saved view that are still there: those it names, or the newest that its filter finds."""
    own = rows(seen).filter(workspace=view.workspace_id)
    if view.runs:
        found = {str(run.pk): run for run in own.filter(pk__in=view.runs)}
        return [found[pk] for pk in view.runs if pk in found]
    return list(listing.RUNS.narrow(own, view.filter, listing.runs_with).order_by("-created_at")[:MOST])
