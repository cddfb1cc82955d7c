"""The lineage over all stages: from an answer back to the file, and on to the next run."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.evaluation.models import Entrant, Rater, Round
from apps.feedback import services as feedback
from apps.overview import lineage
from apps.rollout import services as rollout
from apps.serving.models import Deployment, Exchange
from tests.cast import Cast
from tests.feedback.conftest import make_deployment, make_exchange
from tests.feedback.test_returning import freeze

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(cast: Cast) -> Deployment:
    return make_deployment(cast)


@pytest.fixture
def exchange(deployment: Deployment) -> Exchange:
    return make_exchange(deployment)


def make_round(cast: Cast, deployment: Deployment, raters: list[User], status: str = "rating") -> Round:
    """A round about the checkpoint that is served."""
    checkpoint = deployment.model_version.checkpoint
    made: Round = Round.objects.create(
        workspace=cast.workspace,
        number=7,
        name="July",
        status=status,
        outcome="passed" if status == "closed" else "",
        dataset_version=checkpoint.run.dataset_version,
        split="sample",
        rubric=[],
    )
    Entrant.objects.create(round=made, checkpoint=checkpoint, place="A")
    for person in raters:
        Rater.objects.create(round=made, user=person)
    return made


def kinds(found: lineage.Lineage, side: str = "") -> list[str]:
    return [node.kind for node in found.nodes if side in ("", node.side)]


def lines(found: lineage.Lineage) -> set[tuple[str, str]]:
    return {(source[0], target[0]) for source, target in found.edges}


def test_lineage__of_an_answer__reaches_the_file_over_every_stage(cast: Cast, exchange: Exchange) -> None:
    found = lineage.lineage_of(cast.viewer, "exchange", exchange.pk)
    chain = ["upload", "version", "run", "checkpoint", "modelversion", "deployment", "exchange"]
    assert [kind for kind in kinds(found) if kind != "basemodel"] == chain
    assert set(pairwise(chain)) <= lines(found)


def test_lineage__after_a_turn_of_the_ring__the_new_run_came_from_the_file_and_the_answer(
    cast: Cast, exchange: Exchange
) -> None:
    signal, _new = feedback.give_feedback(actor=cast.engineer, exchange=exchange, said={"correction": "By train."})
    version = freeze(cast, feedback.send_to_labeling(actor=cast.curator, signals=[signal], name="July"))
    run = feedback.train_again(actor=cast.engineer, version=version)
    up = lineage.lineage_of(cast.viewer, "run", run.pk, way="up")
    assert {"upload", "exchange", "signal", "labelproject"} <= set(kinds(up, "up"))
    assert ("signal", "version") not in lines(up)  # the way over the project says it already
    down = lineage.lineage_of(
        cast.viewer, "upload", exchange.deployment.model_version.checkpoint.run.dataset_version.provenance_id
    )
    assert str(run.pk) in [node.id for node in down.nodes if node.side == "down"]
    first = lineage.lineage_of(cast.viewer, "exchange", exchange.pk, way="up")
    assert lineage.drawn(up)["height"] > lineage.drawn(first)["height"]


def test_lineage__praised_answers__stand_behind_their_version(cast: Cast, exchange: Exchange) -> None:
    signal, _new = feedback.give_feedback(actor=cast.engineer, exchange=exchange, said={"thumbs": "up"})
    dataset = exchange.deployment.model_version.checkpoint.run.dataset_version.dataset
    version = feedback.harvest_good(actor=cast.curator, signals=[signal], dataset=dataset)
    found = lineage.lineage_of(cast.viewer, "version", version.pk)
    assert ("signal", "version") in lines(found) and ("version", "version") in lines(found)


def test_lineage__round_of_the_checkpoint__speaks_for_the_version(cast: Cast, deployment: Deployment) -> None:
    make_round(cast, deployment, [cast.annotator], "closed")
    found = lineage.lineage_of(cast.viewer, "modelversion", deployment.model_version.pk)
    assert {("checkpoint", "round"), ("round", "modelversion")} <= lines(found)
    assert ("version", "round") not in lines(found)
    Round.objects.update(status="cancelled", outcome="")
    assert "round" not in kinds(lineage.lineage_of(cast.viewer, "modelversion", deployment.model_version.pk))


def test_lineage__open_round__is_hidden_from_its_raters_alone(cast: Cast, deployment: Deployment) -> None:
    open_round = make_round(cast, deployment, [cast.approver])
    version = deployment.model_version
    assert "round" not in kinds(lineage.lineage_of(cast.approver, "modelversion", version.pk))
    assert "round" in kinds(lineage.lineage_of(cast.viewer, "modelversion", version.pk))
    Round.objects.filter(pk=open_round.pk).update(status="closed", outcome="passed")
    assert "round" in kinds(lineage.lineage_of(cast.approver, "modelversion", version.pk))


def test_lineage__of_an_answer_of_one_arm__leaves_the_other_arm_out(cast: Cast, deployment: Deployment) -> None:
    other = make_deployment(cast, name="other")
    made = rollout.create_rollout(
        actor=cast.engineer, workspace=cast.workspace, name="answers", control=deployment, candidate=other
    )
    exchange = make_exchange(other, rollout_id=made.pk, arm_id=made.candidate.pk, arm="answers/candidate")
    found = lineage.lineage_of(cast.viewer, "exchange", exchange.pk)
    assert [node.id for node in found.nodes if node.kind == "deployment"] == [str(other.pk)]
    assert {("deployment", "rollout"), ("rollout", "exchange")} <= lines(found)
    assert ("deployment", "exchange") not in lines(found)
    assert kinds(lineage.lineage_of(cast.viewer, "rollout", made.pk, way="up")).count("deployment") == 2


def test_lineage__many_answers__are_folded(cast: Cast, deployment: Deployment) -> None:
    for number in range(9):
        make_exchange(deployment, f"{number}?")
    found = lineage.lineage_of(cast.viewer, "deployment", deployment.pk)
    assert kinds(found).count("exchange") == 4 and [(one.kind, one.count) for one in found.more] == [("exchange", 5)]


def test_lineage__every_kind__has_a_page_and_the_page_a_link_back(
    cast: Cast, exchange: Exchange, browser_of: Callable[..., Any]
) -> None:
    signal, _new = feedback.give_feedback(actor=cast.engineer, exchange=exchange, said={"correction": "By train."})
    freeze(cast, feedback.send_to_labeling(actor=cast.curator, signals=[signal], name="July"))
    make_round(cast, exchange.deployment, [])
    client = browser_of(cast.viewer)
    found = lineage.lineage_of(cast.viewer, "exchange", exchange.pk)
    assert len({node.kind for node in found.nodes}) >= 11
    no_link = ("upload", "basemodel", "checkpoint", "round")  # an open round has none: its raters are blind
    for node in found.nodes:
        page = client.get(node.lineage_url)
        assert page.status_code == 200, node
        shown = client.get(node.url).content.decode() if node.url else ""
        assert node.kind in no_link or node.lineage_url in shown, node


@pytest.mark.parametrize("kind", ["exchange", "deployment", "modelversion", "checkpoint", "run", "version", "upload"])
def test_lineage__by_a_stranger__is_404_for_every_kind(
    cast: Cast, exchange: Exchange, api_of: Callable[..., APIClient], kind: str
) -> None:
    node = next(n for n in lineage.lineage_of(cast.viewer, "exchange", exchange.pk).nodes if n.kind == kind)
    client = api_of(cast.stranger, cast.other_workspace)
    assert client.get(f"/api/v1/lineage/{kind}/{node.id}/").status_code == 404
