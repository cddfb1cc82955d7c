"""While a round is open nobody sees scores, and who rates sees no model: by page, API, websocket, job, ledger or export."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.models import LedgerEntry
from apps.evaluation import rating, services
from apps.evaluation.models import MetricReport, Rating, Round
from apps.training.models import Checkpoint
from console.topics import look_up
from tests.cast import Cast
from tests.evaluation.conftest import disagreeing, opened, post, rate_all

PAGES = ["round", "rate", "round-csv", "round-json"]
API = ["round", "round-items", "round-ratings", "round-agreement", "round-export"]
DOORS = [*(("evaluation", name) for name in PAGES), *(("api", name) for name in API)]
POSTS = ["round-open", "round-cancel", "round-close", "round-next", "round-ratings"]
PAGE_POSTS = ["round-prepare", "round-draft", "round-cancel", "round-close", "round-next", "round"]
SECRET_NOTE = "reads like the tuned one"


@pytest.fixture
def owner_rates(cast: Cast, make_draft: Callable[..., Round], raters: list[User]) -> Round:
    """Open; the owner, who may see and manage everything else, is a rater; the others have rated."""
    round = opened(make_draft(raters=[cast.owner, *raters[:2]]), cast.engineer)
    rate_all(round, raters[:2], disagreeing)
    Rating.objects.filter(rater__user=raters[0]).update(note=SECRET_NOTE)
    return round


def address(door: tuple[str, str], round: Round) -> str:
    return reverse(":".join(door), args=[round.pk])


def secrets_of(round: Round) -> list[str]:
    """What must not be told: checkpoints, their run, other raters' words."""
    known = [str(entrant.checkpoint) for entrant in round.entrants.all()]
    ids = [str(entrant.checkpoint_id) for entrant in round.entrants.all()]
    entrants = [str(entrant.pk) for entrant in round.entrants.all()]
    return [*known, *ids, *entrants, "secret-sauce", SECRET_NOTE]


def other_ratings(round: Round, user: User) -> list[str]:
    return [str(row.pk) for row in Rating.objects.filter(item__round=round).exclude(rater__user=user)]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: "-".join(door))
def test_open_round__rating_owner__learns_no_model_and_no_score(
    cast: Cast, owner_rates: Round, client_of: Any, browser_of: Any, door: tuple[str, str]
) -> None:
    client = browser_of(cast.owner) if door[0] == "evaluation" else client_of("owner")
    content = client.get(address(door, owner_rates)).content.decode()
    told = [
        secret for secret in [*secrets_of(owner_rates), *other_ratings(owner_rates, cast.owner)] if secret in content
    ]
    assert told == []


@pytest.mark.parametrize("door", DOORS, ids=lambda door: "-".join(door))
def test_open_round__manager_who_does_not_rate__sees_counts_alone(
    cast: Cast, owner_rates: Round, client_of: Any, browser_of: Any, door: tuple[str, str]
) -> None:
    client = browser_of(cast.engineer) if door[0] == "evaluation" else client_of("engineer")
    answer = client.get(address(door, owner_rates))
    content = answer.content.decode()
    assert SECRET_NOTE not in content
    assert not any(pk in content for pk in other_ratings(owner_rates, cast.engineer))
    if door[1] != "round":
        assert answer.status_code in (403, 409)
    if door == ("api", "round"):
        assert answer.json()["progress"] == {"done": 24, "wanted": 36}
        assert answer.json()["result"] is None


@pytest.mark.parametrize("door", DOORS, ids=lambda door: "-".join(door))
@pytest.mark.parametrize("who", ["stranger", "annotator not chosen"])
def test_round__stranger_and_annotator_who_is_no_rater__find_nothing(
    cast: Cast,
    make_draft: Callable[..., Round],
    raters: list[User],
    client_of: Any,
    browser_of: Any,
    door: tuple[str, str],
    who: str,
) -> None:
    round = opened(make_draft(raters=raters[:2]), cast.engineer)
    person = cast.stranger if who == "stranger" else raters[2]
    client = browser_of(person) if door[0] == "evaluation" else client_of(person)
    assert client.get(address(door, round)).status_code == 404


@pytest.mark.parametrize(
    "door", [("api", name) for name in POSTS] + [("evaluation", name) for name in PAGE_POSTS], ids="-".join
)
@pytest.mark.parametrize("who", ["stranger", "annotator not chosen"])
def test_round__posts_of_stranger_and_annotator_who_is_no_rater__find_nothing(
    cast: Cast,
    make_draft: Callable[..., Round],
    raters: list[User],
    client_of: Any,
    browser_of: Any,
    door: tuple[str, str],
    who: str,
) -> None:
    round = opened(make_draft(raters=raters[:2]), cast.engineer)
    person = cast.stranger if who == "stranger" else raters[2]
    client = browser_of(person) if door[0] == "evaluation" else client_of(person)
    body = {"item": str(round.items.all()[0].pk), "scores": {"relevance": 3}}
    assert post(client, address(door, round), body).status_code == 404
    round.refresh_from_db()
    assert round.status == "rating" and not Rating.objects.exists()


def test_open_round__in_lists_and_search__is_blind_too(cast: Cast, owner_rates: Round, client_of: Any) -> None:
    [listed] = client_of("owner").get("/api/v1/rounds/").json()["results"]
    assert listed["is_blind"] and listed["checkpoints"] is None and listed["seed"] is None and listed["result"] is None
    [listed] = client_of("engineer").get("/api/v1/rounds/").json()["results"]
    assert len(listed["checkpoints"]) == 2


