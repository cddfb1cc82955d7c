"""Duplicates under review: a search removes nothing, a person chooses, and only then the next version is without them."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.core.errors import Conflict, Problem
from apps.datasets import rows
from apps.datasets.duplicates import reviewing
from apps.datasets.duplicates.kind import DUPLICATES
from apps.datasets.models import DatasetVersion
from apps.jobs import supervisor
from apps.jobs.models import Job, Status
from tests.cast import Cast
from tests.make import as_jsonl, make_api_key, make_version
from workers.failures import UserError
from workers.find_duplicates import find
from workers.formats.shards import ShardWriter
from workers.formats.stored import read_rows

LONG = " ".join(f"word{n}" for n in range(40))
ROWS = [
    {"prompt": LONG, "completion": "Yes."},
    {"prompt": f"{LONG} more", "completion": "Yes."},
    *({"prompt": f"Something else, number {n} of many {n}", "completion": f"Answer {n}"} for n in range(8)),
    {"prompt": f"Well {LONG}", "completion": "Yes."},
    {"prompt": "Something else, number 3 of many 3", "completion": "Answer 3"},
]
NEAR = {"step": "near_duplicates", "threshold": 0.8}


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, as_jsonl(ROWS))


@pytest.fixture
def url(version: DatasetVersion) -> str:
    return f"/api/v1/datasets/{version.dataset_id}/versions/1/duplicates/"


def searched(version: DatasetVersion, options: dict[str, Any], actor: Any = None) -> Job:
    """A search that is done, as its process would have done it."""
    job = reviewing.start_search(actor=actor, version=version, options=options)
    result = find(version.shard_paths(), job.folder / "artifacts" / "groups", job.settings, version.form)
    for _attempt in range(2):
        DUPLICATES.verify(job, result)
    Job.objects.filter(pk=job.pk).update(status=Status.SUCCEEDED, result=result)
    job.refresh_from_db()
    return job


@pytest.mark.django_db(transaction=True)
def test_search__run_by_a_real_process__finds_groups_and_removes_nothing(version: DatasetVersion, cast: Cast) -> None:
    reviewing.start_search(actor=cast.curator, version=version, options=NEAR)
    job = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert job is not None
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    assert job.result == {"groups": 2, "rows": 3, "largest": 3, "looked_at": 12}
    found = [(group.places, group.stays, group.chosen) for group in reviewing.groups_from(job)]
    assert found == [([0, 1, 10], [0], False), ([5, 11], [5], False)]
    assert version.dataset.versions.count() == 1 and f"?search={job.pk}" in job.url


def test_remove__after_choices__makes_a_version_by_the_change_alone(version: DatasetVersion, cast: Cast) -> None:
    job = searched(version, NEAR)
    reviewing.choose(job=job, choices={"0": [1], "1": [5, 11]})
    assert [(group.stays, group.chosen) for group in reviewing.groups_from(job)] == [([1], True), ([5, 11], True)]
    made = reviewing.remove(actor=cast.curator, version=version, job=job)
    assert (made.number, made.step, made.row_count, made.removed_count, made.parent) == (
        2,
        "duplicates",
        10,
        2,
        version,
    )
    assert made.shards == version.shards and made.patch["rows"] == 2 and made.provenance_kind == "job"
    assert [row.source_line for row in rows.iterate(made)] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert made.recipe["dropped"] == {"near_duplicates": 2}
    with pytest.raises(Conflict, match="already, in v2"):
        reviewing.remove(actor=cast.curator, version=version, job=job)
    with pytest.raises(Conflict, match="already, in v2"):
        reviewing.choose(job=job, choices={"0": [1]})


def test_remove__every_row_stays_or_too_many_go__is_refused(version: DatasetVersion, monkeypatch: Any) -> None:
    job = searched(version, {"step": "duplicates"})
    reviewing.choose(job=job, choices={"0": [5, 11]})
    with pytest.raises(Problem, match="No row goes"):
        reviewing.remove(actor=None, version=version, job=job)
    monkeypatch.setattr(reviewing, "MOST_REMOVED", 1)
    with pytest.raises(Problem, match="At most 1 rows"):
        reviewing.remove(actor=None, version=version, job=searched(version, NEAR))


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ({"9": [1]}, "choices.9"), ({"0": []}, "choices.0"), ({"0": [3]}, "choices.0"), ({"x": [1]}, "choices"), ({"0": "1"}, "choices"),
        ({"0": [True]}, "choices.0"), (None, "choices"), ([1], "choices"), ({"-1": [0]}, "choices"), ({"0": [2**70]}, "choices.0"),
    ],
)  # fmt: skip
def test_choose__row_that_is_not_there__is_refused_by_name(choices: Any, field: str, version: DatasetVersion) -> None:
    job = searched(version, NEAR)
    with pytest.raises(Problem) as caught:
        reviewing.choose(job=job, choices=choices)
    assert caught.value.field == field and not any(group.chosen for group in reviewing.groups_from(job))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ([], ""), ({}, "step"), ({"step": "html"}, "step"), ({"step": ["a"]}, "step"), ({**NEAR, "threshold": "x"}, "threshold"),
        ({**NEAR, "threshold": 3}, "threshold"), ({**NEAR, "of": "title"}, "of"), ({**NEAR, "more": 1}, "step"),
    ],
)  # fmt: skip
def test_search__bad_option__is_a_400_naming_it(options: Any, field: str, cast: Cast, url: str) -> None:
    client = Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.curator, cast.workspace)}")
    answer = client.post(url, options, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["error"].get("field", "") == field, answer.content


def test_search__while_it_runs__is_a_conflict_and_another_is_not(version: DatasetVersion) -> None:
    reviewing.start_search(actor=None, version=version, options=NEAR)
    with pytest.raises(Conflict, match="already"):
        reviewing.start_search(actor=None, version=version, options=NEAR)
    job = reviewing.start_search(actor=None, version=version, options={**NEAR, "threshold": 0.9})
    with pytest.raises(Conflict, match="found nothing yet"):
        next(reviewing.groups_from(job))


def test_api__search_choose_remove__goes_the_whole_way(cast: Cast, version: DatasetVersion, url: str) -> None:
    client = Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.curator, cast.workspace)}")
    job = searched(version, NEAR, cast.curator)
    assert [found["id"] for found in client.get(url).json()["results"]] == [str(job.pk)]
    told = client.get(f"{url}{job.pk}/").json()
    assert (
        told["results"][0] == {"number": 0, "rows": [0, 1, 10], "stays": [0], "is_chosen": False}
        and told["next"] is None
    )
    assert client.get(f"{url}{job.pk}/?cursor=1").json()["results"][0]["number"] == 1
    assert client.get(f"{url}{job.pk}/?cursor=x").status_code == 400
    assert client.get(f"{url}{cast.workspace.pk}/").status_code == 404
    told = client.patch(f"{url}{job.pk}/", {"choices": {"0": [10]}}, content_type="application/json").json()
    assert told["results"][0]["stays"] == [10] and told["results"][0]["is_chosen"]
    assert client.patch(f"{url}{job.pk}/", [], content_type="application/json").status_code == 400
    made = client.post(f"{url}{job.pk}/remove/")
    assert made.status_code == 201 and made.json()["number"] == 2 and made.json()["row_count"] == 9
    assert client.post(f"{url}{job.pk}/remove/").status_code == 409


@pytest.mark.parametrize(("role", "status"), [("stranger", 404), ("viewer", 403), ("annotator", 404)], ids=str)
def test_doors__who_may_not__are_closed(role: str, status: int, cast: Cast, version: DatasetVersion, url: str) -> None:
    workspace = cast.other_workspace if role == "stranger" else cast.workspace
    client = Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.by_role(role), workspace)}")
    job = searched(version, NEAR)
    assert client.post(url, NEAR, content_type="application/json").status_code == status
    assert client.patch(f"{url}{job.pk}/", {"choices": {}}, content_type="application/json").status_code == status
    assert client.post(f"{url}{job.pk}/remove/").status_code == status
    assert client.get(url).status_code == (200 if role == "viewer" else status)


def test_page__groups__are_side_by_side_chosen_and_removed(cast: Cast, version: DatasetVersion, client: Client) -> None:
    client.force_login(cast.curator)
    page = f"/datasets/{version.dataset_id}/v1/duplicates/"
    assert "Nobody has looked yet" in client.get(page).content.decode()
    assert client.post(page, {"step": "near_duplicates", "threshold": "x"}).status_code == 400
    started = client.post(page, {"step": "near_duplicates", "of": "conversation", "threshold": "85"})
    job = reviewing.searches_of(version).get()
    assert (
        started.status_code == 302
        and job.settings["threshold"] == 0.85
        and "every 2s" in client.get(page).content.decode()
    )
    assert client.post(f"{page}{job.pk}/cancel/").status_code == 302
    job = searched(version, NEAR)
    shown = client.get(f"{page}?search={job.pk}").content.decode()
    assert "2 groups" in shown and "Keep row 11" in shown and "<ins>" in shown and "3 rows would go" in shown
    assert "2 groups" in client.get(f"{page}?search={job.pk}", headers={"HX-Request": "true"}).content.decode()
    refused = client.post(f"{page}{job.pk}/", {"group": ["0"], "act": "save"}, follow=True)
    assert "At least one row of group 1" in refused.content.decode()
    choice = {"group": ["0", "1"], "stays-0": ["0", "10"], "stays-1": ["11"], "act": "remove"}
    done = client.post(f"{page}{job.pk}/", choice, follow=True)
    assert "v2 is without them" in done.content.decode() and version.dataset.versions.get(number=2).row_count == 10
    assert "Removed in v2" in client.get(f"{page}?search={job.pk}").content.decode()
    client.force_login(cast.viewer)
    seen = client.get(page).content.decode()
    assert "2 groups" in seen and "Find rows that say the same" not in seen
    assert client.post(f"{page}{job.pk}/", choice).status_code == 403


def test_find__another_step_or_form__is_refused_and_leaves_nothing(tmp_path: Path, version: DatasetVersion) -> None:
    for step, form in (({"step": "html"}, "chat"), (NEAR, "image")):
        with pytest.raises(UserError, match="finds no duplicates"):
            find(version.shard_paths(), tmp_path / "groups", step, form)
    writer = ShardWriter(tmp_path)
    for row in list(read_rows(version.shard_paths()))[2:5]:
        writer.add(row)
    writer.close()
    told = find([tmp_path / writer.shards[0].name], tmp_path / "groups", NEAR, "chat")
    assert (told["groups"], told["largest"]) == (0, 0) and [file.name for file in (tmp_path / "groups").iterdir()] == [
        "groups.parquet"
    ]
