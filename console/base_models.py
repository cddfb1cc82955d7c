"""What stages before training may know of base models: their names and folders."""

from pathlib import Path

from apps.accounts.models import Workspace
from apps.training.models import BaseModel


def ready(workspace: Workspace) -> list[tuple[str, str, Path]]:
    """Slug, name and folder of each base model of a workspace that can be used now."""
    models = BaseModel.objects.filter(workspace=workspace).order_by("name")
    return [(model.slug, model.name, model.folder) for model in models if model.is_ready]