def test_open_round__rater_of_role_annotator__sees_the_round_without_models(
    owner_rates: Round, raters: list[User], client_of: Any
) -> None:
    shown = client_of(raters[0]).get(f"/api/v1/rounds/{owner_rates.pk}/").json()
    assert (shown["checkpoints"], shown["frozen_hash"]) == (None, None)


def test_draft__annotator_chosen_as_rater__finds_nothing_before_it_opens(
    draft: Round, raters: list[User], client_of: Any
) -> None:
    assert client_of(raters[0]).get(f"/api/v1/rounds/{draft.pk}/").status_code == 404


def test_queue__of_each_rater__is_in_an_order_of_its_own_and_tells_no_side(open_round: Round) -> None:
    orders = [[item.pk for item in rating.queue_of(open_round, rater)] for rater in open_round.raters.all()]
    assert orders == [[item.pk for item in rating.queue_of(open_round, rater)] for rater in open_round.raters.all()]
    assert len({tuple(order) for order in orders}) == 3
    assert {frozenset(order) for order in orders} == {frozenset(open_round.items.values_list("pk", flat=True))}
    [first, *_rest] = rating.seen_by(open_round, open_round.raters.all()[0])
    assert set(first) == {"id", "messages", "answer", "scores", "note", "cannot_judge", "is_complete"}


def test_job__of_the_answers__tells_whoever_may_see_jobs_no_model(
    cast: Cast, owner_rates: Round, client_of: Any
) -> None:
    client = client_of("owner")
    addresses = [f"/api/v1/jobs/{owner_rates.job_id}/{part}" for part in ("", "logs/", "metrics/")]
    content = "".join(client.get(address).content.decode() for address in addresses)
    assert [secret for secret in secrets_of(owner_rates) if secret in content] == []


def test_ledger__of_a_round__names_no_model_and_no_score(owner_rates: Round) -> None:
    lines = LedgerEntry.objects.filter(object_kind="evaluation.round").values()
    told = json.dumps(list(lines), default=str)
    assert lines and [secret for secret in secrets_of(owner_rates) if secret in told] == []


def test_live__ratings__ring_without_saying_what(open_round: Round, raters: list[User], rings: Any) -> None:
    item = open_round.items.first()
    assert item is not None
    with rings.on_commit():
        rating.record_rating(
            actor=raters[0], round=open_round, item=item.pk, scores={"relevance": 5, "fluency": 4, "accuracy": 3}
        )
    assert {message["type"] for _topic, message in rings.heard} == {"changed"}
    assert all(set(message) == {"type"} for _topic, message in rings.heard)


def test_live__topics_of_rounds__are_there_for_nobody(cast: Cast, open_round: Round, raters: list[User]) -> None:
    for person in (cast.owner, raters[0]):
        for topic in (f"round.{open_round.pk}", f"rating.{open_round.pk}", f"item.{open_round.pk}"):
            assert look_up(person, topic) is None
    assert look_up(raters[0], f"job.{open_round.job_id}") is None


def test_checkpoint__while_it_is_rated__shows_no_open_round_to_its_raters(
    cast: Cast, owner_rates: Round, checkpoints: list[Checkpoint]
) -> None:
    assert services.verdicts_of(checkpoints[0], user=cast.owner) == []


def test_closed_round__everybody_who_may_see_it__sees_all(
    cast: Cast, owner_rates: Round, client_of: Any, raters: list[User]
) -> None:
    rate_all(owner_rates, [cast.owner], disagreeing)
    services.close_round(actor=cast.engineer, round=owner_rates)
    for person in (cast.owner, cast.viewer, raters[0]):
        client: Client = client_of(person)
        shown = client.get(f"/api/v1/rounds/{owner_rates.pk}/").json()
        assert len(shown["checkpoints"]) == 2 and shown["result"]["agreement"]
        assert len(client.get(f"/api/v1/rounds/{owner_rates.pk}/ratings/").json()["results"]) == 36
        assert SECRET_NOTE in client.get(f"/api/v1/rounds/{owner_rates.pk}/export/").content.decode()


def test_search__for_a_model__tells_a_rater_nothing_while_the_round_is_open(
    cast: Cast, browser_of: Callable[[User], Client], open_round: Round
) -> None:
    asked = "/evaluate/?q=secret-sauce"
    assert b"Nothing fits" in browser_of(cast.annotator).get(asked).content
    assert str(open_round).encode() in browser_of(cast.viewer).get(asked).content


def test_report__of_a_checkpoint_that_one_rates__shows_its_answers_only_when_the_round_is_closed(
    cast: Cast, owner_rates: Round, finished_report: MetricReport, client_of: Any, browser_of: Any
) -> None:
    """The answers to the same prompts would tell whose those of the round are."""
    page, rows = finished_report.get_absolute_url(), f"/api/v1/metric-reports/{finished_report.pk}/rows/"
    for person, sees in ((cast.owner, False), (cast.engineer, True)):
        assert (client_of(person).get(rows).status_code == 200) is sees
        assert ("Furthest from the data" in browser_of(person).get(page).content.decode()) is sees
    services.close_round(actor=cast.engineer, round=owner_rates, early=True)
    assert client_of(cast.owner).get(rows).status_code == 200
