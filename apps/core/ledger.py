"""One function writes the ledger; everything that changes something for people to see calls it."""

from typing import Any

from django.db import models

from apps.core.models import LedgerEntry


def write(*, row: models.Model, verb: str, actor: Any, note: str = "", **data: Any) -> LedgerEntry:
    """Append one line. `actor` is a user, or a short word such as "reaper" for the console itself."""
    is_word = isinstance(actor, str)
    return LedgerEntry.objects.create(
        workspace_id=getattr(row, "workspace_id", None),
        actor_id="" if is_word or actor is None else str(actor.pk),
        actor_label=actor if is_word else str(actor or "system"),
        verb=verb,
        object_kind=row._meta.label_lower,
        object_id=str(row.pk),
        object_label=str(row)[:254],
        note=note,
        data=data,
    )


def history(row: models.Model) -> models.QuerySet[LedgerEntry]:
    """All lines about one row, newest first."""
    return LedgerEntry.objects.filter(object_kind=row._meta.label_lower, object_id=str(row.pk))
