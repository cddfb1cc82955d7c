"""Which models may suggest labels: base models that are ready, and checkpoints of finished work. Labeling knows them by opaque names."""

from typing import Any

from django.core.exceptions import ValidationError

from apps.accounts.models import Workspace
from apps.training import loading
from apps.training.models import BaseModel, Checkpoint

MOST = 100  # checkpoints that are offered, the newest


class Models:
    """`base:<slug>` and `checkpoint:<id>`."""

    def known(self, workspace: Workspace) -> list[tuple[str, str]]:
        """(name, what is shown) of each that can be asked now."""
        bases = BaseModel.objects.filter(workspace=workspace).order_by("name")
        found = [(f"base:{model.slug}", model.name) for model in bases if model.is_ready]
        newest = _checkpoints(workspace).order_by("-created_at")[:MOST]
        return found + [(f"checkpoint:{one.pk}", str(one)) for one in newest if one.folder.is_dir()]

    def folders(self, workspace: Workspace, name: str) -> dict[str, Any] | None:
        """{"model", "tuned"} as the programs take them, None when it is gone."""
        kind, _colon, key = name.partition(":")
        if kind == "base":
            model = next((m for m in BaseModel.objects.filter(workspace=workspace, slug=key) if m.is_ready), None)
            return loading.of_base(model) if model else None
        return self._checkpoint(workspace, key) if kind == "checkpoint" else None

    def _checkpoint(self, workspace: Workspace, key: str) -> dict[str, Any] | None:
        try:
            found = _checkpoints(workspace).filter(pk=key).first()
        except ValidationError:
            return None
        if found is None or not found.folder.is_dir():
            return None
        return loading.of_checkpoint(found)


def _checkpoints(workspace: Workspace) -> Any:
    rows = Checkpoint.objects.that_write().filter(run__workspace=workspace, is_removed=False)
    return rows.select_related("run__base_model", "run__job")


MODELS = Models()
