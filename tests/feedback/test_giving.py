"""Giving feedback: what is taken, what is refused, what an arm hears of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.core.errors import Conflict, Problem
from apps.feedback import services
from apps.feedback.models import Signal, Status
from apps.serving.models import Exchange
from tests.cast import Cast
from tests.feedback.conftest import Give, Tally, make_deployment, make_exchange

pytestmark = pytest.mark.django_db
Clients = Callable[..., Client]


def post(client: Client, body: Any, **headers: str) -> Any:
    return client.post("/api/v1/feedback/", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("prefix", ["", "chatcmpl-"])
def test_give__by_the_id_that_clients_have__is_kept(client_of: Clients, exchange: Exchange, prefix: str) -> None:
    body = {
        "exchange": f"{prefix}{exchange.pk}",
        "thumbs": "down",
        "score": 1,
        "correction": " By train. ",
        "user": "u-7",
    }
    answer = post(client_of("engineer"), body)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["thumbs"], told["score"], told["correction"], told["user"]) == ("down", 1.0, "By train.", "u-7")
    signal = Signal.objects.get()
    assert signal.api_key is not None and str(signal.created_by) == "Emil" and signal.status == Status.NEW


def test_give__again_by_the_same_user__changes_what_is_named_and_keeps_the_rest(
    client_of: Clients, exchange: Exchange
) -> None:
    client, where = client_of("engineer"), {"exchange": str(exchange.pk), "user": "u-7"}
    assert post(client, {**where, "thumbs": "up", "comment": "nice"}).status_code == 201
    second = post(client, {**where, "thumbs": "down"})
    assert second.status_code == 200
    assert (second.json()["thumbs"], second.json()["comment"]) == ("down", "nice")
    assert post(client, {**where, "comment": None}).json()["comment"] == ""
    assert Signal.objects.count() == 1


def test_give__by_two_users__is_two_signals(give: Give, exchange: Exchange) -> None:
    give(user="u-1", thumbs="up")
    give(user="u-2", thumbs="up")
    give(thumbs="up")
    assert Signal.objects.filter(exchange=exchange).count() == 3


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, ""),
        ({"thumbs": ""}, ""),
        ({"comment": "   "}, ""),
        ({"thumbs": "sideways"}, "thumbs"),
        ({"thumbs": True}, "thumbs"),
        ({"thumbs": ["up"]}, "thumbs"),
        ({"score": 6}, "score"),
        ({"score": -0.1}, "score"),
        ({"score": "many"}, "score"),
        ({"score": True}, "score"),
        ({"score": [4]}, "score"),
        ({"score": 10**400}, "score"),
        ({"correction": 7}, "correction"),
        ({"correction": "x" * 20_001}, "correction"),
        ({"comment": {"a": 1}}, "comment"),
        ({"thumbs": "up", "user": 3}, "user"),
        ({"thumbs": "up", "user": "x" * 201}, "user"),
        ({"thumbs": "up", "user": "a\nb"}, "user"),
    ],
    ids=str,
)
def test_give__nothing_or_nonsense__is_400_by_name(
    client_of: Clients, exchange: Exchange, said: dict[str, Any], field: str
) -> None:
    answer = post(client_of("engineer"), {"exchange": str(exchange.pk), **said})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"].get("field", "") == field and answer.json()["error"]["message"]
    assert not Signal.objects.exists()


def test_give__taking_all_back__is_refused_and_stays(give: Give) -> None:
    signal = give(thumbs="up")
    with pytest.raises(Problem):
        give(thumbs=None)
    signal.refresh_from_db()
    assert signal.thumbs == "up"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 400),
        ("", 400),
        ("x", 400),
        (7, 400),
        ([], 400),
        ("00000000-0000-4000-8000-000000000000", 404),
        ("missing", 400),
    ],
    ids=str,
)
def test_give__unknown_exchange__is_told_clearly(client_of: Clients, cast: Cast, given: Any, status: int) -> None:
    body = {"thumbs": "up"} if given == "missing" else {"exchange": given, "thumbs": "up"}
    answer = post(client_of("engineer"), body)
    assert answer.status_code == status
    assert answer.json()["error"]["field"] == "exchange"


@pytest.mark.parametrize("body", [[], "text", 7])
def test_give__no_object__is_400(client_of: Clients, cast: Cast, body: Any) -> None:
    assert post(client_of("engineer"), body).status_code == 400


def test_give__by_a_stranger__finds_no_such_answer(client_of: Clients, exchange: Exchange) -> None:
    assert post(client_of("stranger"), {"exchange": str(exchange.pk), "thumbs": "up"}).status_code == 404
    assert not Signal.objects.exists()


@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", 201), ("engineer", 201), ("curator", 201), ("annotator", 403), ("approver", 403), ("viewer", 403)],
)
def test_give__each_role__may_or_may_not(client_of: Clients, exchange: Exchange, role: str, status: int) -> None:
    assert post(client_of(role), {"exchange": str(exchange.pk), "thumbs": "up"}).status_code == status


def test_give__key_for_feedback_alone__is_enough_and_sees_no_list(client_of: Clients, exchange: Exchange) -> None:
    client = client_of("engineer", capabilities=["feedback.give"])
    assert post(client, {"exchange": str(exchange.pk), "thumbs": "up"}).status_code == 201
    assert client.get("/api/v1/feedback/").status_code == 403


def test_give__same_idempotency_key__is_given_once(client_of: Clients, exchange: Exchange) -> None:
    client, body = client_of("engineer"), {"exchange": str(exchange.pk), "thumbs": "up"}
    first = post(client, body, **{"Idempotency-Key": "k1"})
    again = post(client, body, **{"Idempotency-Key": "k1"})
    assert first.status_code == again.status_code == 201 and first.json() == again.json()


def test_tally__score_goes_before_thumbs__and_is_between_0_and_1(give: Give, in_arm: Exchange, tally: Tally) -> None:
    give(in_arm, thumbs="up", score=2)
    assert tally == {in_arm.arm_id: [(0.4, None)]}


def test_tally__changed_feedback__hands_the_difference(give: Give, in_arm: Exchange, tally: Tally) -> None:
    give(in_arm, thumbs="up")
    give(in_arm, comment="yes")  # worth the same: not told again
    give(in_arm, thumbs="down")
    give(in_arm, thumbs="")
    give(in_arm, user="another", score=5)
    assert tally[in_arm.arm_id] == [(1.0, None), (0.0, 1.0), (None, 0.0), (1.0, None)]


def test_tally__no_arm_or_no_worth__hears_nothing(
    give: Give, exchange: Exchange, in_arm: Exchange, tally: Tally
) -> None:
    give(exchange, thumbs="up")
    give(in_arm, correction="By train.")
    assert tally == {}


def test_give__after_it_was_dismissed__is_new_again(cast: Cast, give: Give) -> None:
    signal = give(thumbs="up")
    services.dismiss(actor=cast.curator, signals=[signal])
    assert give(thumbs="down").status == Status.NEW


def test_give__correction_after_it_was_sent__is_a_conflict_but_thumbs_may_change(cast: Cast, give: Give) -> None:
    signal = give(correction="By train.")
    services.send_to_labeling(actor=cast.curator, signals=[signal])
    with pytest.raises(Conflict):
        give(correction="By ship.")
    assert give(thumbs="down", correction="By train.").thumbs == "down"


def test_list__narrowed__shows_what_fits(client_of: Clients, give: Give, in_arm: Exchange, tally: Tally) -> None:
    give(thumbs="down", comment="too short")
    give(in_arm, thumbs="up")
    client = client_of("viewer")

    def found(query: str) -> list[str]:
        return [row["thumbs"] for row in client.get(f"/api/v1/feedback/?{query}").json()["results"]]

    assert sorted(found("")) == ["down", "up"]
    assert found("thumbs=up") == found("arm=answers/b") == ["up"]
    assert found("q=TOO+short") == found("arm=-") == ["down"]
    assert found("status=sent") == []
    assert client.get("/api/v1/feedback/?status=odd").status_code == 400


def test_list__by_a_stranger__is_their_own(client_of: Clients, cast: Cast, give: Give) -> None:
    signal = give(thumbs="up")
    theirs = make_exchange(make_deployment(cast, cast.other_workspace, "theirs"))
    services.give_feedback(actor=cast.stranger, exchange=theirs, said={"thumbs": "up"})
    stranger = client_of("stranger")
    assert [row["exchange"] for row in stranger.get("/api/v1/feedback/").json()["results"]] == [str(theirs.pk)]
    assert stranger.get(f"/api/v1/feedback/{signal.pk}/").status_code == 404
    assert stranger.get("/api/v1/feedback/x/").status_code == 404
