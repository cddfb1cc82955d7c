"""Each test has a storage of its own, so that what is left behind can be seen. Recipes are tried in this process: starting one for each
page takes most of a second."""

import json
from pathlib import Path
from typing import Any

import pytest

from workers import rehearsal


@pytest.fixture(autouse=True)
def own_storage(settings: Any, tmp_path: Path) -> Path:
    settings.TUNELOOP_STORAGE = f"file://{tmp_path}/files"
    return tmp_path / "files"


@pytest.fixture(autouse=True)
def rehearsed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(request: dict[str, Any]) -> Any:
        return json.loads(json.dumps(rehearsal.answer(json.loads(json.dumps(request)))))

    monkeypatch.setattr("apps.datasets.rehearsing.run", run)
