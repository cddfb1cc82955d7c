"""A version of six rows, a project that asks whether they are good, and people who may answer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.roles import Role
from apps.datasets.models import DatasetVersion
from apps.labeling import services
from apps.labeling.models import Connection, LabelProject, ProjectStatus
from apps.labeling.syncing import services as syncing
from tests.cast import Cast, make_user
from tests.labeling.fakestudio import TOKEN, FakeStudio
from tests.labeling.syncruns import ran
from tests.make import make_api_key, make_version

CONFIG = """<View>
  <Text name="prompt" value="$prompt"/>
  <Choices name="quality" toName="prompt" choice="single" required="true">
    <Choice value="good"/><Choice value="bad"/>
  </Choices>
  <Rating name="stars" toName="prompt" maxRating="5"/>
  <Labels name="marks" toName="prompt"><Label value="Word"/><Label value="Sign"/></Labels>
  <TextArea name="answer" toName="prompt" value="$answer"/>
</View>"""


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"


@pytest.fixture(autouse=True)
def looks_for_lapsed_leases_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.labeling.queueing.leases.LOOK_EVERY", 0.0)


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    return make_version(workspace)


@pytest.fixture
def project(cast: Cast, version: DatasetVersion) -> LabelProject:
    """Open, two people a task."""
    made = services.create_project(
        actor=cast.curator,
        workspace=cast.workspace,
        name="Quality",
        label_config=CONFIG,
        dataset_version=version,
        overlap=2,
    )
    services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
    return made


@pytest.fixture
def people(cast: Cast) -> list[User]:
    """Three annotators."""
    others = [make_user(name) for name in ("Berta", "Carl")]
    for person in others:
        Membership.objects.create(workspace=cast.workspace, user=person, role=Role.ANNOTATOR)
    return [cast.annotator, *others]


@pytest.fixture
def client_of(cast: Cast) -> Callable[[str], Client]:
    """A program's client of a role."""

    def client(role: str) -> Client:
        workspace = cast.other_workspace if role == "stranger" else cast.workspace
        return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.by_role(role), workspace)}")

    return client


@pytest.fixture
def studio(settings: Any) -> Iterator[FakeStudio]:
    """A server on loopback that the operator listed."""
    made = FakeStudio()
    settings.TUNELOOP_LABEL_STUDIO_HOSTS = [f"127.0.0.1:{made.port}"]
    yield made
    made.close()


@pytest.fixture
def connected(cast: Cast, project: LabelProject, studio: FakeStudio) -> Connection:
    """Six tasks there, nothing answered."""
    made = syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    assert ran() == {"pushed": 6}
    made.refresh_from_db()
    return made


def region(name: str, **value: Any) -> dict[str, Any]:
    """A region about the prompt, as Label Studio writes it."""
    types = {"quality": "choices", "stars": "rating", "marks": "labels", "answer": "textarea"}
    return {"from_name": name, "to_name": "prompt", "type": types[name], "value": value}


def says(quality: str, *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [region("quality", choices=[quality]), *more]
