"""The pages of rollouts, as a person meets them."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.rollout import services
from apps.rollout.models import Exposure, Rollout
from tests.cast import Cast
from tests.rollout.making import make_deployment, make_exchange, make_rollout

pytestmark = pytest.mark.django_db
Browsers = Callable[[User], Client]


def test_list__without_deployments__says_what_is_needed(cast: Cast, browser_of: Browsers) -> None:
    page = browser_of(cast.engineer).get("/rollout/").content.decode()
    assert "No rollout yet" in page and "compares two deployments" in page and "/rollout/new/" not in page
    make_rollout(cast.workspace)
    page = browser_of(cast.viewer).get("/rollout/").content.decode()
    assert "support-old" in page and "Running" in page and "/rollout/new/" not in page
    assert "/rollout/new/" in browser_of(cast.engineer).get("/rollout/").content.decode()


def test_new__made_and_started__by_the_pages(cast: Cast, browser_of: Browsers) -> None:
    make_deployment(cast.workspace, "old"), make_deployment(cast.workspace, "new")
    browser = browser_of(cast.engineer)
    assert "old (support-model 1.0.0, Ready)" in browser.get("/rollout/new/").content.decode()
    form = {"name": "support", "control": "old", "candidate": "new", "percent": "12.5"}
    assert browser.post("/rollout/new/", form).status_code == 302
    made = Rollout.objects.get()
    assert (made.share, made.status) == (0.125, "draft")
    assert browser.post(f"/rollout/{made.pk}/start/").status_code == 302
    assert "At 12.5 %" in browser.get(f"/rollout/{made.pk}/").content.decode()


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"candidate": "old"}, 400, "same deployment"),
        ({"percent": "101"}, 400, "between 0 and 1"),
        ({"percent": "ten"}, 400, "Give a number"),
        ({"name": "old"}, 409, "belongs to a deployment"),
        ({"control": "nobody"}, 400, "no deployment"),
    ],
)
def test_new__bad_form__is_told_and_kept(
    cast: Cast, browser_of: Browsers, change: dict[str, str], status: int, words: str
) -> None:
    make_deployment(cast.workspace, "old"), make_deployment(cast.workspace, "new")
    form = {"name": "support", "control": "old", "candidate": "new", "percent": "10", **change}
    answer = browser_of(cast.engineer).post("/rollout/new/", form)
    assert answer.status_code == status and words in answer.content.decode()
    assert f'value="{form["name"]}"' in answer.content.decode() and not Rollout.objects.exists()


def test_page__with_traffic__shows_arms_figures_and_ledger(cast: Cast, browser_of: Browsers, rollout: Rollout) -> None:
    for number in range(60):
        make_exchange(rollout, f"u{number}")
    for arm, values in ((rollout.candidate, (1, 1, 0.5)), (rollout.control, (0, 0.5, 0))):
        for value in values:
            services.note_feedback(arm_id=arm.pk, value=value)
    page = browser_of(cast.viewer).get(f"/rollout/{rollout.pk}/").content.decode()
    assert "Candidate minus control: 0.667" in page and "too few users yet" in page and "Started" in page
    assert "Kill switch</button>" not in page and "Raise to" not in page
    part = browser_of(cast.engineer).get(f"/rollout/{rollout.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "Kill switch" in part and "Raise to" in part


def test_why__for_a_user__tells_each_step_and_assigns_nobody(
    cast: Cast, browser_of: Browsers, rollout: Rollout
) -> None:
    page = browser_of(cast.viewer).get(f"/rollout/{rollout.pk}/", {"unit": "<b>u1"}).content.decode()
    assert "The candidate has buckets 0 to 999" in page and "Its control has buckets 9,000 to 9,999" in page
    assert "&lt;b&gt;u1" in page and "<b>u1" not in page and not Exposure.objects.exists()


def test_kill_switch__by_an_approver__stops_and_says_so(cast: Cast, browser_of: Browsers, rollout: Rollout) -> None:
    approver = browser_of(cast.approver)
    assert approver.post(f"/rollout/{rollout.pk}/pause/").status_code == 403
    assert approver.post(f"/rollout/{rollout.pk}/stop/", {"note": "rude answers"}).status_code == 302
    page = approver.get(f"/rollout/{rollout.pk}/").content.decode()
    assert "The kill switch is on" in page and "rude answers" in page and "Start again</button>" not in page
    assert browser_of(cast.engineer).post(f"/rollout/{rollout.pk}/start/").status_code == 302
    again = approver.post(f"/rollout/{rollout.pk}/nothing/")
    assert again.status_code == 404


def test_share__by_button_and_bad_number__is_set_or_told(cast: Cast, browser_of: Browsers, rollout: Rollout) -> None:
    browser = browser_of(cast.engineer)
    assert browser.post(f"/rollout/{rollout.pk}/share/", {"percent": "25"}).status_code == 302
    rollout.refresh_from_db()
    assert rollout.share == 0.25
    answer = browser.post(f"/rollout/{rollout.pk}/share/", {"percent": "-5"})
    assert answer.status_code == 400 and "A share lies between 0 and 1." in answer.content.decode()


def test_start__with_a_deployment_off__is_told_on_the_page(cast: Cast, browser_of: Browsers) -> None:
    draft = make_rollout(cast.workspace, start=False, control=make_deployment(cast.workspace, "off", status="stopped"))
    answer = browser_of(cast.engineer).post(f"/rollout/{draft.pk}/start/")
    assert answer.status_code == 409 and "The deployment off is off" in answer.content.decode()


@pytest.mark.parametrize("who", ["stranger", "annotator"])
def test_pages__stranger_or_annotator__finds_nothing(
    cast: Cast, browser_of: Browsers, rollout: Rollout, who: str
) -> None:
    browser, address = browser_of(cast.by_role(who)), f"/rollout/{rollout.pk}/"
    assert browser.get(address).status_code == 404
    for step in ("start", "pause", "stop", "share"):
        assert browser.post(f"{address}{step}/", {"percent": "50"}).status_code == 404
    rollout.refresh_from_db()
    assert rollout.is_running and rollout.share == 0.1


def test_forms__with_a_null_character__are_refused(cast: Cast, browser_of: Browsers, rollout: Rollout) -> None:
    """PostgreSQL keeps none."""
    browser, address = browser_of(cast.engineer), f"/rollout/{rollout.pk}/"
    form = {"name": "a\0", "control": "b\0", "candidate": "c", "percent": "10"}
    assert browser.post("/rollout/new/", form).status_code == 400
    assert browser.post(f"{address}share/", {"percent": "20", "note": "a\0"}).status_code == 400
    assert browser.post(f"{address}stop/", {"note": "a\0"}).status_code == 400
    assert browser.get(address, {"unit": "a\0"}).status_code == 400
