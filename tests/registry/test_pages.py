"""The pages of the registry, as a person meets them."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.registry import services
from apps.registry.models import Model, ModelVersion
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.registry.making import make_approved, make_checkpoint

pytestmark = pytest.mark.django_db
Browsers = Callable[[User], Client]


def test_list__without_models__says_what_a_model_is(cast: Cast, browser_of: Browsers) -> None:
    page = browser_of(cast.engineer).get("/models/").content.decode()
    assert "No model yet" in page and "/models/register/" in page
    assert "Register a version" not in browser_of(cast.viewer).get("/models/").content.decode()


def test_list__with_models__shows_aliases_and_newest(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint
) -> None:
    version = make_approved(model, checkpoint, by=cast.engineer, approver=cast.approver)
    services.set_alias(actor=cast.owner, model=model, name="production", version=version)
    page = browser_of(cast.viewer).get("/models/").content.decode()
    assert "production 1.0.0" in page and "Approved" in page and 'id="new-model"' not in page


def test_new_model__bad_name__is_told_in_the_dialog(cast: Cast, browser_of: Browsers) -> None:
    browser = browser_of(cast.engineer)
    answer = browser.post("/models/new/", {"name": "No Name"})
    assert answer.status_code == 400 and "This is no name for a model." in answer.content.decode()
    assert browser.post("/models/new/", {"name": "support"}).status_code == 302
    assert Model.objects.get().name == "support"


def test_register__from_a_checkpoint__makes_model_and_version(
    cast: Cast, browser_of: Browsers, checkpoint: Checkpoint
) -> None:
    browser = browser_of(cast.engineer)
    page = browser.get("/models/register/", {"checkpoint": str(checkpoint.pk)}).content.decode()
    assert "run-1 run 1" in page and 'value="1.0.0"' in page and "Name of the new model" in page
    form = {"checkpoint": str(checkpoint.pk), "model": "", "name": "support", "version": "1.0.0", "notes": "First."}
    answer = browser.post("/models/register/", form)
    made = ModelVersion.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"/models/{made.model_id}/1.0.0/"
    assert (made.model.name, made.notes, made.created_by) == ("support", "First.", cast.engineer)


def test_register__numbers__follow_checkpoint_and_model(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint
) -> None:
    services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    other = make_checkpoint(cast.workspace)
    query = {"checkpoint": str(other.pk), "model": str(model.pk)}
    part = browser_of(cast.engineer).get("/models/register/", query, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "1.0.1" in part and "1.1.0" in part and "2.0.0" in part
    assert "A new adapter on the same base model is at least a minor step." in part


@pytest.mark.parametrize(("own", "status"), [("1.0.0", 409), ("x", 400)])
def test_register__number_refused__keeps_what_was_typed(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint, own: str, status: int
) -> None:
    services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    form = {"checkpoint": str(checkpoint.pk), "model": str(model.pk), "version": "1.0.1", "own": own, "notes": "kept"}
    answer = browser_of(cast.engineer).post("/models/register/", form)
    page = answer.content.decode()
    assert answer.status_code == status and "kept" in page and f'value="{own}"' in page


def test_register__without_any_checkpoint__says_where_they_come_from(cast: Cast, browser_of: Browsers) -> None:
    browser = browser_of(cast.engineer)
    assert "No checkpoint to register" in browser.get("/models/register/").content.decode()
    assert browser.post("/models/register/", {"model": "", "name": "x"}).status_code == 400


def test_version__from_draft_to_production__by_the_pages(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint
) -> None:
    version = services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    engineer, approver = browser_of(cast.engineer), browser_of(cast.approver)
    address = version.get_absolute_url()
    page = engineer.get(address).content.decode()
    assert "Ask for approval" in page and "Nobody has evaluated this checkpoint." in page
    assert engineer.post(f"{address}request/").status_code == 302
    assert engineer.post(f"{address}approve/").status_code == 403
    own = browser_of(cast.owner)
    assert 'id="approve"' in approver.get(address).content.decode()
    assert own.post(f"{address}reject/", {"note": ""}).status_code == 400
    assert approver.post(f"{address}approve/", {"note": "good"}).status_code == 302
    refused = engineer.post(f"/models/{model.pk}/aliases/", {"alias": "production", "version": "1.0.0"})
    assert refused.status_code == 403
    assert approver.post(f"/models/{model.pk}/aliases/", {"alias": "production", "version": "1.0.0"}).status_code == 302
    page = engineer.get(f"/models/{model.pk}/", {"at": "2026-01-01T00:00"}).content.decode()
    assert "production = 1.0.0" in page and "no version" in page and "good" in page


def test_version__own__is_told_why_it_cannot_be_approved(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint
) -> None:
    version = services.register_version(actor=cast.owner, model=model, checkpoint=checkpoint)
    services.request_approval(actor=cast.owner, version=version)
    browser, address = browser_of(cast.owner), version.get_absolute_url()
    assert "Nobody approves their own version: somebody else decides." in browser.get(address).content.decode()
    answer = browser.post(f"{address}approve/")
    assert answer.status_code == 409 and "Nobody approves their own version." in answer.content.decode()


def test_alias__bad_name__is_told_on_the_page(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint
) -> None:
    services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    answer = browser_of(cast.engineer).post(f"/models/{model.pk}/aliases/", {"alias": "v2", "version": "1.0.0"})
    assert answer.status_code == 400 and "This is no name for an alias." in answer.content.decode()


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_pages__stranger_or_annotator__finds_nothing(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint, who: str
) -> None:
    version = services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint)
    browser, address = browser_of(cast.by_role(who)), version.get_absolute_url()
    assert browser.get(f"/models/{model.pk}/").status_code == 404
    assert browser.get(address).status_code == 404
    assert browser.get("/models/register/", {"checkpoint": str(checkpoint.pk)}).status_code in (403, 404)
    for step in ("request", "approve", "reject", "retire", "nothing"):
        assert browser.post(f"{address}{step}/", {"note": "n"}).status_code == 404
    assert browser.post(f"/models/{model.pk}/aliases/", {"alias": "x", "version": "1.0.0"}).status_code == 404


def test_forms__with_a_null_character__are_refused(
    cast: Cast, browser_of: Browsers, model: Model, checkpoint: Checkpoint
) -> None:
    """PostgreSQL keeps none."""
    browser = browser_of(cast.engineer)
    form = {"checkpoint": str(checkpoint.pk), "model": str(model.pk), "version": "1.0.0", "notes": "a\0b"}
    assert browser.post("/models/register/", form).status_code == 400
    assert browser.post(f"/models/{model.pk}/1.0.0/request/", {"note": "a\0"}).status_code == 400
    assert browser.post(f"/models/{model.pk}/aliases/", {"alias": "a\0", "version": "1.0.0"}).status_code == 400
    assert browser.post(f"/models/{model.pk}/aliases/", {"alias": "a", "version": "\0"}).status_code == 400
    assert browser.post("/models/new/", {"name": "b", "description": "\0"}).status_code == 400
    assert browser.get(f"/models/{model.pk}/%00/").status_code == 404
