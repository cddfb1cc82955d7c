"""Leading feedback back: to labeling, to data, to the next run."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.core.errors import Conflict, Problem
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.rows import each_row
from apps.feedback import services
from apps.feedback.models import Signal, Status
from apps.labeling import services as labeling
from apps.labeling.models import LabelProject
from apps.serving.models import Exchange
from apps.training.models import Run
from tests.cast import Cast
from tests.feedback.conftest import Give, make_deployment, make_exchange
from tests.make import make_version

pytestmark = pytest.mark.django_db
Clients = Callable[..., Client]


def freeze(cast: Cast, project: LabelProject, rows: int = 6) -> DatasetVersion:
    """What freezing its labels writes."""
    from apps.datasets import services as datasets

    dataset = datasets.create_dataset(actor=cast.curator, workspace=project.workspace, name=f"{project} frozen")
    better = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"{n}!"}]}
        for n in range(rows)
    ]
    return datasets.freeze_rows(
        actor=cast.curator, dataset=dataset, rows=better, step="label", provenance=("labelproject", project.pk)
    )


def post(client: Client, where: str, body: Any) -> Any:
    return client.post(f"/api/v1/feedback/{where}/", body, content_type="application/json")


def test_send__signals__become_tasks_with_the_better_answer_to_start_from(cast: Cast, give: Give) -> None:
    corrected, plain = give(user="a", correction="By train."), give(user="b", thumbs="down")
    project = services.send_to_labeling(actor=cast.curator, signals=[corrected, plain], name="July")
    assert project.name == "July" and project.is_open
    first, second = project.tasks.order_by("number")
    assert (first.data["answer"], second.data["answer"]) == ("By train.", "No idea.")
    assert first.data["messages"] == [{"role": "user", "content": "Where is it?"}]
    assert first.key == str(corrected.pk) and first.provenance == ("signal", corrected.pk)
    corrected.refresh_from_db()
    assert (corrected.status, corrected.project) == (Status.SENT, project)


def test_send__twice__makes_no_second_task(cast: Cast, give: Give) -> None:
    signal, other = give(user="a", thumbs="down"), give(user="b", thumbs="down")
    project = services.send_to_labeling(actor=cast.curator, signals=[signal])
    again = services.send_to_labeling(actor=cast.curator, signals=[signal, other], project=project)
    assert again == project and project.tasks.count() == 2
    with pytest.raises(Conflict):
        services.send_to_labeling(actor=cast.curator, signals=[signal])
    assert LabelProject.objects.count() == 1


def test_send__to_a_project_of_another_workspace__is_refused_and_nothing_moves(cast: Cast, give: Give) -> None:
    theirs = labeling.correction_project(actor=cast.stranger, workspace=cast.other_workspace, name="theirs")
    signal = give(thumbs="down")
    with pytest.raises(Problem):
        services.send_to_labeling(actor=cast.curator, signals=[signal], project=theirs)
    signal.refresh_from_db()
    assert signal.status == Status.NEW and theirs.tasks.count() == 0


def test_send__closed_project__is_a_conflict_and_nothing_moves(cast: Cast, give: Give) -> None:
    project = labeling.correction_project(actor=cast.curator, workspace=cast.workspace, name="old")
    labeling.move_project(actor=cast.curator, project=project, to="closed")
    signal = give(thumbs="down")
    with pytest.raises(Conflict):
        services.send_to_labeling(actor=cast.curator, signals=[signal], project=project)
    signal.refresh_from_db()
    assert signal.status == Status.NEW


def test_dismiss__sent_signals__stay_sent(cast: Cast, give: Give) -> None:
    sent, new = give(user="a", thumbs="down"), give(user="b", thumbs="down")
    services.send_to_labeling(actor=cast.curator, signals=[sent])
    assert services.dismiss(actor=cast.curator, signals=list(Signal.objects.all())) == 1
    new.refresh_from_db()
    assert new.status == Status.DISMISSED
    assert services.reopen(actor=cast.curator, signals=[new]) == 1


def test_train_again__frozen_corrections__launches_the_run_behind_the_answers(
    cast: Cast, give: Give, exchange: Exchange
) -> None:
    project = services.send_to_labeling(actor=cast.curator, signals=[give(correction="By train.")])
    version = freeze(cast, project)
    behind = exchange.deployment.model_version.checkpoint.run
    assert services.run_behind(version) == behind
    again = services.train_again(actor=cast.engineer, version=version)
    assert (again.dataset_version, again.recipe, again.base_model) == (version, behind.recipe, behind.base_model)
    signal = Signal.objects.get()
    assert (signal.status, signal.version) == (Status.USED, version)
    assert services.train_again(actor=cast.engineer, version=version, name="once more").name == "once more"


def test_run_behind__answers_of_two_runs__is_the_one_with_most(cast: Cast, give: Give, exchange: Exchange) -> None:
    second = make_deployment(cast, name="second")
    signals = [give(make_exchange(second), user=str(n), thumbs="down") for n in range(2)] + [give(thumbs="down")]
    version = freeze(cast, services.send_to_labeling(actor=cast.curator, signals=signals))
    assert services.run_behind(version) == second.model_version.checkpoint.run


def test_train_again__version_without_feedback__is_refused(cast: Cast, served: DatasetVersion) -> None:
    with pytest.raises(Problem) as refusal:
        services.train_again(actor=cast.engineer, version=served)
    assert refusal.value.code == "no_feedback" and Run.objects.count() == 1


def test_harvest__praised_answers__are_added_to_the_newest_rows(
    cast: Cast, give: Give, deployment: Any, served: DatasetVersion
) -> None:
    dataset = served.dataset
    good = give(make_exchange(deployment, "When?", answer="Tomorrow."), thumbs="up")
    by_score = give(make_exchange(deployment, "Why?", answer="Because."), score=4)
    bad = give(user="b", thumbs="down")
    corrected = give(make_exchange(deployment, "Who?"), thumbs="up", correction="Me.")
    version = services.harvest_good(actor=cast.curator, signals=[good, by_score, bad, corrected], dataset=dataset)
    rows = list(each_row(version.shard_paths()))
    assert version.row_count == served.row_count + 2 and version.parent == served
    assert [row.answer for row in rows[-2:]] == ["Tomorrow.", "Because."]
    assert rows[-1].extra == {"exchange": by_score.exchange.public_id}
    assert set(Signal.objects.filter(version=version)) == {good, by_score}
    assert set(Signal.objects.filter(status=Status.NEW)) == {bad, corrected}
    assert services.run_behind(version) == deployment.model_version.checkpoint.run


def test_harvest__into_an_empty_dataset__has_the_answers_alone(cast: Cast, give: Give) -> None:
    dataset = Dataset.objects.create(workspace=cast.workspace, name="praised")
    assert services.harvest_good(actor=cast.curator, signals=[give(thumbs="up")], dataset=dataset).row_count == 1


@pytest.mark.parametrize("said", [{"thumbs": "down"}, {"score": 3}, {"comment": "fine"}], ids=str)
def test_harvest__nothing_praised__is_refused(
    cast: Cast, give: Give, served: DatasetVersion, said: dict[str, Any]
) -> None:
    with pytest.raises(Problem):
        services.harvest_good(actor=cast.curator, signals=[give(**said)], dataset=served.dataset)


def test_harvest__into_another_workspace__is_refused(cast: Cast, give: Give) -> None:
    theirs = make_version(cast.other_workspace, name="theirs").dataset
    with pytest.raises(Problem):
        services.harvest_good(actor=cast.curator, signals=[give(thumbs="up")], dataset=theirs)


def test_good__in_the_database_and_on_the_row__say_the_same(give: Give, deployment: Any) -> None:
    sayings: list[dict[str, Any]] = [
        {"thumbs": "up"}, {"thumbs": "down"}, {"score": 5}, {"score": 3.9}, {"thumbs": "up", "score": 2}, {"comment": "x"},
        {"thumbs": "down", "score": 5}, {"thumbs": "up", "correction": "y"}, {"thumbs": "up", "score": 4},
    ]  # fmt: skip
    for number, said in enumerate(sayings):
        give(make_exchange(deployment, answer="" if number == 8 else "Yes."), **said)
    assert set(Signal.objects.good()) == {signal for signal in Signal.objects.all() if signal.is_good}
    assert Signal.objects.good().count() == 2


def test_api__from_a_signal_to_the_next_run(cast: Cast, client_of: Clients, give: Give) -> None:
    client, signal = client_of("engineer"), give(correction="By train.")
    sent = post(client, "send", {"signals": [str(signal.pk)], "name": "July"})
    assert sent.status_code == 201 and (sent.json()["sent"], sent.json()["skipped"]) == (1, 0)
    project = LabelProject.objects.get(pk=UUID(sent.json()["project"]))
    version = freeze(cast, project)
    run = post(client, "train", {"dataset_version": str(version.pk)})
    assert run.status_code == 201 and run.json()["dataset_version"] == str(version.pk)
    assert post(client, "send", {"signals": [str(signal.pk)]}).status_code == 409


def test_api__harvest_and_dismiss(client_of: Clients, give: Give, served: DatasetVersion) -> None:
    client, good, bad = client_of("curator"), give(user="a", thumbs="up"), give(user="b", thumbs="down")
    made = post(client, "harvest", {"signals": [str(good.pk)], "dataset": str(served.dataset_id)})
    assert made.status_code == 201 and made.json()["name"] == "support-data v2"
    assert post(client, "dismiss", {"signals": [str(good.pk), str(bad.pk)]}).json() == {"moved": 1}


@pytest.mark.parametrize("where", ["send", "dismiss", "harvest"])
@pytest.mark.parametrize("signals", [None, [], ["x"], "x", ["316f6e8a-7a3a-4450-9e57-e60d8111504f"]], ids=str)
def test_api__signals_that_are_none__is_400(
    client_of: Clients, cast: Cast, served: DatasetVersion, where: str, signals: Any
) -> None:
    body = {"signals": signals, "dataset": str(served.dataset_id)}
    assert post(client_of("engineer"), where, body).status_code == 400


@pytest.mark.parametrize("where", ["send", "dismiss", "harvest", "train"])
@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("annotator", 403), ("approver", 403), ("stranger", 400)]
)
def test_api__who_may_not_sort__changes_nothing(
    client_of: Clients, give: Give, served: DatasetVersion, where: str, role: str, status: int
) -> None:
    signal = give(thumbs="up")
    body = {"signals": [str(signal.pk)], "dataset": str(served.dataset_id), "dataset_version": str(served.pk)}
    assert post(client_of(role), where, body).status_code == status
    signal.refresh_from_db()
    assert signal.status == Status.NEW and Run.objects.count() == 1
