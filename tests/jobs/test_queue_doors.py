"""The queue by its doors: what waits and why, pause, order, drain; on the page and by API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.jobs import depending, protocol
from apps.jobs.models import Allowance, Job, Slot
from tests.cast import Cast
from tests.make import make_api_key, make_job, with_fake_kind

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def fake(monkeypatch: Any) -> None:
    with_fake_kind(monkeypatch)


@pytest.fixture
def api(cast: Cast) -> Client:
    return Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.engineer, cast.workspace)}")


@pytest.fixture
def slot() -> Slot:
    made: Slot = Slot.objects.create(name="h:gpu0", queue="gpu", host="h", seen_at=timezone.now())
    return made


def post(client: Client, url: str, **body: Any) -> Any:
    return client.post(url, body, content_type="application/json")


def reasons(api: Client) -> dict[str, str]:
    return {one["job"]["id"]: one["reason"] for one in api.get("/api/v1/queue/").json()["waiting"]}


def test_queue__each_waiting_job__has_its_reason(cast: Cast, api: Client, slot: Slot) -> None:
    first, second, held, after = (make_job(cast.workspace, actor=cast.engineer, queue="gpu") for _number in range(4))
    assert post(api, f"/api/v1/jobs/{held.pk}/pause/", why="Wait for the review.").status_code == 200
    assert post(api, f"/api/v1/jobs/{after.pk}/after/", job=str(held.pk)).status_code == 200
    told = reasons(api)
    assert "Next" in told[str(first.pk)] and "1 of this workspace before" in told[str(second.pk)]
    assert "Wait for the review." in told[str(held.pk)] and held.title in told[str(after.pk)]
    assert post(api, f"/api/v1/jobs/{held.pk}/resume/").json()["held_at"] is None


def test_queue__no_worker_drained_paused_used_up__say_so(cast: Cast, api: Client) -> None:
    job = make_job(cast.workspace, actor=cast.engineer, queue="gpu")
    assert "No worker" in reasons(api)[str(job.pk)]
    made = Slot.objects.create(name="h:gpu0", queue="gpu", host="h", seen_at=timezone.now(), drained_at=timezone.now())
    assert "drained" in reasons(api)[str(job.pk)]
    rule = Allowance.objects.create(workspace=cast.workspace, minutes=0, beyond="wait")
    Slot.objects.filter(pk=made.pk).update(drained_at=None)
    assert "GPU-minutes" in reasons(api)[str(job.pk)]
    assert protocol.claim(queue="gpu", slot="h:gpu0", worker="w") is None
    Allowance.objects.filter(pk=rule.pk).update(minutes=None, paused_at=timezone.now())
    assert "paused" in reasons(api)[str(job.pk)]


def test_move_and_priority__by_api__change_who_is_next(cast: Cast, api: Client, slot: Slot) -> None:
    first, second, third = (make_job(cast.workspace, actor=cast.engineer, queue="gpu") for _number in range(3))
    assert post(api, f"/api/v1/jobs/{third.pk}/move/", position=0).status_code == 200
    assert post(api, f"/api/v1/jobs/{second.pk}/priority/", priority=10).json()["priority"] == 10
    order = []
    for _number in range(3):
        claimed = protocol.claim(queue="gpu", slot="h:gpu0", worker="w")
        assert claimed is not None
        order.append(claimed.pk)
        Job.objects.filter(pk=claimed.pk).update(status="succeeded", slot=None)
    assert order == [second.pk, third.pk, first.pk]


@pytest.mark.parametrize(
    ("door", "body", "field"),
    [
        ("priority", {"priority": 1000}, "priority"),
        ("priority", {}, "priority"),
        ("move", {"position": -1}, "position"),
    ],
)
def test_order__bad_input__is_refused_by_name(cast: Cast, api: Client, door: str, body: Any, field: str) -> None:
    job = make_job(cast.workspace, actor=cast.engineer, queue="gpu")
    answer = post(api, f"/api/v1/jobs/{job.pk}/{door}/", **body)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field


def test_after__circle__is_refused(cast: Cast, api: Client) -> None:
    one, two = (make_job(cast.workspace, actor=cast.engineer, queue="gpu") for _number in range(2))
    assert post(api, f"/api/v1/jobs/{one.pk}/after/", job=str(two.pk)).status_code == 200
    assert post(api, f"/api/v1/jobs/{two.pk}/after/", job=str(one.pk)).status_code == 400
    gone = api.delete(f"/api/v1/jobs/{one.pk}/after/", {"job": str(two.pk)}, content_type="application/json")
    assert gone.status_code == 204 and post(api, f"/api/v1/jobs/{two.pk}/after/", job=str(one.pk)).status_code == 200


def test_drain__not_the_installations_keeper__is_refused(cast: Cast, api: Client, slot: Slot) -> None:
    assert post(api, "/api/v1/slots/drain/", slot=slot.name).status_code == 403
    User.objects.filter(pk=cast.engineer.pk).update(is_superuser=True)
    assert post(api, "/api/v1/slots/drain/", slot="no such").status_code == 400
    assert post(api, "/api/v1/slots/drain/", slot=slot.name).json()["drained_at"]
    make_job(cast.workspace, actor=cast.engineer, queue="gpu")
    assert protocol.claim(queue="gpu", slot=slot.name, worker="w") is None
    api.delete("/api/v1/slots/drain/", {"slot": slot.name}, content_type="application/json")
    assert protocol.claim(queue="gpu", slot=slot.name, worker="w") is not None


def test_rule__weight_of_nothing__is_refused(cast: Cast) -> None:
    User.objects.filter(pk=cast.owner.pk).update(is_superuser=True)
    keeper = Client(HTTP_AUTHORIZATION=f"Bearer {make_api_key(cast.owner, cast.workspace)}")
    body = {"weight": 0, "minutes": 10, "beyond": "wait", "ends_running": False}
    assert keeper.put("/api/v1/queue/rule/", body, content_type="application/json").status_code == 400
    answer = keeper.put("/api/v1/queue/rule/", {**body, "weight": 2}, content_type="application/json")
    assert answer.json() == {**body, "weight": 2.0}


def test_page__buttons__pause_resume_and_move(cast: Cast, browser_of: Browser, slot: Slot) -> None:
    one, two = (make_job(cast.workspace, actor=cast.engineer, queue="gpu", title=f"job {n}") for n in (1, 2))
    page = browser_of(cast.engineer)
    shown = page.get("/queue/").content.decode()
    assert shown.index("job 1") < shown.index("job 2") and "Drain" not in shown
    page.post(f"/queue/jobs/{two.pk}/", {"act": "up"})
    shown = page.get("/queue/").content.decode()
    assert shown.index("job 2") < shown.index("job 1")
    page.post(f"/queue/jobs/{one.pk}/", {"act": "pause"})
    assert "Paused by" in page.get("/queue/").content.decode()
    page.post(f"/queue/jobs/{one.pk}/", {"act": "resume"})
    assert "Paused by" not in page.get("/queue/").content.decode()
    assert page.post(f"/queue/jobs/{one.pk}/", {"act": "dance"}).status_code == 400
    assert page.post("/queue/pause/").status_code == 403
    owner = browser_of(cast.owner)
    owner.post("/queue/pause/")
    assert "The queue of this workspace is paused." in owner.get("/queue/").content.decode()
    owner.post("/queue/resume/")
    viewer = browser_of(cast.viewer)
    assert "Pause</button>" not in viewer.get("/queue/").content.decode()
    assert viewer.post(f"/queue/jobs/{one.pk}/", {"act": "up"}).status_code == 403


def test_page__job_of_another_workspace__has_no_name(cast: Cast, browser_of: Browser, slot: Slot) -> None:
    make_job(
        cast.other_workspace, actor=cast.stranger, queue="gpu", title="secret plan", status="running", slot=slot.name
    )
    shown = browser_of(cast.engineer).get("/queue/").content.decode()
    assert "secret plan" not in shown and "A job of another workspace" in shown


def test_settle__predecessor_failed__is_told(cast: Cast) -> None:
    one, two = (make_job(cast.workspace, actor=cast.engineer, queue="gpu") for _number in range(2))
    depending.add(actor=cast.engineer, job=two, on=one)
    Job.objects.filter(pk=one.pk).update(status="failed")
    assert depending.settle() == 1
    two.refresh_from_db()
    assert two.status == "cancelled" and one.title in two.failure_message
