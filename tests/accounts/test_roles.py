"""The table of roles: who may do what, and what a door gets to see."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import RequestFactory

from apps.accounts import access
from apps.accounts.models import Membership, workspaces_where
from apps.accounts.roles import ALL, CAPABILITIES, Role, roles_with
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import make_job, with_fake_kind

SEES_JOBS = {"owner", "engineer", "curator", "approver", "viewer"}
ENDS_JOBS = {"owner", "engineer", "curator"}
RATES = ENDS_JOBS | {"annotator"}
TABLE = {
    "workspace.view": set(Role.values),
    "workspace.manage": {"owner"},
    "members.manage": {"owner"},
    "keys.manage": {"owner", "engineer"},
    "jobs.view": SEES_JOBS,
    "jobs.cancel": ENDS_JOBS,
    "jobs.manage": {"owner"},
    "datasets.view": SEES_JOBS,
    "datasets.upload": ENDS_JOBS,
    "datasets.edit": ENDS_JOBS,
    "datasets.delete": ENDS_JOBS,
    "datasets.unmask": {"owner"},
    "training.view": SEES_JOBS,
    "training.launch": {"owner", "engineer"},
    "training.stop": {"owner", "engineer"},
    "training.add_model": {"owner", "engineer"},
    "training.chat": {"owner", "engineer", "curator", "approver"},
    "labeling.view": SEES_JOBS,
    "labeling.manage": ENDS_JOBS,
    "labeling.review": ENDS_JOBS,
    "labeling.annotate": RATES,
    "evaluation.view": SEES_JOBS,
    "evaluation.manage": {"owner", "engineer"},
    "evaluation.rate": RATES | {"approver"},
    "registry.view": SEES_JOBS,
    "registry.register": {"owner", "engineer"},
    "registry.approve": {"owner", "approver"},
    "serving.view": SEES_JOBS,
    "serving.deploy": {"owner", "engineer"},
    "serving.infer": {"owner", "engineer"},
    "rollout.view": SEES_JOBS,
    "rollout.manage": {"owner", "engineer"},
    "rollout.stop": {"owner", "engineer", "approver"},
    "feedback.view": SEES_JOBS,
    "feedback.give": ENDS_JOBS,
    "feedback.triage": ENDS_JOBS,
}


@pytest.fixture(autouse=True)
def fake_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with_fake_kind(monkeypatch)


@pytest.fixture
def job(cast: Cast) -> Job:
    return make_job(cast.workspace, actor=cast.owner)


def test_roles__table__is_as_agreed() -> None:
    assert {capability: set(roles_with(capability)) for capability in sorted(ALL)} == TABLE


def test_roles__every_role__has_a_line() -> None:
    assert set(CAPABILITIES) == set(Role.values)


def test_roles__capability_with_a_typing_error__is_loud() -> None:
    with pytest.raises(KeyError):
        roles_with("training.lunch")


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_visible_to__each_role__sees_what_its_line_says(cast: Cast, job: Job, role: str) -> None:
    found = Job.objects.visible_to(cast.by_role(role))
    assert list(found) == ([job] if role in SEES_JOBS else [])


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_fetch_for__each_role__gets_the_row_or_403_or_404(cast: Cast, job: Job, role: str) -> None:
    person = cast.by_role(role)
    if role in ENDS_JOBS:
        assert access.fetch_for(person, "jobs.cancel", Job, job.pk) == job
    else:
        with pytest.raises(PermissionDenied if role in SEES_JOBS else Http404):
            access.fetch_for(person, "jobs.cancel", Job, job.pk)


@pytest.mark.django_db
def test_fetch_for__stranger_or_nobody__gets_404_as_if_it_did_not_exist(cast: Cast, job: Job) -> None:
    for person in (cast.stranger, AnonymousUser()):
        with pytest.raises(Http404):
            access.fetch_for(person, "jobs.view", Job, job.pk)
        assert not Job.objects.visible_to(person).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("pk", [uuid4(), "not-a-uuid", "", "1" * 400, "..", None, 7, "\u0661" * 32])
def test_fetch_for__what_is_no_id__is_404(cast: Cast, pk: object) -> None:
    with pytest.raises(Http404):
        access.fetch_for(cast.owner, "jobs.view", Job, pk)


@pytest.mark.django_db
def test_visible_to__site_administrator__sees_no_workspace_of_others(cast: Cast, job: Job) -> None:
    cast.stranger.is_superuser = True
    cast.stranger.save()
    assert not Job.objects.visible_to(cast.stranger).exists()


@pytest.mark.django_db
def test_visible_to__member_of_two_workspaces__sees_each_row_once(cast: Cast, job: Job) -> None:
    Membership.objects.create(workspace=cast.other_workspace, user=cast.owner, role=Role.VIEWER)
    other = make_job(cast.other_workspace)
    assert set(Job.objects.visible_to(cast.owner)) == {job, other}
    assert Job.objects.visible_to(cast.owner).count() == 2
    assert list(Job.objects.visible_to(cast.owner, "jobs.cancel")) == [job]


@pytest.mark.django_db
def test_visible_to__membership_ended__sees_nothing_at_once(cast: Cast, job: Job) -> None:
    Membership.objects.filter(user=cast.viewer).delete()
    assert not Job.objects.visible_to(cast.viewer).exists()


@pytest.mark.django_db
def test_require__member_without_the_right__is_403_and_stranger_404(cast: Cast) -> None:
    assert access.require(cast.engineer, "training.launch", cast.workspace) == cast.workspace
    with pytest.raises(PermissionDenied):
        access.require(cast.annotator, "training.launch", cast.workspace)
    with pytest.raises(Http404):
        access.require(cast.stranger, "training.launch", cast.workspace)


@pytest.mark.django_db
def test_current_workspace__chosen_in_the_session__counts_only_for_members(cast: Cast) -> None:
    Membership.objects.create(workspace=cast.other_workspace, user=cast.owner, role=Role.VIEWER)
    request = RequestFactory().get("/")
    request.session = {"workspace": str(cast.other_workspace.pk)}  # type: ignore[assignment]
    request.user = cast.owner
    assert access.current_workspace(request) == cast.other_workspace
    request.user = cast.viewer
    assert access.current_workspace(request) == cast.workspace


@pytest.mark.django_db
def test_current_workspace__of_nobody_or_of_no_member__is_404(cast: Cast) -> None:
    Membership.objects.filter(user=cast.viewer).delete()
    request = RequestFactory().get("/")
    for person in (AnonymousUser(), cast.viewer):
        request.user = person
        with pytest.raises(Http404):
            access.current_workspace(request)


@pytest.mark.django_db
def test_workspaces_where__any_capability__takes_one_query(cast: Cast, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert [w.slug for w in workspaces_where(cast.owner, "jobs.view")] == ["northpeak"]
