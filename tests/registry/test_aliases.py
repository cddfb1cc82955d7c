"""Aliases: who they mean, and what they meant at any moment."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.errors import Conflict, Problem
from apps.registry import aliases, services
from apps.registry.models import AliasMove, Model, ModelVersion
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.registry.making import make_approved, make_checkpoint, make_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def approved(cast: Cast, model: Model, checkpoint: Checkpoint) -> ModelVersion:
    return make_approved(model, checkpoint, by=cast.engineer, approver=cast.approver)


@pytest.fixture
def draft(cast: Cast, model: Model, approved: ModelVersion) -> ModelVersion:
    return services.register_version(actor=cast.engineer, model=model, checkpoint=make_checkpoint(cast.workspace))


def point(cast: Cast, model: Model, name: str, version: ModelVersion) -> AliasMove:
    return services.set_alias(actor=cast.owner, model=model, name=name, version=version)


def test_alias_at__each_moment__tells_what_it_meant_then(
    cast: Cast, model: Model, approved: ModelVersion, draft: ModelVersion
) -> None:
    before = timezone.now()
    first = point(cast, model, "candidate", approved)
    second = point(cast, model, "candidate", draft)
    services.clear_alias(actor=cast.owner, model=model, name="candidate")
    third = point(cast, model, "candidate", approved)
    assert services.alias_at(model, "candidate", before) is None
    assert services.alias_at(model, "candidate", first.at) == approved
    assert services.alias_at(model, "candidate", second.at - timedelta(microseconds=1)) == approved
    assert services.alias_at(model, "candidate", second.at) == draft
    assert services.alias_at(model, "candidate", third.at - timedelta(microseconds=1)) is None
    assert services.alias_at(model, "candidate", timezone.now()) == approved
    assert services.alias_at(model, "unknown", timezone.now()) is None
    assert [move.number for move in aliases.history(model, "candidate")] == [4, 3, 2, 1]


def test_alias_at__clock_set_back__moments_still_rise(
    cast: Cast, model: Model, approved: ModelVersion, draft: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = point(cast, model, "candidate", approved)
    earlier = first.at - timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: earlier)
    second = point(cast, model, "candidate", draft)
    assert second.at > first.at and services.alias_at(model, "candidate", second.at) == draft


def test_history__whatever_is_tried__is_append_only(cast: Cast, model: Model, approved: ModelVersion) -> None:
    move = point(cast, model, "candidate", approved)
    for attempt in (
        move.save,
        move.delete,
        AliasMove.objects.all().delete,
        lambda: AliasMove.objects.update(name="x"),
        lambda: AliasMove.objects.bulk_update([move], ["name"]),
    ):
        with pytest.raises(TypeError):
            attempt()
    values = {"workspace": model.workspace, "model": model, "name": "candidate", "number": 1, "at": timezone.now()}
    with pytest.raises(IntegrityError), transaction.atomic():
        AliasMove.objects.create(**values)


def test_production__for_a_version_nobody_approved__is_refused(
    cast: Cast, model: Model, approved: ModelVersion, draft: ModelVersion
) -> None:
    with pytest.raises(Conflict, match="Only an approved version") as told:
        point(cast, model, "production", draft)
    assert told.value.code == "not_approved"
    assert point(cast, model, "production", approved).version == approved
    assert point(cast, model, "candidate", draft).version == draft


def test_production__needs_the_right_to_approve__other_names_to_register() -> None:
    assert aliases.capability_for(" production ") == "registry.approve"
    assert aliases.capability_for("candidate") == "registry.register"


def test_set_alias__moved_to_where_it_is__adds_nothing(cast: Cast, model: Model, approved: ModelVersion) -> None:
    assert point(cast, model, "candidate", approved) == point(cast, model, "candidate", approved)
    assert model.alias_moves.count() == 1


@pytest.mark.parametrize("name", ["", "Prod", "latest", "newest", "v2", "v10", "1st", "a b", "x" * 41, "a@b", "-a"])
def test_set_alias__name_that_is_none__is_refused(cast: Cast, model: Model, approved: ModelVersion, name: str) -> None:
    with pytest.raises(Problem) as told:
        point(cast, model, name, approved)
    assert told.value.field == "alias"


def test_set_alias__version_of_another_model_or_rejected__is_refused(
    cast: Cast, model: Model, approved: ModelVersion, draft: ModelVersion
) -> None:
    with pytest.raises(Problem, match="another model"):
        point(cast, make_model(cast.workspace, name="other"), "candidate", approved)
    services.request_approval(actor=cast.engineer, version=draft)
    services.reject_version(actor=cast.approver, version=draft, note="rude")
    with pytest.raises(Conflict, match="rejected"):
        point(cast, model, "candidate", draft)


def test_retire__while_an_alias_means_it__is_refused(cast: Cast, model: Model, approved: ModelVersion) -> None:
    point(cast, model, "production", approved)
    with pytest.raises(Conflict, match="still production"):
        services.retire_version(actor=cast.approver, version=approved)
    services.clear_alias(actor=cast.approver, model=model, name="production")
    services.retire_version(actor=cast.approver, version=approved)
    assert not approved.is_servable
    with pytest.raises(Conflict):
        services.clear_alias(actor=cast.approver, model=model, name="production")


def test_aliases_of__several__production_first(cast: Cast, model: Model, approved: ModelVersion) -> None:
    for name in ("candidate", "zebra", "production", "gone"):
        point(cast, model, name, approved)
    services.clear_alias(actor=cast.owner, model=model, name="gone")
    assert list(aliases.aliases_of(model)) == ["production", "candidate", "zebra"]
