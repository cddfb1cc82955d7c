"""Drafts: what goes in, what is refused, and the version that comes of them, which is the same as if its rows had come in so."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets.drafts import services
from apps.datasets.drafts.jobs import KIND
from apps.datasets.models import DatasetVersion, Draft, DraftEdit
from apps.jobs.models import Job, Status
from tests.cast import Cast
from tests.datasets.browsing_rows import ROWS, as_filter, make_browsed
from workers import amend_table
from workers.failures import UserError
from workers.formats.forms import key_of
from workers.formats.statistics import Statistics
from workers.formats.stored import Stored, read_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    return make_browsed(workspace)


@pytest.fixture
def draft(version: DatasetVersion, cast: Cast) -> Draft:
    return services.open_draft(actor=cast.curator, base=version)


def freeze(draft: Draft, actor: Any, **how: Any) -> DatasetVersion:
    """What the job does, here and now."""
    job = services.freeze_draft(actor=actor, draft=draft, **how)
    folder = job.folder / "artifacts" / "table"
    folder.mkdir(parents=True)
    inputs = KIND.prepare(job)
    result = {**amend_table.apply_edits(inputs, folder), "compared_with": inputs["version"]}
    KIND.verify(job, result)
    KIND.on_success(job, result)
    Job.objects.filter(pk=job.pk).update(status=Status.SUCCEEDED)
    draft.refresh_from_db()
    assert draft.version
    return draft.version


def said(answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": answer}]}


def counted(version: DatasetVersion) -> dict[str, int]:
    statistics = Statistics()
    for row in read_rows(version.shard_paths()):
        statistics.add(row)
    return statistics.as_dict()


def check_whole(version: DatasetVersion) -> None:
    """Hash, rows and statistics are those of the rows as they are."""
    stored = Stored(version.shard_paths())
    assert version.content_hash == stored.content_hash() and version.row_count == stored.rows
    assert {name: version.statistics[name] for name in counted(version)} == counted(version)
    assert version.parent
    assert version.parent.row_count + (version.added_count or 0) - (version.removed_count or 0) == version.row_count


def test_freeze__few_rows__is_a_patch_that_keeps_the_shards(draft: Draft, cast: Cast, version: DatasetVersion) -> None:
    services.edit_row(actor=cast.curator, draft=draft, place=4, row={**said("Here."), "extra": {"topic": "new"}})
    services.delete_row(actor=cast.curator, draft=draft, place=7)
    services.edit_row(actor=cast.curator, draft=draft, place=4, row=said("There."))
    services.set_note(actor=cast.curator, draft=draft, note="two rows")
    made = freeze(draft, cast.curator)
    check_whole(made)
    assert made.patch and made.shards == version.shards and made.step == "edit" and made.note == "two rows"
    assert (made.provenance_kind, made.provenance_id) == ("draft", draft.pk) and draft.state == "frozen"
    assert (made.added_count, made.removed_count, made.row_count) == (1, 2, 59)
    old, new = list(read_rows(version.shard_paths())), list(read_rows(made.shard_paths()))
    assert new[4].messages[-1].content == "There." and json.loads(new[4].extra or "") == {"topic": "new"}
    assert key_of(new[4]) == key_of(old[4]) and new[7] == old[8] and new[:4] == old[:4]


def test_freeze__many_rows__writes_them_anew(draft: Draft, cast: Cast, version: DatasetVersion) -> None:
    operation = {"op": "replace", "find": r"(?i)on its (\w+)", "with": r"under \1", "is_pattern": True}
    edit = services.edit_many(actor=cast.curator, draft=draft, operation=operation, query={})
    assert edit.row_count == 60 and storage().exists(edit.places_key)
    services.edit_many(
        actor=cast.curator,
        draft=draft,
        operation={"op": "delete"},
        query={"filter": as_filter(["topic", "is", "parcel"])},
    )
    made = freeze(draft, cast.curator)
    check_whole(made)
    assert not made.patch and made.row_count == 40 and (made.added_count, made.removed_count) == (40, 60)
    assert all("under way" in row.messages[-1].content for row in read_rows(made.shard_paths()))


def test_freeze__patch_over_a_patch__holds_both(draft: Draft, cast: Cast) -> None:
    services.delete_row(actor=cast.curator, draft=draft, place=0)
    first = freeze(draft, cast.curator)
    second = services.open_draft(actor=cast.curator, base=first)
    services.edit_row(actor=cast.curator, draft=second, place=0, row=said("Now."))
    made = freeze(second, cast.curator)
    check_whole(made)
    rows = list(read_rows(made.shard_paths()))
    assert len(rows) == 59 and rows[0].messages[-1].content == "Now." and rows[0].source_line == 2


def test_freeze__set_split_of_all__gives_a_version_with_splits(draft: Draft, cast: Cast) -> None:
    services.edit_many(actor=cast.curator, draft=draft, operation={"op": "split", "value": "train"}, query={})
    some = {"filter": as_filter(["price", "<", 5])}
    with pytest.raises(Problem, match="Either every row"):
        services.edit_many(actor=cast.curator, draft=draft, operation={"op": "split", "value": "test"}, query=some)
    made = freeze(draft, cast.curator)
    check_whole(made)
    assert made.splits["counts"] == {"train": 60}


def test_freeze__set_a_column__is_kept_beside_the_rows(draft: Draft, cast: Cast, version: DatasetVersion) -> None:
    operation = {"op": "column", "name": "checked", "value": True}
    services.edit_many(actor=cast.curator, draft=draft, operation=operation, query={"q": "退货"})
    made = freeze(draft, cast.curator)
    found = [json.loads(row.extra or "{}").get("checked") for row in read_rows(made.shard_paths())]
    assert found == [True if n % 3 == 0 else None for n in range(60)]
    assert made.content_hash == version.content_hash and (made.added_count, made.removed_count) == (0, 0)


def test_freeze__operation_that_empties_rows__leaves_them_and_says_so(draft: Draft, cast: Cast) -> None:
    operation = {"op": "replace", "find": "On its way. ", "with": ""}
    services.edit_many(actor=cast.curator, draft=draft, operation=operation, query={})
    services.edit_row(actor=cast.curator, draft=draft, place=1, row=said("Stays."))
    made = freeze(draft, cast.curator)
    check_whole(made)
    assert made.row_count == 60 and made.notes and "60 rows stayed" in made.notes[0]


def test_freeze__nothing_left_or_nothing_changed__is_said(draft: Draft, cast: Cast, tmp_path: Path) -> None:
    edit = services.edit_many(actor=cast.curator, draft=draft, operation={"op": "delete"}, query={})
    job = services.freeze_draft(actor=cast.curator, draft=draft)
    with pytest.raises(UserError, match="No row is left"):
        amend_table.apply_edits(KIND.prepare(job), tmp_path)
    Job.objects.filter(pk=job.pk).update(status=Status.FAILED)
    services.undo_edit(actor=cast.curator, draft=draft, edit=edit.pk)
    operation = {"op": "replace", "find": "nowhere", "with": "x"}
    services.edit_many(actor=cast.curator, draft=draft, operation=operation, query={})
    with pytest.raises(UserError, match="changes nothing"):
        amend_table.apply_edits(KIND.prepare(services.freeze_draft(actor=cast.curator, draft=draft)), tmp_path)


def test_freeze__base_is_no_longer_the_newest__is_a_conflict_that_can_be_overruled(draft: Draft, cast: Cast) -> None:
    other = services.open_draft(actor=cast.engineer, base=draft.base)
    for one, actor in ((other, cast.engineer), (draft, cast.curator)):
        services.delete_row(actor=actor, draft=one, place=0)
    newer = freeze(other, cast.engineer)
    with pytest.raises(Conflict, match="Meanwhile v2 was made") as refused:
        services.freeze_draft(actor=cast.curator, draft=draft)
    assert refused.value.code == "base_moved" and "child of v1" in refused.value.hint
    made = freeze(draft, cast.curator, as_child=True)
    assert made.number == 3 and made.parent == draft.base and newer.number == 2


def test_draft__while_it_is_frozen__takes_no_change(draft: Draft, cast: Cast) -> None:
    edit = services.delete_row(actor=cast.curator, draft=draft, place=0)
    job = services.freeze_draft(actor=cast.curator, draft=draft)
    for step in (
        lambda: services.delete_row(actor=cast.curator, draft=draft, place=1),
        lambda: services.undo_edit(actor=cast.curator, draft=draft, edit=edit.pk),
        lambda: services.discard(actor=cast.curator, draft=draft),
        lambda: services.freeze_draft(actor=cast.curator, draft=draft),
    ):
        with pytest.raises(Conflict, match="being frozen"):
            step()
    Job.objects.filter(pk=job.pk).update(status=Status.CANCELLED)
    services.delete_row(actor=cast.curator, draft=draft, place=1)


def test_draft__of_another_person__is_seen_but_not_changed(draft: Draft, cast: Cast, api_of: Any) -> None:
    engineer: APIClient = api_of(cast.engineer, cast.workspace)
    url = f"/api/v1/datasets/{draft.dataset_id}/drafts/{draft.pk}/"
    assert engineer.get(url).json()["person"] == str(cast.curator)
    answer = engineer.post(f"{url}edits/", {"kind": "delete", "index": 0}, format="json")
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "not_yours"
    assert services.open_draft(actor=cast.engineer, base=draft.base).pk != draft.pk


def test_open__twice__is_the_same_draft_and_one_per_dataset(draft: Draft, cast: Cast) -> None:
    assert services.open_draft(actor=cast.curator, base=draft.base) == draft
    other = services.open_draft(actor=cast.engineer, base=draft.base)
    services.delete_row(actor=cast.engineer, draft=other, place=0)
    newer = freeze(other, cast.engineer)
    with pytest.raises(Conflict, match="open draft of v1"):
        services.open_draft(actor=cast.curator, base=newer)


def test_discard__taken_up_again__has_its_changes(draft: Draft, cast: Cast) -> None:
    services.delete_row(actor=cast.curator, draft=draft, place=0)
    services.discard(actor=cast.curator, draft=draft)
    with pytest.raises(Conflict, match="no longer open"):
        services.delete_row(actor=cast.curator, draft=draft, place=1)
    assert services.take_up(actor=cast.curator, draft=draft).edits.count() == 1


BAD_EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown kind": ({"kind": "drop"}, "kind"),
    "no row": ({"kind": "row", "index": 0}, "row"),
    "place that is not there": ({"kind": "delete", "index": 60}, "index"),
    "place that is no number": ({"kind": "delete", "index": "0"}, "index"),
    "negative place": ({"kind": "delete", "index": -1}, "index"),
    "unknown part": ({"kind": "row", "index": 0, "row": {"row_id": "x"}}, "row"),
    "no answer": ({"kind": "row", "index": 0, "row": {"messages": [{"role": "user", "content": "a"}]}}, "row"),
    "messages that are text": ({"kind": "row", "index": 0, "row": {"messages": "a"}}, "row"),
    "split of a version without": ({"kind": "row", "index": 0, "row": {"split": "train"}}, "row.split"),
    "extra that is a list": ({"kind": "row", "index": 0, "row": {"extra": [1]}}, "row"),
    "no operation": ({"kind": "bulk"}, "operation"),
    "unknown operation": ({"kind": "bulk", "operation": {"op": "eval"}}, "operation"),
    "label of a chat": ({"kind": "bulk", "operation": {"op": "label", "value": "x"}}, "operation.op"),
    "nothing to find": ({"kind": "bulk", "operation": {"op": "replace", "find": "", "with": "x"}}, "operation.find"),
    "bad pattern": ({"kind": "bulk", "operation": {"op": "replace", "find": "(", "with": "", "is_pattern": True}}, "operation.find"),
    "group that is not there": (
        {"kind": "bulk", "operation": {"op": "replace", "find": "a", "with": "\\2", "is_pattern": True}},
        "operation",
    ),
    "unknown split": ({"kind": "bulk", "operation": {"op": "split", "value": "dev"}}, "operation.value"),
    "column without a name": ({"kind": "bulk", "operation": {"op": "column", "name": " ", "value": 1}}, "operation.name"),
    "no row fits": ({"kind": "bulk", "operation": {"op": "delete"}, "q": "nowhere"}, "filter"),
    "bad filter": ({"kind": "bulk", "operation": {"op": "delete"}, "filter": ["nope", "is", 1]}, "filter"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_EDITS)
def test_edit__bad_input__is_a_400_that_names_the_field(case: str, draft: Draft, cast: Cast, api_of: Any) -> None:
    body, field = BAD_EDITS[case]
    client: APIClient = api_of(cast.curator, cast.workspace)
    url = f"/api/v1/datasets/{draft.dataset_id}/drafts/{draft.pk}/edits/"
    answer = client.post(url, json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["field"] == field, answer.json()
    assert not DraftEdit.objects.exists()


def test_doors__of_a_draft__from_open_to_freeze(version: DatasetVersion, cast: Cast, api_of: Any) -> None:
    client: APIClient = api_of(cast.curator, cast.workspace)
    drafts = f"/api/v1/datasets/{version.dataset_id}/drafts/"
    assert client.post(drafts, {"version": 9}, format="json").status_code == 400
    made = client.post(drafts, {"version": 1}, format="json")
    assert made.status_code == 201 and made.json()["base_number"] == 1
    url = f"{drafts}{made.json()['id']}/"
    assert client.post(f"{url}freeze/", {}, format="json").status_code == 400
    edit = client.post(f"{url}edits/", {"kind": "delete", "index": 3}, format="json").json()
    body = {"kind": "bulk", "operation": {"op": "delete"}, "filter": [["price", "<", 1]]}
    assert client.post(f"{url}edits/", body, format="json").json()["row_count"] == 2
    assert client.delete(f"{url}edits/{edit['id']}/").status_code == 204
    assert [one["kind"] for one in client.get(f"{url}edits/").json()["results"]] == ["bulk"]
    assert client.patch(url, {"note": "cheap ones"}, format="json").json()["note"] == "cheap ones"
    job = client.post(f"{url}freeze/", {"as_child": False}, format="json")
    assert job.status_code == 201 and job.json()["kind"] == "datasets.amend"
    assert client.get(drafts).json()["results"][0]["is_freezing"] is True
    assert client.delete(url).status_code == 409


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("annotator", 404)])
def test_draft__role_that_may_not_edit__is_refused(
    role: str, status: int, version: DatasetVersion, cast: Cast, api_of: Any
) -> None:
    client: APIClient = api_of(cast.by_role(role), cast.workspace)
    answer = client.post(f"/api/v1/datasets/{version.dataset_id}/drafts/", {"version": 1}, format="json")
    assert answer.status_code == status


@pytest.fixture
def page(cast: Cast, browser_of: Any) -> Client:
    client: Client = browser_of(cast.curator)
    return client


def test_pages__edit_a_row__shows_it_in_the_draft(page: Client, version: DatasetVersion) -> None:
    url = f"{version.get_absolute_url()}rows/4/edit/"
    assert ROWS[4]["prompt"] in page.get(url).content.decode()
    refused = page.post(url, {"message-0": "Where?", "message-1": " ", "extra": "{}"})
    assert refused.status_code == 400 and "answer is empty" in refused.content.decode()
    bad = page.post(url, {"message-0": "Where?", "message-1": "Typed long", "extra": "{"})
    assert bad.status_code == 400 and "not JSON" in bad.content.decode() and "Typed long" in bad.content.decode()
    assert page.post(url, {"message-0": "Where?", "message-1": "Here.\r\nNow.", "extra": '{"a": 1}'}).status_code == 302
    draft = Draft.objects.get()
    assert draft.edits.get().row["messages"][1]["content"] == "Here.\nNow."
    text = page.get(draft.get_absolute_url()).content.decode()
    assert "<ins>Here" in text and "Freeze as v2" in text
    assert "Your draft changes this version: 1 change." in page.get(version.get_absolute_url()).content.decode()
    assert page.post(url, {"delete": "1"}).status_code == 302
    assert "Deleted in your draft" in page.get(version.get_absolute_url()).content.decode()


def test_pages__edit_many__tries_it_and_puts_it_in(page: Client, version: DatasetVersion) -> None:
    url = f"{version.get_absolute_url()}rows/edit/?q=order"
    assert "Edit 40 rows" in page.get(url).content.decode()
    tried = page.get(url, {"q": "order", "op": "replace", "find": "Where is", "with": "Find"}).content.decode()
    assert "<del>Where is</del>" in tried and not Draft.objects.exists()
    assert page.post(url, {"op": "replace", "find": "(", "is_pattern": "1"}).status_code == 400
    sent: Any = page.post(url, {"op": "replace", "find": "Where is", "with": "Find"})
    draft = Draft.objects.get()
    assert sent.status_code == 302 and sent.url == draft.get_absolute_url()
    text = page.get(sent.url).content.decode()
    assert "Find and replace: “Where is” by “Find”" in text and "40 rows" in text


def test_pages__draft__is_undone_discarded_and_taken_up(page: Client, version: DatasetVersion, cast: Cast) -> None:
    draft = services.open_draft(actor=cast.curator, base=version)
    edit = services.delete_row(actor=cast.curator, draft=draft, place=0)
    url = draft.get_absolute_url()
    assert page.post(f"{url}edits/{edit.pk}/undo/", follow=True).status_code == 200 and not draft.edits.exists()
    assert page.post(f"{url}freeze/").status_code == 400
    assert page.post(url, {"note": "n" * 201}).status_code == 400
    assert "Take it up again" in page.post(f"{url}discard/", follow=True).content.decode()
    assert "Discard the draft" in page.post(f"{url}take-up/", follow=True).content.decode()
    assert "of v1" in page.get(f"/datasets/{version.dataset_id}/drafts/").content.decode()
    services.delete_row(actor=cast.curator, draft=draft, place=0)
    assert "is being written" in page.post(f"{url}freeze/", follow=True).content.decode()
    assert page.post(f"{url}cancel/").status_code == 302 and Job.objects.get(kind="datasets.amend").is_terminal
