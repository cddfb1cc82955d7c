"""The pages of feedback."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.models import LedgerEntry
from apps.datasets.models import DatasetVersion
from apps.datasets.quality import profiles
from apps.feedback import services
from apps.feedback.models import Signal, Status
from apps.labeling import services as labeling
from apps.labeling.models import LabelProject
from apps.serving.models import Exchange
from apps.training.models import Run
from tests.cast import Cast
from tests.feedback.conftest import Give, Tally
from tests.feedback.test_returning import freeze

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


def test_list__nothing_yet__teaches_how_feedback_comes(cast: Cast, browser_of: Browser) -> None:
    assert "POST /api/v1/feedback/" in browser_of(cast.viewer).get("/feedback/").content.decode()


def test_list__who_may_sort__can_choose(cast: Cast, browser_of: Browser, give: Give) -> None:
    signal = give(thumbs="down", correction="By train.")
    page = browser_of(cast.curator).get("/feedback/").content.decode()
    assert f'value="{signal.pk}"' in page and "By train." in page and "Send to labeling" in page
    plain = browser_of(cast.viewer).get("/feedback/").content.decode()
    assert "By train." in plain and 'name="signal"' not in plain and "Send to labeling" not in plain


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("", True),
        ("thumbs=up", False),
        ("thumbs=odd", True),
        ("q=TRAIN", True),
        ("q=ship", False),
        ("status=used", False),
    ],
)
def test_list__narrowed__shows_what_fits(
    cast: Cast, browser_of: Browser, give: Give, query: str, is_there: bool
) -> None:
    give(thumbs="down", correction="By train.")
    page = browser_of(cast.viewer).get(f"/feedback/?{query}", headers={"HX-Request": "true"}).content.decode()
    assert ("By train." in page) is is_there and "<html" not in page


def test_signal__page__stands_beside_its_exchange(
    cast: Cast, browser_of: Browser, give: Give, in_arm: Exchange, tally: Tally
) -> None:
    signal = give(in_arm, score=3, comment="<b>hm</b>")
    page = browser_of(cast.viewer).get(signal.get_absolute_url()).content.decode()
    assert "No idea." in page and "answers/b" in page and "&lt;b&gt;hm" in page and "support 1.0.0" in page
    assert f"/lineage/signal/{signal.pk}/" in page and "Dismiss" not in page


def test_send__from_the_list__goes_to_a_new_project_and_tells(cast: Cast, browser_of: Browser, give: Give) -> None:
    chosen = [give(user=str(number), thumbs="down") for number in range(3)]
    form = {"signal": [str(signal.pk) for signal in chosen[:2]], "name": "July"}
    answer = browser_of(cast.curator).post("/feedback/send/", form, follow=True)
    project = LabelProject.objects.get(name="July")
    assert project.tasks.count() == 2 and "July" in answer.content.decode()
    assert Signal.objects.filter(status=Status.NEW).count() == 1


def test_send__from_the_list__goes_to_an_open_project(cast: Cast, browser_of: Browser, give: Give) -> None:
    project = labeling.correction_project(actor=cast.curator, workspace=cast.workspace, name="Open one")
    signal, client = give(thumbs="down"), browser_of(cast.curator)
    assert "Open one" in client.get("/feedback/").content.decode()
    client.post("/feedback/send/", {"signal": str(signal.pk), "project": str(project.pk)})
    assert project.tasks.count() == 1


@pytest.mark.parametrize("verb", ["send", "dismiss", "harvest", "reopen"])
def test_verbs__nothing_chosen__is_told_on_the_list(cast: Cast, browser_of: Browser, give: Give, verb: str) -> None:
    give(thumbs="up")
    answer = browser_of(cast.curator).post(f"/feedback/{verb}/", {}, follow=True)
    assert answer.redirect_chain[-1][0] == "/feedback/" and "Choose the feedback first" in answer.content.decode()


def test_dismiss_and_reopen__by_page(cast: Cast, browser_of: Browser, give: Give) -> None:
    signal, client = give(thumbs="down"), browser_of(cast.curator)
    client.post("/feedback/dismiss/", {"signal": str(signal.pk)})
    signal.refresh_from_db()
    assert (
        signal.status == Status.DISMISSED
        and "Take it up again" in client.get(signal.get_absolute_url()).content.decode()
    )
    client.post("/feedback/reopen/", {"signal": str(signal.pk)})
    signal.refresh_from_db()
    assert signal.status == Status.NEW


def test_harvest__by_page__makes_a_version(cast: Cast, browser_of: Browser, give: Give, served: DatasetVersion) -> None:
    form = {"signal": str(give(thumbs="up").pk), "dataset": str(served.dataset_id)}
    page = browser_of(cast.engineer).post("/feedback/harvest/", form, follow=True).content.decode()
    assert "support-data v2" in page and "Train again" in page


def test_returns__frozen_project__offers_to_train_again(cast: Cast, browser_of: Browser, give: Give) -> None:
    project = services.send_to_labeling(actor=cast.curator, signals=[give(correction="By train.")], name="July")
    waiting = browser_of(cast.engineer).get("/feedback/returns/").content.decode()
    assert "July" in waiting and "Not frozen yet" in waiting and "Train again" not in waiting
    version = freeze(cast, project)
    client = browser_of(cast.engineer)
    page = client.get("/feedback/returns/").content.decode()
    assert "Train again" in page and f"version={version.pk}" in page
    answer = client.post(f"/feedback/train/{version.pk}/")
    assert answer.status_code == 302 and Run.objects.filter(dataset_version=version).exists()
    assert "Train again" not in browser_of(cast.curator).get("/feedback/returns/").content.decode()


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("approver", 403), ("annotator", 404), ("stranger", 404)])
@pytest.mark.parametrize("verb", ["send", "dismiss", "reopen", "harvest"])
def test_verbs__who_may_not__change_nothing(
    cast: Cast, browser_of: Browser, give: Give, who: str, status: int, verb: str
) -> None:
    signal = give(thumbs="up")
    answer = browser_of(cast.by_role(who)).post(f"/feedback/{verb}/", {"signal": str(signal.pk)})
    assert answer.status_code == status
    signal.refresh_from_db()
    assert signal.status == Status.NEW


def test_pages__of_a_stranger__show_nothing_of_ours(cast: Cast, browser_of: Browser, give: Give) -> None:
    signal, client = give(thumbs="down", correction="By train."), browser_of(cast.stranger)
    assert client.get(signal.get_absolute_url()).status_code == 404
    assert (
        "By train." not in client.get("/feedback/").content.decode() + client.get("/feedback/returns/").content.decode()
    )


@pytest.mark.parametrize("address", ["/feedback/", "/feedback/returns/"])
def test_pages__annotator__is_told_no(cast: Cast, browser_of: Browser, address: str) -> None:
    assert browser_of(cast.annotator).get(address).status_code == 403


def test_returns__version_beyond_its_limits__trains_again_only_with_a_reason(
    cast: Cast, browser_of: Browser, give: Give
) -> None:
    version = freeze(cast, services.send_to_labeling(actor=cast.curator, signals=[give(correction="By train.")]))
    half = {"n": 6, "share": 0.5}
    figures = {"rows": version.row_count, "duplicates": {**half, "exact": {**half, "rows": 3}}}
    profiles.keep(version=version, created_by=None, job=None, figures=figures)
    client, before = browser_of(cast.engineer), Run.objects.count()
    assert 'name="quality_override" required' in client.get("/feedback/returns/").content.decode()
    refused = client.post(f"/feedback/train/{version.pk}/", follow=True)
    assert refused.redirect_chain[-1][0] == "/feedback/returns/"
    assert "breaks its quality limits" in refused.content.decode() and Run.objects.count() == before
    client.post(f"/feedback/train/{version.pk}/", {"quality_override": "a rehearsal"})
    assert Run.objects.filter(dataset_version=version).exists()
    assert LedgerEntry.objects.filter(verb="dataset.quality_overridden", note="a rehearsal").exists()


def test_returns__version_within_its_limits__asks_for_no_reason(cast: Cast, browser_of: Browser, give: Give) -> None:
    freeze(cast, services.send_to_labeling(actor=cast.curator, signals=[give(correction="By train.")]))
    page = browser_of(cast.engineer).get("/feedback/returns/").content.decode()
    assert "Train again" in page and "quality_override" not in page
