"""Keys of programs: hashed, shown once, revoked at once, narrowed to a workspace and to capabilities."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import ApiKey, Membership
from apps.accounts.roles import Role
from apps.core import ledger
from apps.core.errors import Problem
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import make_job, with_fake_kind

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def fake_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fake_kind(monkeypatch)


@pytest.fixture
def job(cast: Cast) -> Job:
    return make_job(cast.workspace)


def bearer(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=text)
    return client


def test_issue__new_key__keeps_only_prefix_and_hash(cast: Cast) -> None:
    key, text = services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="ci")
    key.refresh_from_db()
    secret = text.split("_", 2)[2]
    stored = [str(value) for value in ApiKey.objects.filter(pk=key.pk).values().get().values()]
    assert text.startswith(f"tl_{key.prefix}_")
    assert len(secret) >= 43
    assert not any(secret in value for value in stored)
    assert key.digest == ApiKey.digest_of(text)
    assert secret not in str(key)
    assert [line.verb for line in ledger.history(key)] == ["key.issued"]


def test_issue__unknown_capability__is_refused_by_name(cast: Cast) -> None:
    with pytest.raises(Problem, match=r"training\.lunch"):
        services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="x", capabilities=["training.lunch"])


def test_issue__for_a_stranger__is_refused(cast: Cast) -> None:
    with pytest.raises(Problem, match="members"):
        services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="x", user=cast.stranger)


def test_find__right_text__is_the_key(cast: Cast) -> None:
    key, text = services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="x")
    assert ApiKey.find(text) == key


def test_find__anything_else__is_none(cast: Cast) -> None:
    _key, text = services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="x")
    for wrong in (
        "",
        "tl",
        "tl_",
        "tl__",
        text[:-1],
        text + "x",
        text.upper(),
        text.replace("tl_", "sk_"),
        f"{text}_",
        "é" * 50,
    ):
        assert ApiKey.find(wrong) is None


def test_request__with_a_key__is_the_person_in_that_workspace(cast: Cast, job: Job, api_of: ClientOf) -> None:
    Membership.objects.create(workspace=cast.other_workspace, user=cast.owner, role=Role.OWNER)
    other = make_job(cast.other_workspace)
    client = api_of(cast.owner, cast.workspace)
    assert [row["id"] for row in client.get("/api/v1/jobs/").json()["results"]] == [str(job.pk)]
    assert client.get(f"/api/v1/jobs/{other.pk}/").status_code == 404


def test_request__with_a_narrow_key__may_read_but_not_act(cast: Cast, job: Job, api_of: ClientOf) -> None:
    client = api_of(cast.owner, cast.workspace, capabilities=["jobs.view"])
    assert client.get(f"/api/v1/jobs/{job.pk}/").status_code == 200
    answer = client.post(f"/api/v1/jobs/{job.pk}/cancel/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    job.refresh_from_db()
    assert job.status == "queued"


def test_request__key_with_more_than_the_role__gains_nothing(cast: Cast, job: Job, api_of: ClientOf) -> None:
    client = api_of(cast.viewer, cast.workspace, capabilities=["jobs.view", "jobs.cancel"])
    assert client.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403


def test_request__key_revoked__is_401_at_once(cast: Cast, job: Job) -> None:
    key, text = services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="x")
    client = bearer(f"Bearer {text}")
    assert client.get("/api/v1/jobs/").status_code == 200
    services.revoke_api_key(actor=cast.owner, key=key)
    answer = client.get("/api/v1/jobs/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    services.revoke_api_key(actor=cast.owner, key=key)
    assert ledger.history(key).filter(verb="key.revoked").count() == 1


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer tl_x_y", "Bearer \xe9\xe9", "bearer nonsense"])
def test_request__broken_header__is_401(cast: Cast, header: str) -> None:
    assert bearer(header).get("/api/v1/jobs/").status_code == 401


def test_request__without_any_credentials__is_401(cast: Cast) -> None:
    answer = APIClient().get("/api/v1/jobs/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_authenticated")


def test_request__of_a_closed_account__is_401(cast: Cast, api_of: ClientOf) -> None:
    client = api_of(cast.viewer, cast.workspace)
    cast.viewer.is_active = False
    cast.viewer.save()
    assert client.get("/api/v1/jobs/").status_code == 401


def test_request__of_a_person_who_left__sees_nothing(cast: Cast, job: Job) -> None:
    _key, text = services.issue_api_key(actor=cast.viewer, workspace=cast.workspace, name="x")
    services.remove_member(actor=cast.owner, membership=Membership.objects.get(user=cast.viewer))
    assert bearer(f"Bearer {text}").get("/api/v1/jobs/").status_code == 401


def test_request__with_a_session_but_no_csrf_token__may_read_and_not_write(cast: Cast, job: Job) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(cast.owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/api/v1/jobs/").status_code == 200
    assert client.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403


def test_touch__used_often__is_written_once_a_minute(cast: Cast, django_assert_num_queries: object) -> None:
    key, _text = services.issue_api_key(actor=cast.owner, workspace=cast.workspace, name="x")
    key.touch()
    key.refresh_from_db()
    assert key.last_used_at is not None
    with django_assert_num_queries(0):  # type: ignore[operator]
        key.touch()


def test_command__for_a_member__prints_a_working_key_and_nothing_else(cast: Cast, job: Job) -> None:
    out = StringIO()
    call_command("create_api_key", user="OLGA@example.com", workspace="northpeak", stdout=out)
    text = out.getvalue().strip()
    assert len(text.split()) == 1
    assert bearer(f"Bearer {text}").get(f"/api/v1/jobs/{job.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("user", "slug"), [("stefan@example.com", "northpeak"), ("x@example.com", "x"), ("olga@example.com", "")]
)
def test_command__for_no_member__says_so(cast: Cast, user: str, slug: str) -> None:
    with pytest.raises(CommandError, match="not a member"):
        call_command("create_api_key", user=user, workspace=slug)
