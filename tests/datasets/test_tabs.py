"""The tabs of a version: grouped, and without what is empty."""

import pytest

from apps.datasets.models import DatasetVersion
from apps.datasets.tabs import Group, groups_of
from tests.cast import Cast
from tests.make import as_jsonl, make_version

pytestmark = pytest.mark.django_db


def names(groups: list[Group]) -> list[list[str]]:
    return [[page.name for page in group.pages] for group in groups]


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, as_jsonl([{"prompt": "Where?", "completion": "Here."}]), actor=cast.curator)


def test_tabs__new_version__are_four(version: DatasetVersion) -> None:
    assert names(groups_of(version, "rows", may_edit=True)) == [
        ["rows"],
        ["profile", "quality", "duplicates"],
        ["prepare"],
        ["versions", "changes", "about"],
    ]


def test_tabs__who_may_not_edit__has_no_prepare(version: DatasetVersion) -> None:
    assert not any(group.holds("prepare") for group in groups_of(version, "rows", may_edit=False))


def test_tabs__empty_quarantine__is_shown_only_while_it_is_open(version: DatasetVersion) -> None:
    assert groups_of(version, "quarantine", may_edit=True)[0].holds("quarantine")
    version.quarantined_count = 2
    opened = groups_of(version, "rows", may_edit=True)[0]
    assert [(page.name, page.count) for page in opened.pages] == [("rows", None), ("quarantine", 2)]
