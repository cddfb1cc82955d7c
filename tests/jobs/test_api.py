"""The doors to jobs: who gets what, and how a page reads on."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Workspace
from apps.accounts.roles import Role
from apps.jobs import protocol
from apps.jobs.models import Job
from tests.cast import Cast
from tests.jobs.said import curve, log
from tests.make import make_job

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., APIClient]
SEE, END = {"owner", "engineer", "curator", "approver", "viewer"}, {"owner", "engineer", "curator"}
READS = ["", "metrics/", "logs/", "metrics/?thin=100"]
WRITES = ["cancel/", "stop/"]


@pytest.fixture
def api(cast: Cast, api_of: ClientOf) -> APIClient:
    return api_of(cast.owner, cast.workspace)


@pytest.mark.parametrize("role", Role.values)
def test_doors__each_role__may_what_its_line_says(job: Job, cast: Cast, api_of: ClientOf, role: str) -> None:
    client = api_of(cast.by_role(role), cast.workspace)
    for door in READS:
        assert client.get(f"/api/v1/jobs/{job.pk}/{door}").status_code == (200 if role in SEE else 404), door
    assert len(client.get("/api/v1/jobs/").json()["results"]) == (1 if role in SEE else 0)
    answer = client.post(f"/api/v1/jobs/{job.pk}/cancel/")
    assert answer.status_code == (200 if role in END else 403 if role in SEE else 404)


def test_doors__stranger__are_404_as_for_a_job_that_does_not_exist(job: Job, cast: Cast, api_of: ClientOf) -> None:
    client = api_of(cast.stranger, cast.other_workspace)
    nowhere = "00000000-0000-0000-0000-000000000000"
    for door in READS:
        answers = [client.get(f"/api/v1/jobs/{pk}/{door}") for pk in (job.pk, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    for door in WRITES:
        assert client.post(f"/api/v1/jobs/{job.pk}/{door}").status_code == 404
    assert client.get("/api/v1/jobs/").json() == {"results": [], "next": None}
    job.refresh_from_db()
    assert job.status == "queued"


@pytest.mark.parametrize("pk", ["x", "1", "%00", "..%2f..", "0" * 300])
def test_doors__what_is_no_id__is_404(api: APIClient, pk: str) -> None:
    assert api.get(f"/api/v1/jobs/{pk}/").status_code == 404


def test_list__more_than_a_page__reads_on_newest_first(api: APIClient, workspace: Workspace) -> None:
    made = [str(make_job(workspace, title=str(n)).pk) for n in range(7)]
    seen: list[str] = []
    address = "/api/v1/jobs/?limit=3"
    while address:
        answer = api.get(address).json()
        assert len(answer["results"]) <= 3
        seen += [row["id"] for row in answer["results"]]
        address = answer["next"]
    assert seen == made[::-1]


def test_list__any_length__takes_the_same_queries(
    api: APIClient, workspace: Workspace, django_assert_max_num_queries: object
) -> None:
    for _number in range(12):
        make_job(workspace)
    api.get("/api/v1/jobs/")
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert len(api.get("/api/v1/jobs/").json()["results"]) == 12


def test_list__by_status__filters_and_refuses_what_is_none(api: APIClient, job: Job) -> None:
    assert len(api.get("/api/v1/jobs/?status=queued").json()["results"]) == 1
    assert api.get("/api/v1/jobs/?status=failed").json()["results"] == []
    answer = api.get("/api/v1/jobs/?status=lost")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "status")
    assert "cancelling" in answer.json()["error"]["hint"]


def test_detail__running__has_progress_and_attempts_and_no_inputs(api: APIClient, running: Job) -> None:
    Job.objects.update(progress={"done": 1, "total": 3, "unit": "steps"}, inputs={"path": "/secret"})
    answer = api.get(f"/api/v1/jobs/{running.pk}/").json()
    assert (answer["status"], answer["percent"], answer["epoch"]) == ("running", 33, 1)
    assert [(a["epoch"], a["slot"]) for a in answer["attempts"]] == [(1, "h:gpu0")]
    assert "/secret" not in str(answer)


def test_cancel__twice__answers_the_same(api: APIClient, running: Job) -> None:
    answers = [api.post(f"/api/v1/jobs/{running.pk}/cancel/") for _number in range(2)]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "cancelling")] * 2


def test_stop__of_an_ended_job__is_409(api: APIClient, running: Job) -> None:
    assert api.post(f"/api/v1/jobs/{running.pk}/stop/").json()["desired"] == "stop"
    protocol.succeed(job=running, epoch=1, result={})
    answer = api.post(f"/api/v1/jobs/{running.pk}/stop/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_doors__by_get__do_not_act(api: APIClient, job: Job) -> None:
    for door in WRITES:
        assert api.get(f"/api/v1/jobs/{job.pk}/{door}").status_code == 405


def test_metrics__after_a_seq__are_those_that_are_missing(api: APIClient, running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=curve(1, range(10), 0.5))
    answer = api.get(f"/api/v1/jobs/{running.pk}/metrics/?after=8").json()
    assert answer == {
        "points": [[9, 8, "loss", 0.5], [10, 9, "loss", 0.5]],
        "to_seq": 10,
        "last_seq": 10,
        "more": False,
    }


def test_metrics__nan__is_valid_json_null(api: APIClient, running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=curve(1, range(1), None))  # type: ignore[arg-type]
    assert api.get(f"/api/v1/jobs/{running.pk}/metrics/").json()["points"] == [[1, 0, "loss", None]]


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=1.5", "thin=", "after=%d9%a1", "after=" + "9" * 19, "limit=1e9"]
)
def test_metrics__number_that_is_none__is_400_by_name(api: APIClient, job: Job, query: str) -> None:
    answer = api.get(f"/api/v1/jobs/{job.pk}/metrics/?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, query.split("=")[0])


def test_logs__read_on__are_every_line_once(api: APIClient, running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=[log(n, f"line {n}") for n in range(1, 1205)])
    first = api.get(f"/api/v1/jobs/{running.pk}/logs/?after=0").json()
    rest = api.get(f"/api/v1/jobs/{running.pk}/logs/?after={first['to_seq']}").json()
    assert (len(first["lines"]), first["more"], len(rest["lines"]), rest["more"]) == (1000, True, 204, False)
    assert [line[0] for line in first["lines"] + rest["lines"]] == list(range(1, 1205))


def test_logs__nothing_new__keeps_the_place(api: APIClient, running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=[log(1)])
    assert api.get(f"/api/v1/jobs/{running.pk}/logs/?after=1").json() == {"lines": [], "to_seq": 1, "more": False}


def test_logs__tail__is_the_last_in_order(api: APIClient, running: Job) -> None:
    protocol.record_events(job=running, epoch=1, events=[log(n, f"line {n}") for n in range(1, 9)])
    answer = api.get(f"/api/v1/jobs/{running.pk}/logs/?tail=3").json()
    assert [line[3] for line in answer["lines"]] == ["line 6", "line 7", "line 8"]
    assert answer["to_seq"] == 8
