"""A row in the words of a base model, on its page and by API."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.datasets.models import DatasetVersion
from tests.cast import Cast
from tests.make import make_version

TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"


@pytest.fixture
def version(cast: Cast, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetVersion:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    monkeypatch.setattr("console.base_models.ready", lambda workspace: [("tiny", "Tiny", folder)])
    return make_version(cast.workspace)


def test_rendered__row__is_told_by_page_and_api(cast: Cast, version: DatasetVersion, browser_of: Any) -> None:
    viewer, place = browser_of(cast.viewer), f"/datasets/{version.dataset_id}/v1/rendered/"
    assert "&lt;user&gt;Question 2?&lt;assistant&gt;Answer 2." in viewer.get(f"{place}?row=2").content.decode()
    url = f"/api/v1/datasets/{version.dataset_id}/versions/1/rendered/"
    told = viewer.get(url, {"row": "1", "model": "tiny"}).json()
    assert told == {"row": 1, "text": "<user>Question 1?<assistant>Answer 1."}
    for query, field in (({"row": "9"}, "row"), ({"row": "x"}, "row"), ({"row": "0", "model": "big"}, "model")):
        answer = viewer.get(url, {"model": "tiny", **query})
        assert answer.status_code == 400 and answer.json()["error"]["field"] == field
    assert viewer.get(f"{place}?row=99").status_code == 400
