"""The pages about versions: the line, what changed, about one, and the deletion of its rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.datasets import amending, services
from apps.datasets.models import DatasetVersion
from apps.datasets.versions import diffing, purging, tagging
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import as_jsonl, make_version
from workers.formats.forms import with_texts

Browser = Callable[[User], Client]
ROWS = [{"prompt": f"Where is order {n}?", "completion": f"Order {n} is on its way.", "id": n} for n in range(30)]


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    """The second of two: the answer of row 4 was edited, row 9 is gone."""
    first = make_version(cast.workspace, as_jsonl(ROWS))
    [row] = amending.rows_at(first, {3: None})
    changed = with_texts(row, [row.messages[0].content, "Order 3 is on the shelf."], form="chat")
    return amending.amend_version(actor=cast.curator, parent=first, changes={3: changed, 8: None}, step="edit")


@pytest.fixture
def page(cast: Cast, browser_of: Browser) -> Client:
    return browser_of(cast.curator)


def url(version: DatasetVersion, part: str, number: int = 0) -> str:
    return f"/datasets/{version.dataset_id}/v{number or version.number}/{part}/"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_changes__of_an_edit__shows_the_words_that_changed(page: Client, version: DatasetVersion) -> None:
    text = text_of(page.get(url(version, "changes")))
    assert "<del>way</del>" in text or "<del>its</del>" in text
    assert "<ins>shelf</ins>" in text and "Where is order 8?" in text
    only = text_of(page.get(url(version, "changes"), {"kind": "removed"}))
    assert "shelf" not in only and "Where is order 8?" in only
    none = text_of(page.get(url(version, "changes"), {"kind": "added"}))
    assert "No row differs in this way" in none


def test_changes__of_a_first_version__asks_for_another(page: Client, version: DatasetVersion) -> None:
    assert "This is the first version" in text_of(page.get(url(version, "changes", 1)))
    assert "shelf" in text_of(page.get(url(version, "changes", 1), {"against": "2"}))


def test_changes__more_than_a_page__goes_on(page: Client, version: DatasetVersion) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    made = services.freeze_rows(actor=None, dataset=version.dataset, rows=[{"messages": talk}], step="label")
    text = text_of(page.get(url(made, "changes")))
    assert "cursor=20" in text and text.count("<li data-kind=") == 20
    assert "First" in text_of(page.get(url(made, "changes"), {"cursor": "20"}))


@pytest.mark.parametrize("query", [{"against": "77"}, {"kind": "odd"}, {"cursor": "x"}])
def test_changes__bad_question__is_told_on_the_page(page: Client, version: DatasetVersion, query: Any) -> None:
    answer = page.get(url(version, "changes"), query)
    assert answer.status_code == 400 and b'role="alert"' in answer.content


def test_changes__of_large_versions__are_asked_for(
    page: Client, version: DatasetVersion, monkeypatch: Any, cast: Cast, browser_of: Browser
) -> None:
    monkeypatch.setattr(diffing.known_or_quick, "__defaults__", ("", 0))
    assert "Compare them" in text_of(page.get(url(version, "changes")))
    assert "Compare them" not in text_of(browser_of(cast.viewer).get(url(version, "changes")))
    assert page.post(url(version, "changes")).status_code == 302
    assert Job.objects.get(kind="datasets.compare").inputs["after"] == str(version.pk)
    assert "are being compared" in text_of(page.get(url(version, "changes")))


def test_compare__two_ticked__leads_to_what_differs(page: Client, version: DatasetVersion) -> None:
    address = f"/datasets/{version.dataset_id}/versions/compare/"
    assert page.get(address, {"v": ["2", "1"]})["Location"].endswith("/v2/changes/?against=1")
    answer = page.get(address, {"v": ["2"]}, follow=True)
    assert "Tick two versions" in text_of(answer)


def test_versions__list__draws_the_line_and_the_tags(page: Client, version: DatasetVersion) -> None:
    tagging.set_tag(actor=None, version=version, name="gold")
    text = text_of(page.get(f"/datasets/{version.dataset_id}/versions/"))
    assert 'd="M7 50V100"' in text and "gold" in text and "/v2/changes/" in text


def test_about__of_a_version__tells_its_making_tiers_and_tags(page: Client, version: DatasetVersion) -> None:
    text = text_of(page.get(url(version, "about")))
    assert "Its own" in text and "a patch of 2 rows" in text and version.content_hash in text
    assert page.post(url(version, "tag"), {"name": "gold"}).status_code == 302
    assert "Remove the tag gold" in text_of(page.get(url(version, "about")))
    assert "cannot be the name" in text_of(page.post(url(version, "tag"), {"name": "No!"}, follow=True))
    assert page.post(url(version, "tag/remove"), {"name": "gold"}).status_code == 302
    assert page.post(url(version, "tag/remove"), {"name": "gold"}).status_code == 404


def test_delete__name_typed__leaves_a_tombstone_in_the_line(page: Client, version: DatasetVersion) -> None:
    assert "This is the newest version" in text_of(page.get(url(version, "delete")))
    address = url(version, "delete", 1)
    assert "Type support v1 to confirm" in text_of(page.get(address))
    assert "not the name of the version" in text_of(page.post(address, {"name": "support"}))
    assert page.post(address, {"name": "support v1", "reason": "asked for"}).status_code == 302
    listed = text_of(page.get(f"/datasets/{version.dataset_id}/versions/"))
    assert "deleted" in listed and "/v1/about/" in listed
    assert "asked for" in text_of(page.get(url(version, "about", 1)))
    assert page.get(f"/datasets/{version.dataset_id}/v1/").status_code == 410
    assert page.get(url(version, "changes")).status_code == 410
    assert page.post(address, {"name": "support v1"}).status_code == 410


def test_delete__held_by_a_tag__is_told_before_anything_is_typed(page: Client, version: DatasetVersion) -> None:
    first = version.dataset.versions.get(number=1)
    tagging.set_tag(actor=None, version=first, name="gold")
    assert "the tag gold" in text_of(page.get(url(version, "delete", 1)))
    assert page.post(url(version, "delete", 1), {"name": "support v1"}).status_code == 409
    assert purging.why_not(first) is not None


def test_viewer__sees_but_changes_nothing(version: DatasetVersion, cast: Cast, browser_of: Browser) -> None:
    viewer = browser_of(cast.viewer)
    assert "Tag it" not in text_of(viewer.get(url(version, "about")))
    for part in ("tag", "tag/remove", "delete", "changes"):
        assert viewer.post(url(version, part, 1), {"name": "x"}).status_code == 403
