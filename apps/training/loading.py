"""Where a model lies, as every program that loads one is told."""

from typing import Any

from apps.datasets.models import DatasetVersion
from apps.training.models import BaseModel, Checkpoint


def of_base(model: BaseModel) -> dict[str, Any]:
    """{"model", "tuned"} of a base model by itself."""
    return {"model": {"folder": str(model.folder)}, "tuned": None}


def of_checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    """The same of a checkpoint on its base. Its files must be there (`checkpoint.folder.is_dir()`)."""
    tuned = {"folder": str(checkpoint.folder), "method": checkpoint.run.method}
    return {**of_base(checkpoint.run.base_model), "tuned": tuned}


def for_training(model: BaseModel, version: DatasetVersion, *, resume_from: str | None = None) -> dict[str, Any]:
    """{"model", "shards", "resume_from"} of a run, as `workers.fine_tune` and `workers.probe` take them."""
    shards = [str(path) for path in version.shard_paths()]
    return {"model": {"folder": str(model.folder)}, "shards": shards, "resume_from": resume_from}
