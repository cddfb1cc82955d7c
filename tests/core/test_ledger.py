"""The ledger: appended to, never changed."""

import pytest

from apps.core import ledger
from apps.core.models import LedgerEntry
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_write__for_a_person__keeps_who_what_and_where(cast: Cast) -> None:
    job_like = cast.workspace
    line = ledger.write(row=job_like, verb="workspace.renamed", actor=cast.owner, note="was Alpha", old="Alpha")
    line.refresh_from_db()
    assert (line.actor_id, line.actor_label) == (str(cast.owner.pk), "Olga")
    assert (line.object_kind, line.object_id) == ("accounts.workspace", str(cast.workspace.pk))
    assert (line.note, line.data) == ("was Alpha", {"old": "Alpha"})


def test_write__about_a_workspace_itself__stands_in_that_workspace(cast: Cast) -> None:
    assert ledger.write(row=cast.workspace, verb="x", actor="console").workspace_id == cast.workspace.pk


@pytest.mark.parametrize(("actor", "label"), [("reaper", "reaper"), (None, "system")])
def test_write__for_the_console__has_a_word_and_no_person(cast: Cast, actor: str | None, label: str) -> None:
    line = ledger.write(row=cast.workspace, verb="x", actor=actor)
    assert (line.actor_id, line.actor_label) == ("", label)


def test_history__of_one_row__is_newest_first_and_knows_no_other(cast: Cast) -> None:
    ledger.write(row=cast.workspace, verb="first", actor="x")
    ledger.write(row=cast.other_workspace, verb="other", actor="x")
    ledger.write(row=cast.workspace, verb="second", actor="x")
    assert [line.verb for line in ledger.history(cast.workspace)] == ["second", "first"]


def test_line__saved_again__is_refused(cast: Cast) -> None:
    line = ledger.write(row=cast.workspace, verb="x", actor="x")
    line.note = "changed"
    with pytest.raises(TypeError, match="append-only"):
        line.save()


def test_line__deleted__is_refused(cast: Cast) -> None:
    line = ledger.write(row=cast.workspace, verb="x", actor="x")
    with pytest.raises(TypeError, match="append-only"):
        line.delete()


def test_lines__changed_or_deleted_in_bulk__are_refused(cast: Cast) -> None:
    line = ledger.write(row=cast.workspace, verb="x", actor="x")
    for act in (
        lambda: LedgerEntry.objects.update(note="changed"),
        lambda: LedgerEntry.objects.filter(pk=line.pk).delete(),
        lambda: LedgerEntry.objects.bulk_update([line], ["note"]),
    ):
        with pytest.raises(TypeError, match="append-only"):
            act()
    assert LedgerEntry.objects.get(pk=line.pk).note == ""
