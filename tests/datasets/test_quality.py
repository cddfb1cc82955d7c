"""Profiles are made by jobs and kept; limits mark a version; pages and API show and change both."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.datasets import services
from apps.datasets.models import DatasetVersion, Profile
from apps.datasets.quality import board, broken_of, profiles, require_good
from apps.datasets.quality.kind import PROFILE
from apps.jobs import kinds
from apps.jobs.models import Job, Status
from tests.cast import Cast
from tests.make import make_version
from workers.profile_table import Profiler

Browser = Callable[[User], Client]


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace)


def figures_of(version: DatasetVersion, folder: Any) -> dict[str, Any]:
    """What the job would find."""
    folder.mkdir(parents=True)
    settings = {"perplexity_rows": 0, "topics": False}
    return Profiler(version.shard_paths(), folder, {"form": version.form}, settings, lambda *seen: None).run()


def keep(version: DatasetVersion, **figures: Any) -> Profile:
    return profiles.keep(version=version, created_by=None, job=None, figures={"rows": version.row_count, **figures})


BAD = {"duplicates": {"n": 6, "share": 0.5, "exact": {"n": 6, "rows": 3, "share": 0.5}}}
GOOD = {"duplicates": {"n": 6, "share": 0.0, "exact": {"n": 6, "rows": 0, "share": 0.0}}}


# ---- the job


def test_start__by_a_curator__submits_a_job_of_its_kind(cast: Cast, version: DatasetVersion) -> None:
    job = profiles.start_profile(actor=cast.curator, version=version)
    assert (job.kind, job.queue) == ("datasets.profile", "cpu")
    assert job.settings == {"base_model": "", "perplexity_rows": 64, "topics": True, "seed": 42}
    assert kinds.get(job.kind).url is not None and job.url.endswith("/v1/profile/")
    with pytest.raises(Conflict):
        profiles.start_profile(actor=cast.curator, version=version)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ([], ""),
        ({"rows": 3}, "rows"),
        ({"perplexity_rows": -1}, "perplexity_rows"),
        ({"perplexity_rows": 10**9}, "perplexity_rows"),
        ({"perplexity_rows": True}, "perplexity_rows"),
        ({"topics": "yes"}, "topics"),
        ({"seed": "x"}, "seed"),
        ({"base_model": 3}, "base_model"),
        ({"base_model": "nobody"}, "base_model"),
    ],
)
def test_start__bad_option__names_it(cast: Cast, version: DatasetVersion, options: Any, field: str) -> None:
    with pytest.raises(Problem) as caught:
        profiles.start_profile(actor=cast.curator, version=version, options=options)
    assert caught.value.field == field
    assert not Job.objects.filter(kind=profiles.KIND).exists()


def test_job__prepared_and_ended__keeps_the_figures(cast: Cast, version: DatasetVersion, tmp_path: Any) -> None:
    job = profiles.start_profile(actor=cast.curator, version=version)
    assert PROFILE.prepare(job)["form"] == "chat"
    PROFILE.on_success(job, {"figures": figures_of(version, tmp_path / "work")})
    profile = profiles.newest(version)
    assert profile is not None and profile.job == job and profile.created_by == cast.curator
    assert profile.figures["rows"] == 6
    assert profile.figures["lengths"]["turns"]["quantiles"]["0.5"] == 2
    assert LedgerEntry.objects.filter(verb="dataset.profiled", object_id=str(version.pk)).exists()


def test_freeze__with_automatic_profiles__submits_one_after_the_commit(
    cast: Cast, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.TUNELOOP_AUTO_PROFILE = True
    with django_capture_on_commit_callbacks(execute=True):
        made = make_version(cast.workspace, actor=cast.curator)
    job = Job.objects.get(kind=profiles.KIND)
    assert job.inputs["version"] == str(made.pk) and job.settings["perplexity_rows"] == 64


def test_demo__profiled__once_without_models_and_not_at_once(cast: Cast, version: DatasetVersion) -> None:
    job = profiles.profile_demo(actor=cast.owner, version=version)
    assert job is not None and job.not_before is not None and job.not_before > timezone.now()
    assert (job.settings["perplexity_rows"], job.settings["topics"]) == (0, False)
    assert not Job.objects.ready(job.queue).exists()
    assert profiles.profile_demo(actor=cast.owner, version=version) is None


def test_freeze__large_version__is_profiled_without_models(
    cast: Cast, settings: Any, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.TUNELOOP_AUTO_PROFILE = True
    monkeypatch.setattr(profiles, "AUTO_ROWS", 5)
    with django_capture_on_commit_callbacks(execute=True):
        make_version(cast.workspace, actor=cast.curator)
    job = Job.objects.get(kind=profiles.KIND)
    assert (job.settings["perplexity_rows"], job.settings["topics"]) == (0, False)


def test_freeze__by_nobody_or_where_it_is_off__has_no_profile(
    cast: Cast, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make_version(cast.workspace, actor=cast.curator)
        settings.TUNELOOP_AUTO_PROFILE = True
        make_version(cast.workspace, name="other")
    assert not Job.objects.filter(kind=profiles.KIND).exists()


def test_roll_back__to_a_profiled_version__takes_its_profile_along(
    cast: Cast, settings: Any, version: DatasetVersion, django_capture_on_commit_callbacks: Any
) -> None:
    keep(version, **GOOD)
    services.freeze_rows(
        actor=None,
        dataset=version.dataset,
        rows=[{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}],
        step="labels",
    )
    settings.TUNELOOP_AUTO_PROFILE = True
    with django_capture_on_commit_callbacks(execute=True):
        made = services.roll_back(actor=cast.curator, version=version)
    found = profiles.newest(made)
    assert found is not None and found.figures["duplicates"] == GOOD["duplicates"]


def test_delete__while_a_profile_runs__ends_it(cast: Cast, version: DatasetVersion) -> None:
    job = profiles.start_profile(actor=cast.curator, version=version)
    services.delete_dataset(actor=cast.curator, dataset=version.dataset)
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_forget__purged_version__leaves_no_piece_of_its_rows(cast: Cast, version: DatasetVersion) -> None:
    job = profiles.start_profile(actor=cast.curator, version=version)
    Job.objects.filter(pk=job.pk).update(facts={"figures": {"outliers": {}}}, result={"figures": {}})
    keep(version, **GOOD)
    profiles.forget(version)
    job.refresh_from_db()
    assert (profiles.newest(version), job.facts, job.result) == (None, {}, {})


# ---- the limits


def test_limits__changed__are_kept_and_told_in_the_ledger(cast: Cast, version: DatasetVersion) -> None:
    keep(version, **BAD)
    assert [verdict.limit.name for verdict in broken_of(version)] == ["duplicates"]
    after = board.change_bounds(actor=cast.curator, dataset=version.dataset, bounds={"duplicates": 0.6, "leak": None})
    assert (after["duplicates"], after["leak"], after["missing"]) == (0.6, None, 0.05)
    assert broken_of(version) == []
    entry = LedgerEntry.objects.get(verb="dataset.quality_limits")
    assert "5\u00a0% → 60\u00a0%" in entry.note and "no limit" in entry.note
    board.change_bounds(actor=cast.curator, dataset=version.dataset, bounds={"duplicates": 0.6})
    assert LedgerEntry.objects.filter(verb="dataset.quality_limits").count() == 1


@pytest.mark.parametrize("bound", ["5", True, -1, 1.5, float("nan"), float("inf"), [], {}])
def test_limits__no_share__is_refused_by_name(cast: Cast, version: DatasetVersion, bound: Any) -> None:
    with pytest.raises(Problem) as caught:
        board.change_bounds(actor=cast.curator, dataset=version.dataset, bounds={"duplicates": bound})
    assert caught.value.field == "duplicates"


def test_require_good__broken__asks_for_a_reason(version: DatasetVersion) -> None:
    assert require_good(version) == []  # not measured
    keep(version, **BAD)
    with pytest.raises(Conflict) as caught:
        require_good(version, "   ")
    assert (caught.value.field, caught.value.code) == ("quality_override", "quality_broken")
    assert "Duplicates 50\u00a0%" in caught.value.message
    assert [verdict.limit.name for verdict in require_good(version, "a trial")] == ["duplicates"]
    for wrong in (7, ["x"], "x" * 301):
        with pytest.raises(Problem):
            require_good(version, wrong)


def test_require_good__newer_profile__counts(version: DatasetVersion) -> None:
    keep(version, **BAD)
    keep(version, **GOOD)
    assert require_good(version) == []


# ---- pages


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_profile_page__before_and_after__teaches_and_shows(
    cast: Cast, version: DatasetVersion, browser_of: Browser, tmp_path: Any
) -> None:
    page, url = browser_of(cast.curator), f"/datasets/{version.dataset_id}/v1/profile/"
    assert "Not measured yet" in text_of(page.get(url))
    keep(version, **figures_of(version, tmp_path / "work"))
    text = text_of(page.get(url))
    assert "Characters of a row" in text and "As a table" in text and "n = 6" in text
    assert "Measure it again" in text and "limits broken" not in text
    assert "Measure it again" not in text_of(browser_of(cast.viewer).get(url))


def test_profile_page__posted__starts_a_job_and_fills_while_it_runs(
    cast: Cast, version: DatasetVersion, browser_of: Browser, tmp_path: Any
) -> None:
    page, url = browser_of(cast.curator), f"/datasets/{version.dataset_id}/v1/profile/"
    answer = page.post(url, {"base_model": "", "perplexity_rows": "0"})
    assert answer.status_code == 302
    job = Job.objects.get(kind=profiles.KIND)
    assert (job.settings["perplexity_rows"], job.settings["topics"]) == (0, False)
    assert "Waiting for a free worker" in text_of(page.get(url))
    Job.objects.filter(pk=job.pk).update(facts={"figures": figures_of(version, tmp_path / "work")}, status="running")
    part = text_of(page.get(url, headers={"HX-Request": "true"}))
    assert "figures of 6 of 6 rows" in part and "<html" not in part
    assert page.post(f"/datasets/{version.dataset_id}/profile/{job.pk}/cancel/").status_code == 302
    job.refresh_from_db()
    assert job.status == Status.CANCELLING


@pytest.mark.parametrize("rows", ["-1", "many", "9" * 20, "1000", "٣"])
def test_profile_page__bad_number__is_told(cast: Cast, version: DatasetVersion, browser_of: Browser, rows: str) -> None:
    url = f"/datasets/{version.dataset_id}/v1/profile/"
    answer = browser_of(cast.curator).post(url, {"perplexity_rows": rows})
    assert answer.status_code == 400 and "Give a whole number" in text_of(answer)


def test_profile_page__beside_its_parent__tells_what_it_was(
    cast: Cast, version: DatasetVersion, browser_of: Browser
) -> None:
    keep(version, **BAD)
    rows = [
        {"messages": [{"role": "user", "content": str(n)}, {"role": "assistant", "content": "b"}]} for n in range(3)
    ]
    second = services.freeze_rows(actor=None, dataset=version.dataset, rows=rows, step="labels")
    keep(second, **GOOD)
    text = text_of(browser_of(cast.viewer).get(f"/datasets/{version.dataset_id}/v2/profile/"))
    assert "v1: 50\u00a0%" in text


def test_board__broken_limit__marks_the_version_everywhere(
    cast: Cast, version: DatasetVersion, browser_of: Browser
) -> None:
    keep(version, **BAD)
    page = browser_of(cast.curator)
    assert "v1 breaks 1 of 1 measured limits." in text_of(page.get(f"/datasets/{version.dataset_id}/quality/"))
    for url in (f"/datasets/{version.dataset_id}/", "/datasets/", f"/datasets/{version.dataset_id}/versions/"):
        assert "1 limit broken" in text_of(page.get(url)), url
    assert "breaks its limits: Duplicates" in text_of(page.get("/?part=now"))


def test_board__limits_posted__are_kept_and_listed(cast: Cast, version: DatasetVersion, browser_of: Browser) -> None:
    keep(version, **BAD)
    page, url = browser_of(cast.curator), f"/datasets/{version.dataset_id}/quality/"
    wrong = page.post(url, {"duplicates": "many"})
    assert wrong.status_code == 400 and "this is no number" in text_of(wrong) and 'value="many"' in text_of(wrong)
    assert page.post(url, {"duplicates": "60", "leak": ""}).status_code == 302
    text = text_of(page.get(url))
    assert "v1 keeps the 1 measured limit." in text and "Limits changed" in text and 'value="60"' in text


def test_board__viewer__reads_and_may_not_change(cast: Cast, version: DatasetVersion, browser_of: Browser) -> None:
    page, url = browser_of(cast.viewer), f"/datasets/{version.dataset_id}/quality/"
    assert "Keep these limits" not in text_of(page.get(url))
    assert page.post(url, {"duplicates": "60"}).status_code == 403


# ---- API


def test_api__profile__is_read_and_started(
    cast: Cast, version: DatasetVersion, api_of: Callable[..., APIClient]
) -> None:
    client, url = api_of(cast.curator, cast.workspace), f"/api/v1/datasets/{version.dataset_id}/versions/1/profile/"
    before = client.get(url).json()
    assert (before["figures"], before["job"]) == (None, None)
    made = client.post(url, {"perplexity_rows": 0}, format="json")
    assert made.status_code == 201 and made.json()["kind"] == "datasets.profile"
    keep(version, **BAD)
    told = client.get(url).json()
    assert told["figures"]["duplicates"]["share"] == 0.5 and told["job"]["id"] == made.json()["id"]
    assert [one["name"] for one in told["quality"] if one["state"] == "broken"] == ["duplicates"]
    assert client.post(url, [1], format="json").status_code == 400


def test_api__limits__are_read_and_changed(
    cast: Cast, version: DatasetVersion, api_of: Callable[..., APIClient]
) -> None:
    client, url = api_of(cast.curator, cast.workspace), f"/api/v1/datasets/{version.dataset_id}/quality/"
    assert client.get(url).json()["limits"]["perplexity"] == 150
    told = client.patch(url, {"perplexity": 80, "leak": None}, format="json").json()
    assert (told["limits"]["perplexity"], told["limits"]["leak"]) == (80, None)
    for wrong in ({"perplexity": "x"}, {"nothing": 1}, {"duplicates": 7}, [1]):
        assert client.patch(url, wrong, format="json").status_code == 400
    assert api_of(cast.viewer, cast.workspace).patch(url, {"leak": 1}, format="json").status_code == 403
