"""Reversible masks: the workspace's key, that it is left nowhere, and the way back for owners alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.datasets import rows, services
from apps.datasets.models import DatasetVersion, WorkspaceKey
from apps.datasets.recipes.keys import key_of, make_key
from apps.datasets.recipes.unmasking import unmask_texts
from apps.jobs import supervisor
from apps.jobs.models import Status
from tests.cast import Cast
from tests.make import as_jsonl, make_version
from workers.cleaning.sealing import is_sealed, seal

ROWS = [{"prompt": f"I am user{n}@example.org", "completion": "Noted: 13812345678."} for n in range(6)]
MASK = [{"step": "personal", "mode": "token"}]


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, as_jsonl(ROWS))


def test_key__made_once__is_kept_sealed_and_is_of_its_workspace(cast: Cast, settings: Any) -> None:
    assert key_of(cast.workspace) is None
    key = make_key(actor=cast.curator, workspace=cast.workspace)
    assert len(key) == 32 and make_key(actor=None, workspace=cast.workspace) == key == key_of(cast.workspace)
    assert make_key(actor=None, workspace=cast.other_workspace) != key
    kept = WorkspaceKey.objects.get(workspace=cast.workspace)
    assert key not in bytes(kept.sealed)
    WorkspaceKey.objects.filter(workspace=cast.other_workspace).update(sealed=kept.sealed)
    with pytest.raises(Conflict):  # a sealed key moved to another workspace
        key_of(cast.other_workspace)
    settings.SECRET_KEY = "another"
    with pytest.raises(Conflict, match="cannot be opened"):
        key_of(cast.workspace)


@pytest.mark.django_db(transaction=True)
def test_masking__job__leaves_its_key_in_no_file_log_or_ledger(
    cast: Cast, version: DatasetVersion, settings: Any
) -> None:
    services.prepare_version(actor=cast.curator, version=version, steps=MASK, split=None)
    job = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert job is not None
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    made, key = version.dataset.newest, key_of(cast.workspace)
    assert made and key and made.recipe["changed"] == {"personal": 6}
    found = list(rows.iterate(made))
    assert all(is_sealed(row.question) and "@" not in row.question and is_sealed(row.answer) for row in found)
    store = Path(settings.TUNELOOP_STORAGE.removeprefix("file://"))
    files = [path for place in (job.folder, store) for path in place.rglob("*") if path.is_file()]
    assert any(path.name.startswith("spec-") for path in files)
    for path in files:
        content = path.read_bytes()
        assert key not in content and key.hex().encode() not in content, path
    assert key.hex() not in str(list(LedgerEntry.objects.values())) + str(job.settings) + str(job.inputs)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            written = str(cursor.fetchall())
            assert key.hex() not in written and repr(key)[2:-1] not in written, table
    opened = unmask_texts(actor=cast.owner, version=made, texts=[row.question for row in found], reason="check")
    assert opened == [row["prompt"] for row in ROWS]


def test_preview__before_there_is_a_key__shows_masks_and_makes_none(
    cast: Cast, version: DatasetVersion, browser_of: Any
) -> None:
    url = f"/api/v1/datasets/{version.dataset_id}/versions/1/prepare/preview/"
    answer = browser_of(cast.curator).post(url, {"steps": MASK}, content_type="application/json")
    assert answer.status_code == 200 and answer.json()["changed"] == {"personal": 6}
    assert is_sealed(answer.json()["examples"][0]["after"][0]["content"]) and not WorkspaceKey.objects.exists()


def test_unmask__bad_input__is_told(cast: Cast, version: DatasetVersion) -> None:
    said: dict[str, Any] = {"actor": cast.owner, "version": version}
    with pytest.raises(Conflict, match="Nothing was masked"):
        unmask_texts(texts=["x"], reason="y", **said)
    make_key(actor=None, workspace=cast.workspace)
    stranger = seal("email", "a@x.org", make_key(actor=None, workspace=cast.other_workspace))
    for texts, reason, field in (
        ("x", "y", "texts"), ([1], "y", "texts"), (["x"] * 1001, "y", "texts"), (["x"], " ", "reason"), ([stranger], "y", "texts"),
    ):  # fmt: skip
        with pytest.raises(Problem) as caught:
            unmask_texts(texts=texts, reason=reason, **said)
        assert caught.value.field == field
    assert not LedgerEntry.objects.filter(verb="dataset.unmasked").exists()


@pytest.fixture
def sealed(cast: Cast) -> DatasetVersion:
    key = make_key(actor=None, workspace=cast.workspace)
    other = seal("email", "other@example.org", make_key(actor=None, workspace=cast.other_workspace))
    name = seal("name", 'Ann "A" Lee', key)
    told = [{"prompt": f"I am {name} and {other}", "completion": "Yes", "note": "plain"}]
    return make_version(cast.workspace, as_jsonl(told), name="sealed")


def test_unmask__owner__reads_texts_and_rows_and_the_ledger_says_so(
    cast: Cast, sealed: DatasetVersion, browser_of: Any
) -> None:
    page, url = browser_of(cast.owner), f"/datasets/{sealed.dataset_id}/v1/unmask/"
    token = next(iter(rows.iterate(sealed))).question.split(" and ")[0]
    assert "Open masked values" in page.get(url).content.decode()
    assert "Ann &quot;A&quot; Lee" in page.post(url, {"text": token, "reason": "A letter"}).content.decode()
    told: Any = page.post(url, {"reason": "All", "download": "1"})
    body = b"".join(told).decode()
    assert 'Ann \\"A\\" Lee' in body and "other@example.org" not in body and "[EMAIL:" in body
    assert "unmasked.jsonl" in told["Content-Disposition"]
    entries = LedgerEntry.objects.filter(verb="dataset.unmasked")
    assert [entry.note for entry in entries] == ["All", "A letter"] and "Ann" not in str(list(entries.values()))
    assert page.post(url, {"text": token, "reason": ""}).status_code == 400


@pytest.mark.parametrize(("role", "status"), [("engineer", 403), ("viewer", 403), ("stranger", 404)], ids=str)
def test_unmask__who_is_no_owner__may_not(
    role: str, status: int, cast: Cast, sealed: DatasetVersion, browser_of: Any
) -> None:
    browser = browser_of(cast.by_role(role))
    for url in (
        f"/datasets/{sealed.dataset_id}/v1/unmask/",
        f"/api/v1/datasets/{sealed.dataset_id}/versions/1/unmask/",
    ):
        assert browser.post(url, {"texts": ["x"], "reason": "y"}, content_type="application/json").status_code == status


def test_page__version_with_sealed_values__leads_its_owner_to_them(
    cast: Cast, browser_of: Callable[..., Client]
) -> None:
    version = make_version(cast.workspace, actor=cast.owner)
    step = {"step": "personal", "mode": "token"}
    sealed = DatasetVersion(recipe={"steps": [step]})
    plain = DatasetVersion(recipe={"steps": [{**step, "mode": "placeholder"}, "html"]})
    assert sealed.has_sealed_values and not plain.has_sealed_values
    DatasetVersion._base_manager.filter(pk=version.pk).update(step="recipe", recipe={"steps": [step], "rows": 1})
    way = f"{version.get_absolute_url()}unmask/"
    assert way in browser_of(cast.owner).get(version.get_absolute_url()).content.decode()
    assert way not in browser_of(cast.engineer).get(version.get_absolute_url()).content.decode()
