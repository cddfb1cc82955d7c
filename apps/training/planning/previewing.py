"""The first rows of a launch as tokens, made by a small process with limits: no tokenizer runs in the web process."""

import threading
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.datasets.rehearsing import ask
from apps.training import launching
from apps.training.models import BaseModel

LOOKED_AT, SHOWN = 400, 6
TIMEOUT = 40  # seconds; most of them to import the tokenizers
_AT_ONCE = threading.BoundedSemaphore(2)


def preview(*, base_model: BaseModel, version: DatasetVersion, recipe: Any) -> dict[str, Any]:
    """See workers.token_preview.look. Raises Problem for settings that cannot be read, a model that is not ready, rows without tokens."""
    found, errors = launching.read_recipe(recipe)
    for problem in errors:
        raise problem
    if not base_model.is_ready:
        raise Problem(_("This base model is not ready."), field="base_model")
    if version.form == "image":
        raise Problem(_("Images have no tokens to show."), field="dataset_version")
    assert found is not None  # no errors, so there is a recipe
    request = {
        "folder": str(base_model.folder),
        "shards": [str(path) for path in version.shard_paths()],
        "form": version.form,
        "max_length": found.fitted(int(base_model.facts.get("context_length") or 0)).max_length,
        "most_rows": LOOKED_AT,
        "shown_rows": SHOWN,
    }
    with _AT_ONCE:
        answer = ask("workers.token_preview", request, timeout=TIMEOUT, field="dataset_version")
    if refused := answer.get("refused"):
        raise Problem(refused["message"], field=refused["field"], hint=refused["hint"])
    shown: dict[str, Any] = answer["preview"]
    return shown
