"""A rollout at a tenth, and folders of this test alone."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.rollout.models import Rollout
from tests import make
from tests.rollout.making import make_rollout


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    make.with_fake_kind(monkeypatch)


@pytest.fixture
def rollout(workspace: Workspace) -> Rollout:
    return make_rollout(workspace)
