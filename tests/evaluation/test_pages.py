"""Pages as people meet them, through all parts of a round's life."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.datasets.models import DatasetVersion
from apps.evaluation import services
from apps.evaluation.models import MetricReport, Round
from apps.jobs.models import Job, Status
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.evaluation.conftest import disagreeing, job_of, opened, rate_all

Browser = Callable[[User], Client]


@pytest.fixture
def page(cast: Cast, browser_of: Browser) -> Client:
    return browser_of(cast.engineer)


def text(client: Client, address: str, code: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == code, answer.content[-2000:]
    return str(answer.content.decode())


def draft_values(draft: Round, **changes: Any) -> dict[str, Any]:
    first, second = draft.entrants.all()
    given = {
        "name": draft.name, "first": first.checkpoint_id, "second": second.checkpoint_id, "dataset_version": draft.dataset_version_id,
        "split": draft.split, "sample_size": 6, "max_tokens": 100, "raters": [rater.user_id for rater in draft.raters.all()],
        "statistic": draft.statistic, "threshold": 0.6, "rule": "all",
    }  # fmt: skip
    return {**given, **changes}


def test_list__nothing_yet__teaches(page: Client) -> None:
    shown = text(page, "/evaluate/")
    assert "No human round yet" in shown and "/evaluate/rounds/new/" in shown


def test_list__of_a_rater__has_the_rounds_to_rate(
    cast: Cast, browser_of: Browser, open_round: Round, finished_report: MetricReport
) -> None:
    shown = text(browser_of(cast.annotator), "/evaluate/")
    assert f"/evaluate/rounds/{open_round.pk}/rate/" in shown
    assert "secret-sauce" not in shown and "/evaluate/new/" not in shown
    assert "secret-sauce" in text(browser_of(cast.viewer), "/evaluate/reports/")


def test_new_report__from_a_checkpoint__starts_one(page: Client, checkpoints: list[Checkpoint]) -> None:
    shown = text(page, f"/evaluate/new/?checkpoint={checkpoints[1].pk}")
    assert f'<option value="{checkpoints[1].pk}" selected' in shown
    answer = page.post("/evaluate/new/", {"checkpoint": checkpoints[1].pk, "max_rows": 10, "max_tokens": 20})
    report = MetricReport.objects.get()
    assert answer["Location"] == report.get_absolute_url()
    assert "Waiting for a free slot" in text(page, report.get_absolute_url())
    page.post(f"{report.get_absolute_url()}cancel/")
    report.job.refresh_from_db()
    assert report.job.status == Status.CANCELLED


def test_new_report__without_rows_of_the_split__says_so_beside_the_field(
    page: Client, checkpoints: list[Checkpoint]
) -> None:
    values = {"checkpoint": checkpoints[1].pk, "max_rows": 10, "max_tokens": 20, "split": "test"}
    answer = page.post("/evaluate/new/", values)
    assert answer.status_code == 400
    assert "has no rows of that kind" in answer.content.decode()


def test_run_page__checkpoint__leads_to_its_evaluation(page: Client, checkpoints: list[Checkpoint]) -> None:
    assert f"/evaluate/new/?checkpoint={checkpoints[1].pk}" in text(page, checkpoints[1].run.get_absolute_url())


def test_report__finished__shows_figures_intervals_and_answers(page: Client, finished_report: MetricReport) -> None:
    shown = text(page, finished_report.get_absolute_url())
    for words in ("1.500", "[1.200, 1.800]", "-0.500", "n = 2 rows", "On its way now.", "ROUGE-L 0.50"):
        assert words in shown
    listed = text(page, "/evaluate/reports/")
    assert "1.500" in listed


def test_new_round__then_draft__then_opened(
    page: Client, checkpoints: list[Checkpoint], version: DatasetVersion, raters: list[User]
) -> None:
    assert "Checkpoint A" in text(page, f"/evaluate/rounds/new/?checkpoint={checkpoints[0].pk}")
    values = {
        "name": "one", "first": checkpoints[0].pk, "second": "", "dataset_version": "", "split": "", "sample_size": 5,
        "max_tokens": 50, "raters": [person.pk for person in raters], "statistic": "fleiss", "threshold": 0.5, "rule": "mean",
    }  # fmt: skip
    answer = page.post("/evaluate/rounds/new/", values)
    round = Round.objects.get()
    assert answer["Location"] == round.get_absolute_url()
    assert (round.statistic, round.threshold, round.rule, round.split) == ("fleiss", 0.5, "mean", "held-out")
    shown = text(page, round.get_absolute_url())
    assert "Fix all this and open the round" in shown and "Reads as if a careful colleague" in shown
    changed = {**values, "second": checkpoints[1].pk, "relevance.5": "All of it.", "open": "1"}
    assert page.post(round.get_absolute_url(), changed).status_code == 302
    round.refresh_from_db()
    assert (round.status, round.entrants.count()) == ("preparing", 2)
    assert round.rubric[0]["anchors"][5] == "All of it."
    assert "The answers are being made" in text(page, round.get_absolute_url())


def test_draft__bad_value__is_shown_beside_its_field_and_kept(page: Client, draft: Round) -> None:
    answer = page.post(draft.get_absolute_url(), draft_values(draft, **{"relevance.3": " "}))
    assert answer.status_code == 400
    assert "Write 1 to 300 characters" in answer.content.decode()
    answer = page.post(draft.get_absolute_url(), draft_values(draft, raters=[]))
    assert answer.status_code == 400
    draft.refresh_from_db()
    assert draft.raters.count() == 3


def test_round__answers_failed__can_be_made_again_or_taken_back(page: Client, cast: Cast, draft: Round) -> None:
    services.open_round(actor=cast.engineer, round=draft)
    Job.objects.filter(pk=job_of(draft).pk).update(status=Status.FAILED, failure_message="No memory.")
    shown = text(page, draft.get_absolute_url())
    assert "No memory." in shown and "Try again" in shown
    page.post(f"{draft.get_absolute_url()}prepare/")
    draft.refresh_from_db()
    assert job_of(draft).status == Status.QUEUED
    page.post(f"{draft.get_absolute_url()}draft/")
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_round__being_rated__shows_counts_to_managers(page: Client, open_round: Round, raters: list[User]) -> None:
    rate_all(open_round, raters[:1], disagreeing)
    shown = text(page, open_round.get_absolute_url())
    assert "12 of 36 ratings" in shown and "12 / 12" in shown and "0 / 12" in shown
    assert "Close early" in shown
    part = page.get(open_round.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert "12 / 12" in part and "<html" not in part


def test_round__closed__shows_verdict_figures_and_disagreements(
    page: Client, cast: Cast, open_round: Round, raters: list[User]
) -> None:
    rate_all(open_round, raters, disagreeing)
    answer = page.post(f"{open_round.get_absolute_url()}close/")
    assert answer.status_code == 302
    shown = text(page, open_round.get_absolute_url())
    for words in (
        "do not agree enough",
        "Krippendorff",
        "Read these together",
        "Pairs of raters",
        "run-1 step",
    ):
        assert words in shown
    answer = page.post(f"{open_round.get_absolute_url()}next/")
    assert "Follows" in text(page, answer["Location"])


def test_round__closed_and_undefined__says_why(page: Client, cast: Cast, open_round: Round, raters: list[User]) -> None:
    rate_all(open_round, raters, lambda *_place: 3)
    services.close_round(actor=cast.engineer, round=open_round)
    shown = text(page, open_round.get_absolute_url())
    assert "Undefined, so nothing is decided" in shown and "no variation" in shown


def test_rounds__linked__are_told_of_on_the_last(
    page: Client, cast: Cast, closed_round: Round, raters: list[User]
) -> None:
    follower = opened(services.next_round(actor=cast.engineer, round=closed_round), cast.engineer)
    rate_all(follower, raters, disagreeing)
    services.close_round(actor=cast.engineer, round=follower)
    shown = text(page, follower.get_absolute_url())
    assert 'id="chart-rounds"' in shown and closed_round.get_absolute_url() in shown
    assert follower.get_absolute_url() in text(page, closed_round.get_absolute_url())


def test_rate__own_screen__has_every_item_once(browser_of: Browser, open_round: Round, raters: list[User]) -> None:
    shown = text(browser_of(raters[0]), f"{open_round.get_absolute_url()}rate/")
    assert all(str(pk) in shown for pk in open_round.items.values_list("pk", flat=True))
    assert "rate.js" in shown


def test_rate__closed_round__leads_to_its_page(browser_of: Browser, closed_round: Round, raters: list[User]) -> None:
    answer = browser_of(raters[0]).get(f"{closed_round.get_absolute_url()}rate/")
    assert answer["Location"] == closed_round.get_absolute_url()
    assert "agree well enough" in text(browser_of(raters[0]), closed_round.get_absolute_url())


def test_cancelled__round__shows_no_ratings(page: Client, cast: Cast, open_round: Round, raters: list[User]) -> None:
    rate_all(open_round, raters, disagreeing)
    page.post(reverse("evaluation:round-cancel", args=[open_round.pk]))
    assert "Ended without a verdict" in text(page, open_round.get_absolute_url())
    assert page.get(f"{open_round.get_absolute_url()}export.csv").status_code == 409
