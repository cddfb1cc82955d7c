"""Rows of a quarantine, mended: tried again under the same mapping, added as the next version, each once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.datasets import mending
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import iterate
from tests.cast import Cast
from tests.make import make_version

pytestmark = pytest.mark.django_db

GOOD = b'{"prompt": "Q1", "completion": "A1"}\n'
BAD = b'{"prompt": "Q2", "completion": ""}\nno json\n'
MENDED = '{"prompt": "Q2", "completion": "A2"}'


@pytest.fixture
def workspace(cast: Cast) -> Workspace:
    return cast.workspace


@pytest.fixture
def version(workspace: Workspace) -> DatasetVersion:
    return make_version(workspace, GOOD + BAD)


def answers(version: DatasetVersion) -> list[str]:
    return [row.answer for row in iterate(version)]


def send(version: DatasetVersion, *rows: tuple[int, str]) -> mending.Outcome:
    return mending.mend_rows(actor="test", version=version, rows=[{"line": line, "raw": raw} for line, raw in rows])


def test_mend__row_that_can_be_used__is_the_next_version(version: DatasetVersion) -> None:
    outcome = send(version, (2, MENDED), (3, "still no json"))
    made = outcome.version
    assert made and made.number == 2 and made.parent == version and made.step == "mend"
    assert answers(made) == ["A1", "A2"] and (made.added_count, made.removed_count) == (1, 0)
    assert (made.quarantined_count, made.reasons) == (1, {"bad_json": 1})
    assert outcome.accepted == [2] and [row["line"] for row in outcome.refused] == [3]
    assert made.shards[0] == version.shards[0] and [row.source_line for row in iterate(made)] == [1, 2]


def test_mend__same_row_again__comes_in_once(version: DatasetVersion) -> None:
    first, again = send(version, (2, MENDED)).version, send(version, (2, MENDED)).version
    assert first == again and version.dataset.versions.count() == 2
    assert send(version, (2, "broken")).version == first


def test_mend__one_after_the_other_from_the_first_version__loses_none(version: DatasetVersion) -> None:
    send(version, (2, MENDED))
    last = send(version, (3, '{"prompt": "Q3",\n "completion": "A3"}')).version
    assert last and answers(last) == ["A1", "A2", "A3"] and last.quarantined_count == 0


@pytest.mark.parametrize(
    ("rows", "field", "words"),
    [
        (None, "rows", "Send a list"),
        ([], "rows", "Send a list"),
        ([{"line": "2", "raw": "x"}], "rows.0", "needs its line"),
        ([{"line": 2}], "rows.0", "needs its line"),
        ([{"line": 1, "raw": MENDED}], "rows", "Line 1 is not in this quarantine"),
        ([{"line": 2, "raw": MENDED}] * 201, "rows", "At most 200"),
    ],
)
def test_mend__bad_input__says_what_is_wrong(version: DatasetVersion, rows: Any, field: str, words: str) -> None:
    with pytest.raises(Problem) as problem:
        mending.mend_rows(actor="test", version=version, rows=rows)
    assert problem.value.field == field and words in problem.value.message
    assert version.dataset.versions.count() == 1


FORMATS: dict[str, tuple[str, bytes, int, str, str]] = {
    "CSV": ("rows.csv", b'prompt;completion\nQ1;A1\nQ2;"A" 2\n', 3, 'Q2;"A;2"', "A;2"),
    "JSON": ("rows.json", b'[{"prompt": "Q1", "completion": "A1"},\n{"prompt": "Q2"}]', 2, MENDED, "A2"),
}


@pytest.mark.parametrize("case", FORMATS)
def test_mend__of_other_formats__is_read_as_the_file_was(workspace: Workspace, case: str) -> None:
    name, content, line, raw, answer = FORMATS[case]
    made = send(make_version(workspace, content, file=name), (line, raw)).version
    assert made and answers(made) == ["A1", answer]
    assert send(make_version(workspace, content, file=name, name="other"), (line, f"{raw}\n{raw}")).accepted == []


@pytest.fixture
def page(cast: Cast, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(cast.engineer)


def test_page__changed_rows__are_tried_and_what_stays_bad_keeps_its_text(page: Client, version: DatasetVersion) -> None:
    url = f"{version.get_absolute_url()}quarantine/"
    assert 'name="raw-3"' in page.get(url).content.decode()
    unchanged = {"raw-2": '{"prompt": "Q2", "completion": ""}', "raw-3": "no json", "cursor": ""}
    assert "No row was changed" in page.post(f"{url}mend/", unchanged).content.decode()
    refused = page.post(f"{url}mend/", {**unchanged, "raw-3": "never\r\nmind"})
    assert refused.status_code == 400 and "never\nmind" in refused.content.decode()
    both = page.post(f"{url}mend/", {"raw-2": MENDED, "raw-3": "never mind", "cursor": ""}).content.decode()
    assert "1 mended row is in v2" in both and "never mind" in both and 'name="raw-2"' not in both
    assert "they are in v2" in page.get(url).content.decode()


def test_page__mended_file__comes_in(page: Client, version: DatasetVersion) -> None:
    url = f"{version.get_absolute_url()}quarantine/"
    lines = b"".join(page.get(f"{url}download/")).splitlines()
    rows = [json.loads(line) for line in lines]
    rows[0]["raw"] = MENDED
    file = SimpleUploadedFile("q.jsonl", "\n".join(map(json.dumps, rows)).encode())
    answer = page.post(f"{url}mend/", {"file": file})
    assert "1 mended row is in v2" in answer.content.decode()
    other = SimpleUploadedFile("q.jsonl", b'{"a": 1}\n')
    assert "is no row of a quarantine" in page.post(f"{url}mend/", {"file": other}).content.decode()


def test_api__mended_rows__are_in_the_version_that_it_names(page: Client, version: DatasetVersion) -> None:
    url = f"/api/v1/datasets/{version.dataset_id}/versions/1/quarantine/mend/"
    answer = page.post(url, {"rows": [{"line": 2, "raw": MENDED}]}, content_type="application/json")
    assert answer.status_code == 201 and answer.json()["version"]["number"] == 2 and answer.json()["accepted"] == [2]
    bad = page.post(url, {"rows": [{"line": 3, "raw": "x"}]}, content_type="application/json")
    assert bad.status_code == 400 and "Line 3: Not JSON" in bad.json()["error"]["message"]
    assert page.post(url, [1], content_type="application/json").status_code == 400
