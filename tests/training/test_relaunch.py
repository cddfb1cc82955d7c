"""A run again, on other rows."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.training import services
from apps.training.models import Run
from tests.cast import Cast
from tests.make import as_jsonl, make_version
from tests.training.conftest import ROWS

pytestmark = pytest.mark.django_db


@pytest.fixture
def next_version(workspace: Workspace) -> DatasetVersion:
    return make_version(workspace, as_jsonl(ROWS[:20]), name="corrected")


def test_relaunch__new_version__keeps_model_and_settings(run: Run, next_version: DatasetVersion, cast: Cast) -> None:
    again = services.relaunch(actor=cast.engineer, run=run, dataset_version=next_version)
    assert (again.base_model, again.recipe, again.name) == (run.base_model, run.recipe, run.name)
    assert again.dataset_version == next_version and again.number == run.number + 1
    assert again.created_by == cast.engineer and again.resumed_from is None


def test_relaunch__name_given__is_taken(run: Run, next_version: DatasetVersion, cast: Cast) -> None:
    again = services.relaunch(actor=cast.owner, run=run, dataset_version=next_version, name="second")
    assert again.name == "second"


def test_relaunch__version_of_another_workspace__is_refused(run: Run, cast: Cast) -> None:
    foreign = make_version(cast.other_workspace, as_jsonl(ROWS), name="theirs")
    with pytest.raises(Problem):
        services.relaunch(actor=cast.owner, run=run, dataset_version=foreign)
    assert Run.objects.count() == 1


def test_launch_page__like_a_run_on_another_version__has_both(
    run: Run, next_version: DatasetVersion, page: Client
) -> None:
    shown = page.get("/train/new/", {"like": str(run.pk), "version": str(next_version.pk)}).content.decode()
    assert f'value="{next_version.pk}" data-name="corrected" data-form="chat" selected' in shown and str(run) in shown


@pytest.mark.parametrize("like", ["x", "", "316f6e8a-7a3a-4450-9e57-e60d8111504f"])
def test_launch_page__like_no_run__is_404(page: Client, version: DatasetVersion, like: str) -> None:
    assert page.get("/train/new/", {"like": like}).status_code == 404


def test_launch_page__like_a_run_of_another_workspace__is_404(
    run: Run, cast: Cast, browser_of: Callable[..., Client]
) -> None:
    assert browser_of(cast.stranger).get("/train/new/", {"like": str(run.pk)}).status_code == 404
