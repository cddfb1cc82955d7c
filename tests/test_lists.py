"""What every list of a stage can do: search, a filter, an order, pages; and nothing of another workspace."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User, Workspace
from apps.evaluation.models import MetricReport, Round, RoundStatus
from apps.jobs.models import Status as JobStatus
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.schema.gallery import QUALITY
from apps.registry import services as registry
from apps.registry.models import Model, ModelVersion, VersionStatus
from apps.rollout import switch
from apps.rollout.models import Rollout, RolloutStatus
from apps.serving.models import Deployment, Status
from apps.training.models import Run
from tests import make
from tests.cast import Cast
from tests.registry.making import make_checkpoint
from tests.rollout.making import make_deployment, make_rollout

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Api = Callable[[User, Workspace], Client]


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    make.with_fake_kind(monkeypatch)


def version_of(workspace: Workspace) -> Any:
    return make_checkpoint(workspace).run.dataset_version


def a_run(workspace: Workspace, name: str, status: str) -> Run:
    run = make_checkpoint(workspace, status=status).run
    Run.objects.filter(pk=run.pk).update(name=name)
    return run


def a_project(workspace: Workspace, name: str, status: str) -> None:
    LabelProject.objects.create(workspace=workspace, name=name, label_config=QUALITY, status=status)


def a_round(workspace: Workspace, name: str, status: str) -> None:
    known = Round.objects.filter(workspace=workspace)
    version = known.first().dataset_version if known else version_of(workspace)  # type: ignore[union-attr]
    values = {"dataset_version": version, "split": "test", "rubric": [], "number": known.count() + 1}
    Round.objects.create(workspace=workspace, name=name, status=status, **values)


def a_report(workspace: Workspace, name: str, status: str) -> None:
    checkpoint = make_checkpoint(workspace)
    Run.objects.filter(pk=checkpoint.run_id).update(name=name)
    job = make.make_job(workspace, status=status)
    values = {"dataset_version": checkpoint.run.dataset_version, "split": "test", "job": job}
    MetricReport.objects.create(workspace=workspace, checkpoint=checkpoint, **values)


def a_model(workspace: Workspace, name: str, status: str) -> None:
    model = Model.objects.create(workspace=workspace, name=name)
    found = ModelVersion.objects.filter(workspace=workspace).first()
    checkpoint = found.checkpoint if found else make_checkpoint(workspace)
    version = registry.register_version(actor=None, model=model, checkpoint=checkpoint)
    ModelVersion.objects.filter(pk=version.pk).update(status=status)


def a_deployment(workspace: Workspace, name: str, status: str) -> None:
    found = Deployment.objects.filter(workspace=workspace).first()
    if found is None:
        make_deployment(workspace, name, status=status)
    else:
        same = {"model_version": found.model_version, "engine": found.engine}
        Deployment.objects.create(workspace=workspace, name=name, status=status, **same)


def a_rollout(workspace: Workspace, name: str, status: str) -> None:
    for deployment in ("old", "new"):
        if not Deployment.objects.filter(workspace=workspace, name=deployment).exists():
            make_deployment(workspace, deployment)
    old, new = (Deployment.objects.get(workspace=workspace, name=deployment) for deployment in ("old", "new"))
    make_rollout(workspace, name=name, control=old, candidate=new, start=False)
    Rollout.objects.filter(workspace=workspace, name=name).update(status=status)


@dataclass(frozen=True)
class List:
    page: str
    api: str
    make: Callable[[Workspace, str, str], Any]
    usual: str  # the status of most rows
    other: str  # that of one of them


LISTS = {
    "runs": List("/train/", "runs", a_run, JobStatus.SUCCEEDED, JobStatus.FAILED),
    "label": List("/label/", "label-projects", a_project, ProjectStatus.DRAFT, ProjectStatus.PAUSED),
    "rounds": List("/evaluate/", "rounds", a_round, RoundStatus.DRAFT, RoundStatus.CANCELLED),
    "reports": List("/evaluate/reports/", "metric-reports", a_report, JobStatus.SUCCEEDED, JobStatus.FAILED),
    "models": List("/models/", "models", a_model, VersionStatus.DRAFT, VersionStatus.APPROVED),
    "deployments": List("/serve/", "deployments", a_deployment, Status.READY, Status.FAILED),
    "rollouts": List("/rollout/", "rollouts", a_rollout, RolloutStatus.DRAFT, RolloutStatus.PAUSED),
}


@pytest.fixture(params=LISTS)
def listed(request: pytest.FixtureRequest, cast: Cast) -> List:
    """27 rows, item-00 to item-25 and `odd-one`, which alone has the other status; and a row of strangers."""
    found = LISTS[request.param]
    for number in range(26):
        found.make(cast.workspace, f"item-{number:02}", found.usual)
    found.make(cast.workspace, "odd-one", found.other)
    found.make(cast.other_workspace, "secret-one", found.other)
    return found


def shown(client: Client, listed: List, query: str = "", **headers: str) -> str:
    answer = client.get(f"{listed.page}{query}", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_list__search_filter_order_and_pages__as_the_address_says(
    cast: Cast, browser_of: Browser, listed: List
) -> None:
    client = browser_of(cast.viewer)
    for query in ("?q=ODD", f"?status={listed.other}", f"?q=odd&status={listed.other}"):
        page = shown(client, listed, query)
        assert "odd-one" in page and "item-" not in page, query
        assert "1 to 1 of 1" in page
    page = shown(client, listed, f"?q=odd&status={listed.usual}")
    assert "Nothing fits" in page and "odd-one" not in page
    first = shown(client, listed, "?sort=name")
    assert first.index("item-00") < first.index("item-24") and "item-25" not in first and "1 to 25 of 27" in first
    assert 'aria-sort="ascending"' in first
    second = shown(client, listed, "?sort=name&page=2")
    assert "item-24" not in second and second.index("item-25") < second.index("odd-one") and "26 to 27 of 27" in second
    assert "odd-one" in shown(client, listed, "?sort=-name") and 'rel="next"' in shown(client, listed)


def test_list__what_it_does_not_know__is_told_or_left_out(cast: Cast, browser_of: Browser, listed: List) -> None:
    client = browser_of(cast.viewer)
    page = shown(client, listed, "?status=no-such<b>")
    assert "There is no status “no-such&lt;b&gt;” here" in page and "of 27" in page
    for query in ("?sort=no-such", "?sort=--name", "?page=999", "?page=x", "?q=%ff%27%22", "?q=%25_"):
        shown(client, listed, query)
    part = shown(client, listed, "?q=odd", **{"HX-Request": "true"})
    assert "<html" not in part and "odd-one" in part


def test_list__of_others__is_never_here(cast: Cast, browser_of: Browser, listed: List) -> None:
    ours = browser_of(cast.owner)
    assert "secret-one" not in shown(ours, listed) and "Nothing fits" in shown(ours, listed, "?q=secret")
    theirs = shown(browser_of(cast.stranger), listed)
    assert "secret-one" in theirs and "odd-one" not in theirs and "item-" not in theirs


def test_api__search_and_status__narrow(cast: Cast, api_of: Api, listed: List) -> None:
    client, address = api_of(cast.engineer, cast.workspace), f"/api/v1/{listed.api}/"
    for query in ("?q=odd", f"?status={listed.other}"):
        assert len(client.get(address + query).json()["results"]) == 1, query
    assert client.get(f"{address}?q=secret").json()["results"] == []
    answer = client.get(f"{address}?status=no-such")
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "status"


def test_rollouts__with_a_stop_file__are_listed_as_stopped(cast: Cast, browser_of: Browser) -> None:
    a_rollout(cast.workspace, "halted", RolloutStatus.RUNNING)
    a_rollout(cast.workspace, "going", RolloutStatus.RUNNING)
    switch.lay_down(Rollout.objects.get(name="halted").pk)
    client, listed = browser_of(cast.viewer), LISTS["rollouts"]
    stopped, running = shown(client, listed, "?status=stopped"), shown(client, listed, "?status=running")
    assert "halted" in stopped and "going" not in stopped
    assert "going" in running and "halted" not in running


def test_models__without_a_version__can_be_asked_for(cast: Cast, browser_of: Browser) -> None:
    Model.objects.create(workspace=cast.workspace, name="bare")
    a_model(cast.workspace, "filled", VersionStatus.DRAFT)
    page = shown(browser_of(cast.viewer), LISTS["models"], "?status=none")
    assert "bare" in page and "filled" not in page
