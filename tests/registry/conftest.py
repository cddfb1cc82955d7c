"""A model, a checkpoint, and folders of this test alone."""

from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.registry.models import Model
from apps.training.models import Checkpoint
from tests import make
from tests.cast import Cast
from tests.registry.making import make_checkpoint, make_model


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    (data / "tmp").mkdir(parents=True)
    settings.TUNELOOP_DATA = data
    settings.TUNELOOP_STORAGE = f"file://{data}/files"
    make.with_fake_kind(monkeypatch)


@pytest.fixture
def checkpoint(workspace: Workspace) -> Checkpoint:
    return make_checkpoint(workspace)


@pytest.fixture
def model(cast: Cast) -> Model:
    return make_model(cast.workspace, cast.engineer)
