"""Home, the meter and the palette."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.core import ledger
from apps.overview import events
from apps.overview.search import find
from tests.cast import Cast
from tests.make import make_version

Browser = Callable[[User], Client]


def labels(user: User, cast: Cast, text: str) -> list[str]:
    return [item["label"] for group in find(user, cast.workspace, text) for item in group["items"]]


def test_home__empty_workspace__teaches_the_first_steps(cast: Cast, browser_of: Browser) -> None:
    page = browser_of(cast.owner).get("/").content.decode()
    assert "Three steps" in page and "Try the sample data" in page


def test_home__viewer__is_offered_nothing_they_may_not_do(cast: Cast, browser_of: Browser) -> None:
    page = browser_of(cast.viewer).get("/").content.decode()
    assert "Three steps" in page and "Upload data" not in page and "Launch a fine-tune</a>" not in page


@pytest.mark.parametrize(("part", "status"), [("now", 200), ("recent", 200), ("badge", 200), ("head", 404)])
def test_home__its_parts__are_served_alone(cast: Cast, browser_of: Browser, part: str, status: int) -> None:
    answer = browser_of(cast.owner).get(f"/?part={part}")
    assert answer.status_code == status
    assert status == 404 or b"<html" not in answer.content


def test_meter__alone__is_one_link(cast: Cast, browser_of: Browser) -> None:
    page = browser_of(cast.viewer).get("/meter/").content.decode().strip()
    assert page.startswith('<a class="jobs-meter"') and page.endswith("</a>")


def test_search__by_a_stranger__finds_nothing_of_ours(cast: Cast, browser_of: Browser) -> None:
    make_version(cast.workspace, name="secret-orders")
    assert "secret-orders" in labels(cast.viewer, cast, "secret")
    found = browser_of(cast.stranger).get("/search/?q=secret").json()
    assert found == {"groups": []}


def test_search__actions__are_those_the_role_allows(cast: Cast) -> None:
    assert "Launch a fine-tune" in labels(cast.engineer, cast, "launch")
    assert "Launch a fine-tune" not in labels(cast.viewer, cast, "launch")
    assert "Switch between light and dark" in labels(cast.annotator, cast, "DARK")


@pytest.mark.parametrize("text", ["run-", "run-99999999999999999999", "٣", "%", "'", "x" * 400])
def test_search__odd_words__is_an_answer(cast: Cast, browser_of: Browser, text: str) -> None:
    assert browser_of(cast.owner).get("/search/", {"q": text}).status_code == 200


def test_events__of_people__are_told_in_words_with_links_that_lead_somewhere(cast: Cast, browser_of: Browser) -> None:
    version = make_version(cast.workspace, actor=cast.owner)
    accounts.issue_api_key(actor=cast.engineer, workspace=cast.workspace, name="nightly")
    ledger.write(row=version, verb="job.running", actor="supervisor")
    told = events.latest(cast.workspace, 10)
    assert [str(event.verb) for event in told][:1] == ["made the API key"]
    assert {event.who for event in told} == {"Emil", "Olga"}
    client = browser_of(cast.owner)
    urls = [event.url for event in told if event.url]
    assert urls and all(client.get(url).status_code == 200 for url in urls)


def test_events__of_another_workspace__stay_there(cast: Cast) -> None:
    make_version(cast.workspace, actor=cast.owner)
    assert events.latest(cast.other_workspace, 10) == []


@pytest.mark.parametrize("role", ["owner", "engineer", "curator", "annotator", "approver", "viewer"])
def test_rail__every_place_that_is_shown__lets_the_person_in(cast: Cast, browser_of: Browser, role: str) -> None:
    client = browser_of(cast.by_role(role))
    places = [entry["url"] for entry in client.get("/").context["nav"]]
    assert {url: client.get(url).status_code for url in places} == dict.fromkeys(places, 200)
    assert ("/datasets/" in places) is (role != "annotator") and "/label/" in places
