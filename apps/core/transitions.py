"""The only door to a status column."""

from collections.abc import Mapping
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from apps.core import ledger, live
from apps.core.errors import Conflict

Transitions = Mapping[str, tuple[str, ...]]


def move(
    row: models.Model,
    to: str,
    *,
    actor: Any,
    note: str = "",
    guard: Mapping[str, Any] | None = None,
    is_quiet: bool = False,
    **values: Any,
) -> None:
    """Change `row.status` to `to`: table check, guarded UPDATE, ledger line, doorbell on commit.

    `guard` adds conditions to the UPDATE (a fencing epoch, say); `values` are columns written with the status.
    `is_quiet`: for what changes many times a second: no doorbell (its stage rings less often), and no savepoint in the caller's
    transaction, which a failure then ends.
    Raises Conflict when the table forbids the step or when another writer was first (not exactly one row changed).
    """
    was = row.status  # type: ignore[attr-defined]
    if to not in row.TRANSITIONS.get(was, ()):  # type: ignore[attr-defined]
        words = {"what": row._meta.verbose_name, "was": was, "to": to}
        raise Conflict(_("The %(what)s is %(was)s; it cannot become %(to)s.") % words)
    with transaction.atomic(savepoint=not is_quiet):
        rows = type(row)._default_manager.filter(pk=row.pk, status=was, **(guard or {}))
        if rows.update(status=to, **values) != 1:
            raise Conflict(
                _("The %(what)s changed meanwhile; reload and look again.") % {"what": row._meta.verbose_name}
            )
        for name, value in {"status": to, **values}.items():
            if not isinstance(value, models.expressions.BaseExpression | models.F):
                setattr(row, name, value)
        ledger.write(row=row, verb=f"{row._meta.model_name}.{to}", actor=actor, note=note, was=was)
        if not is_quiet:
            live.ring(row)
