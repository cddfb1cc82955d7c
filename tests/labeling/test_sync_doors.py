"""The tab, the doors for programs, the webhook's door, the look that comes by itself; and which addresses are called at all."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.accounts.roles import Role
from apps.core import sealing
from apps.jobs.models import Job
from apps.labeling.models import Annotation, Connection, LabelProject, SyncConflict, SyncRun
from apps.labeling.syncing import polling
from apps.labeling.syncing.digests import digest
from tests.cast import Cast
from tests.labeling.conftest import region, says
from tests.labeling.fakestudio import TOKEN, FakeStudio
from tests.labeling.syncruns import go, ran
from workers.studio.guard import Refused, check_url, guarded_client, is_public

pytestmark = pytest.mark.django_db


def at(project: LabelProject, more: str = "") -> str:
    return f"/api/v1/label-projects/{project.pk}/label-studio/{more}"


def send(client: Client, method: str, door: str, **body: Any) -> Any:
    return getattr(client, method)(door, json.dumps(body), content_type="application/json")


def test_api__connect_look_change_disconnect(
    client_of: Callable[[str], Client], project: LabelProject, studio: FakeStudio
) -> None:
    client = client_of("curator")
    assert client.get(at(project)).status_code == 409
    made = send(client, "post", at(project), url=studio.url + "/", token=TOKEN, poll_minutes=5)
    assert made.status_code == 201, made.content
    said = made.json()
    assert (said["url"], said["version"], said["person"], said["poll_minutes"]) == (
        studio.url,
        "1.23.2",
        "ls@example.com",
        5,
    )
    assert TOKEN not in made.content.decode() and "token" not in said and said["is_running"] is True
    assert send(client, "post", at(project), url=studio.url, token=TOKEN).status_code == 409
    assert send(client, "post", at(project, "sync/")).json()["error"]["code"] == "at_work"
    ran()
    assert client.get(at(project)).json()["counts"]["sent"] == 6
    assert send(client, "patch", at(project), is_paused=True).json()["is_paused"] is True
    assert send(client, "patch", at(project), poll_minutes=7).status_code == 400
    assert client.delete(at(project)).status_code == 204 and client.get(at(project)).status_code == 409


def test_api__held_and_conflicts__are_listed_and_decided(
    client_of: Callable[[str], Client], cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    client, project = client_of("curator"), connected.project
    answer = studio.says(1, says("good"))
    studio.says(2, "nonsense")
    go(cast, project)
    studio.changes(answer, says("bad"))
    Annotation.objects.update(result=says("good", region("stars", rating=1)))
    go(cast, project)
    [held] = client.get(at(project, "held/")).json()["results"]
    assert held["number"] == 2 and held["given"]["result"] == "nonsense"
    [conflict] = client.get(at(project, "conflicts/")).json()["results"]
    assert conflict["theirs"][0]["value"] == {"choices": ["bad"]} and len(conflict["ours"]) == 2
    door = at(project, f"conflicts/{conflict['id']}/")
    assert send(client, "post", door, choice="both").status_code == 400
    assert send(client, "post", door, choice="theirs").json()["choice"] == "theirs"
    assert send(client, "post", door, choice="ours").status_code == 409
    assert client.get(at(project, "conflicts/")).json()["results"] == []


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_doors__for_who_does_not_run_the_project__are_shut(
    client_of: Callable[[str], Client], connected: Connection, role: str
) -> None:
    for more in ("", "held/", "conflicts/"):
        assert client_of(role).get(at(connected.project, more)).status_code == 403


def hook(connected: Connection, studio: FakeStudio, client: Client) -> tuple[str, str]:
    """(address, secret) as the server has them."""
    told = send(
        client,
        "post",
        at(connected.project, "webhook/"),
        url=f"http://testserver/api/v1/label-studio-hooks/{connected.pk}/",
    )
    assert told.status_code == 200 and told.json()["has_webhook"], told.content
    [there] = studio.webhooks.values()
    return there["url"], there["headers"]["X-Tuneloop-Secret"]


def test_webhook__with_its_secret__begins_one_run_in_ten_seconds(
    client_of: Callable[[str], Client], connected: Connection, studio: FakeStudio
) -> None:
    url, secret = hook(connected, studio, client_of("curator"))
    program = Client(enforce_csrf_checks=True, headers={"X-Tuneloop-Secret": secret})
    runs = SyncRun.objects.count()
    studio.says(1, says("good"))
    for _call in range(5):
        assert program.post(url, b"\xff not even json", content_type="application/json").json() == {"taken": True}
    assert SyncRun.objects.count() == runs  # the last run ended just now
    connected.refresh_from_db()
    assert connected.hinted_at is not None
    assert polling.look(now=timezone.now() + timedelta(seconds=11)) == 1 and SyncRun.objects.first().cause == "hint"  # type: ignore[union-attr]
    assert ran() == {"new": 1}
    connected.refresh_from_db()
    assert connected.hinted_at is None


def test_webhook__without_the_secret__is_not_there(
    client_of: Callable[[str], Client], connected: Connection, studio: FakeStudio
) -> None:
    url = reverse("api:label-studio-hook", args=[connected.pk])
    empty = Client(headers={"X-Tuneloop-Secret": ""})
    assert empty.post(url).status_code == 404  # no webhook was set up: no secret opens
    url, _secret = hook(connected, studio, client_of("curator"))
    for client in (empty, Client(), Client(headers={"X-Tuneloop-Secret": "guess"}), client_of("owner")):
        assert client.post(url).status_code == 404
    assert Client().post("/api/v1/label-studio-hooks/nonsense/").status_code == 404
    connected.refresh_from_db()
    assert connected.hinted_at is None


def test_look__when_due__begins_a_run__and_not_while_paused_or_without_the_right(
    cast: Cast, connected: Connection
) -> None:
    soon, later = timezone.now() + timedelta(minutes=14), timezone.now() + timedelta(minutes=16)
    assert polling.look(now=soon) == 0
    Connection.objects.update(is_paused=True)
    assert polling.look(now=later) == 0
    Connection.objects.update(is_paused=False)
    Membership.objects.filter(user=cast.curator).update(role=Role.VIEWER)
    assert polling.look(now=later) == 0
    connected.refresh_from_db()
    assert connected.is_paused and "may not run" in connected.error
    Membership.objects.filter(user=cast.curator).update(role=Role.CURATOR)
    Connection.objects.update(is_paused=False)
    assert [polling.look(now=later) for _look in range(2)] == [1, 0]
    assert Job.objects.latest("created_at").settings == {"full": False}


def test_page__connect_form__then_state_conflicts_and_held(
    client: Client, cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    client.force_login(cast.curator)
    project, page = connected.project, reverse("labeling:studio", args=[connected.project_id])
    answer = studio.says(1, says("good"))
    studio.says(2, "nonsense", person=1)
    go(cast, project)
    studio.changes(answer, says("bad"))
    Annotation.objects.update(result=says("good", region("stars", rating=1)))
    go(cast, project)
    text = client.get(page).content.decode()
    for said in (
        "Keep ours",
        "Take theirs",
        "far@example.org",
        "1 of 5",
        "A result is a list of regions.",
        "1 conflicts",
    ):
        assert said in text, said
    assert TOKEN not in text and "<html" not in client.get(page, headers={"HX-Request": "true"}).content.decode()
    conflict = SyncConflict.objects.get()
    door = reverse("labeling:studio-choose", args=[project.pk, conflict.pk])
    assert client.post(door, {"choice": "theirs"}).status_code == 302
    assert client.post(door, {"choice": "theirs"}).status_code == 409
    assert client.post(reverse("labeling:studio-change", args=[project.pk]), {"is_paused": "1"}).status_code == 302
    assert client.post(reverse("labeling:studio-webhook", args=[project.pk])).status_code == 302
    assert client.post(reverse("labeling:studio-disconnect", args=[project.pk])).status_code == 302
    assert studio.webhooks == {} and "Test and connect" in client.get(page).content.decode()
    wrong = client.post(reverse("labeling:studio-connect", args=[project.pk]), {"url": studio.url, "token": "x"})
    assert wrong.status_code == 400 and "does not take this token" in wrong.content.decode()


def test_guard__private_addresses__however_they_are_written() -> None:
    for address in (
        "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0",
        "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:0a00:0001::", "nonsense",
    ):  # fmt: skip
        assert not is_public(address), address
    assert is_public("93.184.216.34") and is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_guard__name_that_leads_home__is_refused_when_it_is_called(studio: FakeStudio) -> None:
    url = f"http://localhost:{studio.port}/api/version"
    with guarded_client([], 5) as client, pytest.raises(Refused, match="private network"):
        client.get(url)
    with guarded_client([f"localhost:{studio.port}"], 5) as client:
        assert client.get(url).json()["release"] == "1.23.2"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "labels",
        "https://",
        "https://a@b.example.com",
        "https://b.example.com/?x=1",
        "https://b.example.com:x",
        "http://b.example.com",
    ],
)
def test_guard__address_that_is_none__is_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url, [])
    assert check_url(" https://B.example.com:8443/studio/ ", []) == "https://b.example.com:8443/studio"


def test_digest__order_and_ids_of_regions__do_not_matter() -> None:
    one = [{"id": "a", **region("marks", start=0, end=2)}, {"id": "b", **region("marks", start=3, end=5)}]
    link = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": []}
    other = [{**one[1], "id": "x"}, {**one[0], "id": "y"}]
    assert digest(one) == digest(other) != digest(one[:1])
    assert digest([*one, link]) == digest([*other, {**link, "from_id": "y", "to_id": "x"}])
    assert digest([*one, link]) != digest([*one, {**link, "from_id": "b", "to_id": "a"}])


def test_sealing__for_another_purpose_or_row__does_not_open() -> None:
    sealed = sealing.seal(b"token", purpose="a", bound=b"1")
    assert sealing.unseal(sealed, purpose="a", bound=b"1") == b"token"
    for purpose, bound in (("b", b"1"), ("a", b"2")):
        with pytest.raises(sealing.CannotOpen):
            sealing.unseal(sealed, purpose=purpose, bound=bound)
