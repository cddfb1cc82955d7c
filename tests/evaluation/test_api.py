"""Doors for programs: reports, rounds, ratings, exports; what is refused, and how."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.sheets import safe
from apps.evaluation import rating, services
from apps.evaluation.models import MetricReport, Rating, Round
from apps.jobs.models import Job
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.evaluation.conftest import agreeing, answers_file, finish, job_of, opened, post, rate_all

ClientOf = Callable[[Any], Client]


@pytest.fixture
def engineer(client_of: ClientOf) -> Client:
    return client_of("engineer")


@pytest.fixture
def rater(client_of: ClientOf, raters: list[User]) -> Client:
    return client_of(raters[0])


def first_item(round: Round) -> str:
    return str(round.items.all()[0].pk)


def test_round__by_api_alone__from_draft_to_verdict(
    engineer: Client, client_of: ClientOf, checkpoints: list[Checkpoint], raters: list[User]
) -> None:
    body = {
        "name": "by api", "checkpoints": [str(one.pk) for one in checkpoints], "raters": [person.email for person in raters],
        "sample_size": 6, "statistic": "krippendorff_ordinal", "threshold": 0.5, "rule": "mean",
    }  # fmt: skip
    made = post(engineer, "/api/v1/rounds/", body)
    assert made.status_code == 201, made.content
    address = f"/api/v1/rounds/{made.json()['id']}/"
    changed = engineer.patch(address, {"threshold": 0.55}, content_type="application/json").json()
    assert (changed["threshold"], changed["split"], changed["sample_size"]) == (0.55, "held-out", 6)
    assert post(engineer, f"{address}open/").json()["status"] == "preparing"
    round = Round.objects.get()
    finish(job_of(round), answers_file(job_of(round)))
    for person in raters:
        client = client_of(person)
        for place, item in enumerate(
            sorted(client.get(f"{address}items/").json()["results"], key=lambda one: str(one["id"]))
        ):
            sent = post(
                client, f"{address}ratings/", {"item": item["id"], "scores": dict.fromkeys(round.criteria, place % 6)}
            )
            assert sent.status_code == 200 and sent.json()["is_complete"]
    closed = post(engineer, f"{address}close/").json()
    assert (closed["status"], closed["outcome"]) == ("closed", "passed")
    assert engineer.get(f"{address}agreement/").json()["agreement"]["fluency"]["fleiss"]["value"] == 1.0
    assert post(engineer, f"{address}next/").json()["previous"] == str(round.pk)


def test_report__by_api__starts_once_for_one_key(engineer: Client, checkpoints: list[Checkpoint]) -> None:
    body = {"checkpoint": str(checkpoints[1].pk), "max_rows": 20}
    headers = {"Idempotency-Key": "once"}
    first = engineer.post("/api/v1/metric-reports/", body, content_type="application/json", headers=headers)
    again = engineer.post("/api/v1/metric-reports/", body, content_type="application/json", headers=headers)
    assert (first.status_code, first.json()["split"], first.json()["status"]) == (201, "held-out", "queued")
    assert again.json()["id"] == first.json()["id"]
    assert MetricReport.objects.count() == 1
    listed = engineer.get(f"/api/v1/metric-reports/?checkpoint={checkpoints[1].pk}").json()["results"]
    assert [row["id"] for row in listed] == [first.json()["id"]]


def test_report__finished__has_figures_and_rows(engineer: Client, finished_report: MetricReport) -> None:
    shown = engineer.get(f"/api/v1/metric-reports/{finished_report.pk}/").json()
    assert shown["metrics"]["difference"]["loss"]["value"] == -0.5
    rows = engineer.get(f"/api/v1/metric-reports/{finished_report.pk}/rows/").json()["results"]
    assert [row["row_id"] for row in rows] == ["r0", "r1"]
    [verdict] = services.verdicts_of(finished_report.checkpoint)
    assert (verdict.kind, verdict.state) == ("metrics", "passed")


def test_report__that_waits_or_failed__is_a_pending_or_undefined_verdict(report: MetricReport) -> None:
    assert [verdict.state for verdict in services.verdicts_of(report.checkpoint)] == ["pending"]
    Job.objects.filter(pk=report.job_id).update(status="failed")
    assert [verdict.state for verdict in services.verdicts_of(report.checkpoint)] == ["undefined"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max_rows": 0}, "max_rows"),
        ({"max_rows": 10**9}, "max_rows"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"split": "train"}, "split"),
        ({"split": "test"}, "split"),
        ({"dataset_version": "x"}, "dataset_version"),
        ({"checkpoint": "00000000-0000-0000-0000-000000000000"}, "checkpoint"),
        ({"seed": 2**40}, "seed"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_report__bad_input__names_its_field(
    engineer: Client, checkpoints: list[Checkpoint], body: Any, field: str
) -> None:
    answer = post(engineer, "/api/v1/metric-reports/", {"checkpoint": str(checkpoints[0].pk), **body})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert not MetricReport.objects.exists()


def test_report__checkpoint_whose_files_are_gone__is_refused(engineer: Client, checkpoints: list[Checkpoint]) -> None:
    Checkpoint.objects.filter(pk=checkpoints[0].pk).update(is_removed=True)
    answer = post(engineer, "/api/v1/metric-reports/", {"checkpoint": str(checkpoints[0].pk)})
    assert answer.status_code == 400 and "gone" in answer.json()["error"]["message"]


SCORES = {"relevance": 3}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scores": {"relevance": 6}}, "scores.relevance"),
        ({"scores": {"relevance": -1}}, "scores.relevance"),
        ({"scores": {"relevance": 2.5}}, "scores.relevance"),
        ({"scores": {"relevance": "3"}}, "scores.relevance"),
        ({"scores": {"relevance": True}}, "scores.relevance"),
        ({"scores": {"style": 3}}, "scores.style"),
        ({"scores": [3]}, "scores"),
        ({"item": "no-id", "scores": SCORES}, "item"),
        ({"item": "00000000-0000-0000-0000-000000000000", "scores": SCORES}, "item"),
        ({"note": "x" * 4001}, "note"),
        ({"item": None}, "item"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_rating__bad_input__names_its_field_and_keeps_nothing(
    open_round: Round, rater: Client, body: Any, field: str
) -> None:
    answer = post(rater, f"/api/v1/rounds/{open_round.pk}/ratings/", {"item": first_item(open_round), **body})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert not Rating.objects.exclude(scores={}).exists()


def test_rating__item_of_another_round__is_refused(
    cast: Cast, make_draft: Any, open_round: Round, rater: Client
) -> None:
    other = opened(make_draft(), cast.engineer)
    answer = post(rater, f"/api/v1/rounds/{open_round.pk}/ratings/", {"item": first_item(other), "scores": SCORES})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "not_found")


@pytest.mark.parametrize(("who", "code"), [("owner", 403), ("engineer", 403), ("viewer", 403), ("stranger", 404)])
def test_rating__by_who_is_no_rater__is_refused(open_round: Round, client_of: ClientOf, who: str, code: int) -> None:
    answer = post(
        client_of(who), f"/api/v1/rounds/{open_round.pk}/ratings/", {"item": first_item(open_round), "scores": SCORES}
    )
    assert answer.status_code == code
    assert not Rating.objects.exists()


def test_rating__of_a_closed_round__is_refused(closed_round: Round, rater: Client) -> None:
    body = {"item": first_item(closed_round), "scores": SCORES}
    answer = post(rater, f"/api/v1/rounds/{closed_round.pk}/ratings/", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "round_not_open")


def test_rating__sent_twice_and_in_parts__is_one_rating(open_round: Round, rater: Client) -> None:
    address, item = f"/api/v1/rounds/{open_round.pk}/ratings/", first_item(open_round)
    for scores in ({"relevance": 3}, {"relevance": 3}, {"fluency": 4}, {"relevance": 2}):
        assert post(rater, address, {"item": item, "scores": scores}).status_code == 200
    row = Rating.objects.get()
    assert (row.scores, row.is_complete) == ({"relevance": 2, "fluency": 4}, False)
    assert post(rater, address, {"item": item, "scores": {"accuracy": 0}}).json()["is_complete"]
    assert not post(rater, address, {"item": item, "scores": {"fluency": None}}).json()["is_complete"]
    assert post(rater, address, {"item": item, "cannot_judge": True}).json()["scores"] == {}
    scored = post(rater, address, {"item": item, "scores": {"relevance": 1}, "note": "hm"}).json()
    assert (scored["scores"], scored["cannot_judge"], scored["note"]) == ({"relevance": 1}, False, "hm")


def test_rating__own_ones__are_read_back_alone(open_round: Round, raters: list[User], client_of: ClientOf) -> None:
    rate_all(open_round, raters[:2], agreeing)
    rows = client_of(raters[0]).get(f"/api/v1/rounds/{open_round.pk}/ratings/").json()["results"]
    assert {row["rater"] for row in rows} == {"Anton"} and len(rows) == 12
    items = client_of(raters[0]).get(f"/api/v1/rounds/{open_round.pk}/items/").json()["results"]
    assert all(item["is_complete"] for item in items)


@pytest.mark.parametrize("verb", ["open", "close", "cancel", "next"])
@pytest.mark.parametrize(("who", "code"), [("viewer", 403), ("curator", 403), ("stranger", 404)])
def test_round__verbs_by_who_may_not__are_refused(
    draft: Round, client_of: ClientOf, who: str, code: int, verb: str
) -> None:
    assert post(client_of(who), f"/api/v1/rounds/{draft.pk}/{verb}/").status_code == code
    draft.refresh_from_db()
    assert draft.status == "draft"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"raters": ["stefan@example.com", "anton@example.com"]}, "raters"),
        ({"raters": ["anton@example.com"]}, "raters"),
        ({"checkpoints": []}, "checkpoints"),
        ({"threshold": 2}, "threshold"),
        ({"rubric": "all"}, "rubric"),
        ({"sample_size": 100000}, "sample_size"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_round__bad_change__names_its_field(engineer: Client, draft: Round, change: Any, field: str) -> None:
    answer = engineer.patch(f"/api/v1/rounds/{draft.pk}/", change, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_round__steps_in_the_wrong_order__are_conflicts(
    engineer: Client, make_draft: Callable[..., Round], closed_round: Round
) -> None:
    draft = make_draft()
    for verb in ("close", "next"):
        assert post(engineer, f"/api/v1/rounds/{draft.pk}/{verb}/").status_code == 409
    for verb in ("open", "close", "cancel"):
        assert post(engineer, f"/api/v1/rounds/{closed_round.pk}/{verb}/").status_code == 409
    change = engineer.patch(f"/api/v1/rounds/{closed_round.pk}/", {"threshold": 0.1}, content_type="application/json")
    assert change.status_code == 409


def test_round__of_another_workspaces_checkpoint__is_not_found(
    client_of: ClientOf, checkpoints: list[Checkpoint]
) -> None:
    body = {"name": "x", "checkpoints": [str(checkpoints[0].pk)], "raters": ["a@example.com", "b@example.com"]}
    answer = post(client_of("stranger"), "/api/v1/rounds/", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "not_found")
    assert client_of("stranger").get("/api/v1/rounds/").json()["results"] == []


def test_export__of_a_closed_round__has_every_rating_and_no_formula(
    cast: Cast, open_round: Round, raters: list[User], client_of: ClientOf
) -> None:
    rate_all(open_round, raters, agreeing)
    item = first_item(open_round)
    rating.record_rating(actor=raters[0], round=open_round, item=item, note='=HYPERLINK("http://x","y")')
    services.close_round(actor=cast.engineer, round=open_round)
    answer: Any = client_of("viewer").get(f"/api/v1/rounds/{open_round.pk}/export/?as=csv")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert len(rows) == 36
    assert {row["checkpoint"] for row in rows} == {"run-1 step 10", "run-1 step 20"}
    assert [row["note"] for row in rows if row["note"]] == ['\'=HYPERLINK("http://x","y")']
    assert all(row["relevance"] in "012345" for row in rows)
    evidence = client_of("viewer").get(f"/api/v1/rounds/{open_round.pk}/export/").json()
    assert (len(evidence["ratings"]), len(evidence["items"]), evidence["round"]["outcome"]) == (36, 12, "passed")
    assert client_of("viewer").get(f"/api/v1/rounds/{open_round.pk}/export/?as=xlsx").status_code == 400


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_csv__text_that_a_spreadsheet_would_run__is_quoted(text: str) -> None:
    assert safe(text) == f"'{text}"


def test_csv__ordinary_text__stays_as_it_is() -> None:
    assert safe("It costs 3 - 4 EUR") == "It costs 3 - 4 EUR"
