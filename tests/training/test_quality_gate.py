"""A launch on a version that breaks its limits needs a reason, by every door."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.core.errors import Conflict
from apps.core.models import LedgerEntry
from apps.datasets.models import DatasetVersion
from apps.datasets.quality import profiles
from apps.training import services
from apps.training.models import BaseModel, Run
from tests.cast import Cast

BROKEN: dict[str, Any] = {"duplicates": {"n": 30, "share": 0.4, "exact": {"n": 30, "rows": 12, "share": 0.4}}}


@pytest.fixture
def broken(version: DatasetVersion) -> DatasetVersion:
    profiles.keep(version=version, created_by=None, job=None, figures=BROKEN)
    return version


def test_launch__on_a_broken_version__is_refused_without_a_reason(
    broken: DatasetVersion, launch: Callable[..., Run]
) -> None:
    with pytest.raises(Conflict) as caught:
        launch()
    assert caught.value.field == "quality_override"
    assert not Run.objects.exists()


def test_launch__with_a_reason__runs_and_the_ledger_tells(
    broken: DatasetVersion, launch: Callable[..., Run], cast: Cast
) -> None:
    run = launch(quality_override="a trial of the pipeline")
    entry = LedgerEntry.objects.get(verb="dataset.quality_overridden")
    assert (entry.note, entry.object_id, entry.actor_id) == (
        "a trial of the pipeline",
        str(broken.pk),
        str(cast.owner.pk),
    )
    assert entry.data["purpose"] == str(run) and entry.data["broken"][0]["name"] == "duplicates"


def test_launch__on_a_version_without_a_profile__needs_no_reason(launch: Callable[..., Run]) -> None:
    launch()
    assert not LedgerEntry.objects.filter(verb="dataset.quality_overridden").exists()


def test_relaunch__on_a_broken_version__needs_a_reason_too(
    launch: Callable[..., Run], version: DatasetVersion, cast: Cast
) -> None:
    run = launch()
    profiles.keep(version=version, created_by=None, job=None, figures=BROKEN)
    with pytest.raises(Conflict):
        services.relaunch(actor=cast.owner, run=run, dataset_version=version)
    assert services.relaunch(actor=cast.owner, run=run, dataset_version=version, quality_override="yes").pk != run.pk


def test_api__launch_and_validate__say_what_is_broken(
    broken: DatasetVersion, model: BaseModel, cast: Cast, api_of: Callable[..., APIClient]
) -> None:
    client = api_of(cast.engineer, cast.workspace)
    body: dict[str, Any] = {"name": "x", "base_model": model.slug, "dataset_version": str(broken.pk)}
    body["recipe"] = {"max_steps": 5}
    told = client.post("/api/v1/runs/validate/", body, format="json").json()
    assert [error["field"] for error in told["errors"]] == ["quality_override"]
    assert told["quality"] == ["Duplicates 40\u00a0% (limit < 5\u00a0%, n = 30)"]
    assert client.post("/api/v1/runs/", body, format="json").status_code == 409
    good = {**body, "quality_override": "a trial"}
    assert client.post("/api/v1/runs/validate/", good, format="json").json()["errors"] == []
    assert client.post("/api/v1/runs/", good, format="json").status_code == 201
    assert client.post("/api/v1/runs/", {**body, "quality_override": ["x"]}, format="json").status_code == 400
