"""The lineage of real rows: by page and by API, for those who may see them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.datasets.models import DatasetVersion
from apps.overview import lineage
from apps.training import services as training
from apps.training.models import BaseModel, Checkpoint, Run
from tests.cast import Cast
from tests.make import as_jsonl, finish_import, make_upload, make_version
from tests.training.folders import FACTS

Browser = Callable[[User], Client]
Api = Callable[..., APIClient]
MANY_ROWS = as_jsonl([{"prompt": f"Where is {n}?", "completion": f"{n} is here."} for n in range(20)])


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, MANY_ROWS, actor=cast.curator)


def launch(cast: Cast, version: DatasetVersion, name: str = "first") -> Run:
    model, _new = BaseModel.objects.get_or_create(
        workspace=cast.workspace, slug="tiny", defaults={"name": "Tiny", "source": "folder", "facts": FACTS}
    )
    return training.launch_run(
        actor=cast.engineer,
        workspace=cast.workspace,
        name=name,
        base_model=model,
        dataset_version=version,
        recipe={"max_steps": 2},
    )


def save(run: Run, step: int = 2) -> Checkpoint:
    made: Checkpoint = Checkpoint.objects.create(workspace=run.workspace, run=run, step=step, name=f"step-{step}")
    return made


def names(found: lineage.Lineage) -> list[str]:
    return [node.kind for node in found.nodes]


def test_lineage__of_a_checkpoint__reaches_the_uploaded_file(cast: Cast, version: DatasetVersion) -> None:
    checkpoint = save(launch(cast, version))
    found = lineage.lineage_of(cast.viewer, "checkpoint", checkpoint.pk)
    kinds = names(found)
    assert kinds.index("upload") < kinds.index("version") < kinds.index("run") < kinds.index("checkpoint")
    assert {node.side for node in found.nodes if node.kind != "checkpoint"} == {"up"}


def test_lineage__of_the_file__reaches_the_checkpoint(cast: Cast, version: DatasetVersion) -> None:
    checkpoint = save(launch(cast, version))
    found = lineage.lineage_of(cast.viewer, "upload", version.provenance_id)
    assert str(checkpoint.pk) in [node.id for node in found.nodes]


def test_lineage__of_a_second_version__knows_the_first(cast: Cast, version: DatasetVersion) -> None:
    upload = make_upload(cast.workspace, MANY_ROWS, dataset=version.dataset)
    second = finish_import(upload)
    found = lineage.lineage_of(cast.viewer, "version", second.pk, way="up")
    assert sorted(names(found)) == ["upload", "upload", "version", "version"]


def test_lineage__many_runs__are_folded_and_can_be_unfolded(cast: Cast, version: DatasetVersion) -> None:
    for number in range(6):
        launch(cast, version, f"try {number}")
    found = lineage.lineage_of(cast.viewer, "version", version.pk)
    assert names(found).count("run") == 4 and [one.count for one in found.more] == [2]
    assert names(lineage.lineage_of(cast.viewer, "version", version.pk, fan=40)).count("run") == 6


def test_page__shows_picture_people_and_list(cast: Cast, version: DatasetVersion, browser_of: Browser) -> None:
    run = launch(cast, version)
    for number in range(5):
        save(run, number)
    page = browser_of(cast.viewer).get(f"/lineage/run/{run.pk}/").content.decode()
    assert "rows.jsonl" in page and 'class="node hot focus"' in page and "and 1 more" in page
    assert "Clara" in page and "launched" in page and "made by the console itself" not in page
    assert "style=" not in page


@pytest.mark.parametrize("query", ["way=up", "way=down", "way=both&wide=1"])
def test_page__directions__are_links_that_work(
    cast: Cast, version: DatasetVersion, browser_of: Browser, query: str
) -> None:
    assert browser_of(cast.viewer).get(f"/lineage/version/{version.pk}/?{query}").status_code == 200


@pytest.mark.parametrize("kind", ["version", "nothing", "user", "upload"])
def test_page__no_such_thing__is_404(cast: Cast, browser_of: Browser, api_of: Api, kind: str) -> None:
    nowhere = f"lineage/{kind}/316f6e8a-7a3a-4450-9e57-e60d8111504f/"
    assert browser_of(cast.owner).get(f"/{nowhere}").status_code == 404
    assert api_of(cast.owner, cast.workspace).get(f"/api/v1/{nowhere}").status_code == 404


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_lineage__who_may_not_see_the_object__finds_nothing(
    cast: Cast, version: DatasetVersion, browser_of: Browser, api_of: Api, who: str
) -> None:
    person = cast.by_role(who)
    room = cast.other_workspace if who == "stranger" else cast.workspace
    for kind, pk in (("version", version.pk), ("upload", version.provenance_id)):
        assert browser_of(person).get(f"/lineage/{kind}/{pk}/").status_code == 404
        assert api_of(person, room).get(f"/api/v1/lineage/{kind}/{pk}/").status_code == 404


def test_lineage__rows_that_the_key_may_not_see__do_not_appear(
    cast: Cast, version: DatasetVersion, api_of: Api
) -> None:
    launch(cast, version)
    narrow = api_of(cast.engineer, cast.workspace, capabilities=["datasets.view"])
    answer: Any = narrow.get(f"/api/v1/lineage/version/{version.pk}/").json()
    assert sorted(node["kind"] for node in answer["nodes"]) == ["upload", "version"]


def test_api__answer__has_nodes_links_and_the_focus(cast: Cast, version: DatasetVersion, api_of: Api) -> None:
    run = launch(cast, version)
    answer: Any = api_of(cast.viewer, cast.workspace).get(f"/api/v1/lineage/run/{run.pk}/").json()
    assert answer["focus"] == {"kind": "run", "id": str(run.pk)} and not answer["is_cut"] and answer["more"] == []
    link = {"from": {"kind": "version", "id": str(version.pk)}, "to": {"kind": "run", "id": str(run.pk)}}
    assert link in answer["edges"]
    assert {node["by"] for node in answer["nodes"] if node["kind"] == "run"} == {"Emil"}


@pytest.mark.parametrize("way", ["sideways", ""])
def test_api__unknown_way__is_404(cast: Cast, version: DatasetVersion, api_of: Api, way: str) -> None:
    url = f"/api/v1/lineage/version/{version.pk}/?way={way}"
    assert api_of(cast.viewer, cast.workspace).get(url).status_code == 404
