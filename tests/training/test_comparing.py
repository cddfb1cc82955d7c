"""Runs side by side: what differs, what came of them, kept ways of looking."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.jobs.models import Job
from apps.training.comparing import differing, outcomes
from apps.training.models import Run, RunView
from tests.training.conftest import claim, tell

pytestmark = pytest.mark.django_db
Launch = Callable[..., Run]
Clients = Callable[[str], Client]


@pytest.fixture
def pair(launch: Launch) -> list[Run]:
    """One that runs and has told something, one that waits, with another learning rate."""
    first, second = launch(), launch(name="second", recipe={"max_steps": 20, "learning_rate": 1e-3})
    claim("gpu")
    first.job.refresh_from_db()
    values = [
        ("loss", 1, 3.0),
        ("loss", 2, 2.0),
        ("eval_loss", 1, 1.5),
        ("eval_loss", 2, 1.75),
        ("memory_mb", 2, 900.0),
    ]
    tell(first.job, *({"type": "metric", "name": name, "step": step, "value": value} for name, step, value in values))
    return [first, second]


def ids(runs: list[Run]) -> str:
    return ",".join(str(run.pk) for run in runs)


def test_settings__of_two_recipes__tell_what_differs() -> None:
    found = differing.settings_of([{"lora_r": 8}, {"lora_r": 16, "gone": 1}])
    different = {one.name: one.values for one in found if one.differs}
    assert different == {"lora_r": (8, 16), "gone": (None, 1)}
    assert differing.shown(2e-4) == "0.0002" and differing.shown(("a", "b")) == "a, b"


def test_outcomes__of_a_run_that_goes_on__tell_best_and_last(pair: list[Run]) -> None:
    first, second = outcomes.outcomes(pair)
    told = ("best_eval_loss", "last_eval_loss", "last_loss", "peak_memory_mb", "steps")
    assert [first[name] for name in told] == [1.5, 1.75, 2.0, 900.0, 2]
    assert second["last_loss"] is None and second["duration_s"] is None
    assert set(first) == {"run", "name", "code", *outcomes.NAMES}


def test_api__two_runs__are_compared(pair: list[Run], engineer: Client) -> None:
    answer = engineer.get(f"/api/v1/runs/compare/?runs={ids(pair)}").json()
    assert [row["name"] for row in answer["outcomes"]] == ["first", "second"]
    assert [one["name"] for one in answer["settings"] if one["differs"]] == ["learning_rate"]
    assert answer["data"][0]["rows"] == 30 and answer["data"][1]["changes"] is None


@pytest.mark.parametrize("runs", ["", "x,y", "00000000-0000-0000-0000-000000000000"])
def test_api__no_runs__are_refused_with_the_way_out(runs: str, engineer: Client) -> None:
    answer = engineer.get(f"/api/v1/runs/compare/?runs={runs}")
    assert answer.status_code == 400 and answer.json()["error"]["field"] == "runs"
    assert "2 to 8" in answer.json()["error"]["hint"]


def test_stranger__compares__nothing(pair: list[Run], client_of: Clients) -> None:
    stranger = client_of("stranger")
    assert stranger.get(f"/api/v1/runs/compare/?runs={ids(pair)}").status_code == 404


def test_page__two_runs__shows_what_differs_and_links(pair: list[Run], page: Client) -> None:
    text = page.get(f"/train/compare/?runs={ids(pair)}").content.decode()
    assert "Learning rate" in text and "0.001" in text and pair[0].get_absolute_url() in text
    assert page.get("/train/").content.decode().count('name="runs"') == 2


def test_downloads__as_csv__hold_outcomes_and_points(pair: list[Run], page: Client) -> None:
    table = b"".join(page.get(f"/train/compare/table.csv?runs={ids(pair)}")).decode()
    assert "recipe.learning_rate" in table.splitlines()[0] and len(table.splitlines()) == 3


# ---- saved views


def saved(client: Client, **values: Any) -> Any:
    return client.post("/api/v1/run-views/", values, content_type="application/json")


def test_view__saved__opens_its_runs(pair: list[Run], engineer: Client, page: Client) -> None:
    answer = saved(engineer, name="mine", runs=[str(run.pk) for run in pair], columns=["steps"], axis="tokens")
    assert answer.status_code == 201, answer.content
    assert page.get(answer.json()["url"]).status_code == 200
    again = saved(engineer, name="mine", filter={"q": "second"})
    assert again.status_code == 409 and again.json()["error"]["field"] == "name"


def test_view__by_a_filter__finds_newer_runs(pair: list[Run], engineer: Client, page: Client, launch: Launch) -> None:
    url = saved(engineer, name="waiting", filter={"status": "queued"}).json()["url"]
    assert page.get(url).status_code == 400  # one run alone
    launch(name="third")
    assert "third" in page.get(url).content.decode()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "runs"),
        ({"filter": {"status": "no"}}, "status"),
        ({"filter": {"no": "x"}}, "filter"),
        ({"filter": {"q": "x"}, "columns": ["no"]}, "columns"),
        ({"filter": {"q": "x"}, "axis": "no"}, "axis"),
    ],
)
def test_view__wrong__is_refused_with_its_field(values: dict[str, Any], field: str, engineer: Client) -> None:
    answer = saved(engineer, name="v", **values)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field


def test_view__deleted__by_who_saved_it_alone(pair: list[Run], client_of: Clients) -> None:
    pk = saved(client_of("engineer"), name="v", filter={"q": "x"}).json()["id"]
    assert client_of("viewer").delete(f"/api/v1/run-views/{pk}/").status_code == 409
    assert client_of("engineer").delete(f"/api/v1/run-views/{pk}/").status_code == 204
    assert not RunView.objects.exists() and Job.objects.count() == 2
