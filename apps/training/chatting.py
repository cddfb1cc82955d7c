"""What the chat page shows."""

from typing import Any

from django.urls import reverse

from apps.accounts.models import Workspace
from apps.datasets.rows import read_page
from apps.training import wording
from apps.training.models import BaseModel, Checkpoint, Turn

MOST_CHECKPOINTS = 100
MOST_PROMPTS = 6
MOST_TURNS = 20


def page(*, user: Any, workspace: Workspace, checkpoint: Checkpoint | None, model: BaseModel | None) -> dict[str, Any]:
    """The page for a checkpoint, for a base model alone, or, where nothing was named, for the one that tells most."""
    rows = Checkpoint.objects.visible_to(user).that_write().filter(workspace=workspace, is_removed=False)
    checkpoints = list(rows.select_related("run__base_model").order_by("-created_at")[:MOST_CHECKPOINTS])
    models = BaseModel.objects.visible_to(user).filter(workspace=workspace).select_related("job")
    ready = [one for one in models if one.is_ready]
    if checkpoint is None and model is None:
        checkpoint = _most_telling(checkpoints)
        model = None if checkpoint else next(iter(ready), None)
    return {
        "checkpoints": checkpoints,
        "models": ready,
        "checkpoint": checkpoint,
        "model": checkpoint.run.base_model if checkpoint else model,
        "prompts": prompts_for(checkpoint),
        "words": wording.CHAT,
        "data": _data(user, checkpoint, model),
    }


def _most_telling(checkpoints: list[Checkpoint]) -> Checkpoint | None:
    """The newest best one of a run that ended well, else the newest there is."""
    published = [one for one in checkpoints if one.key]
    best = [one for one in published if one.is_best]
    return next(iter([*best, *published, *checkpoints]), None)


def _data(user: Any, checkpoint: Checkpoint | None, model: BaseModel | None) -> dict[str, Any]:
    """What chat.js needs: whom to ask, and what was asked before."""
    turns = Turn.objects.visible_to(user).filter(created_by=user, checkpoint=checkpoint)
    if checkpoint is None:
        turns = turns.filter(base_model=model)
    newest = list(turns.order_by("-created_at").values_list("pk", flat=True)[:MOST_TURNS])
    return {
        "ask": {"checkpoint": str(checkpoint.pk)} if checkpoint else {"base_model": str(model.pk) if model else ""},
        "sides": ["base", "tuned"] if checkpoint else ["base"],
        "url": reverse("api:turns"),
        "turns": [str(pk) for pk in reversed(newest)],
    }


def prompts_for(checkpoint: Checkpoint | None) -> list[str]:
    """Questions to begin with: those of the run's samples, which it has not learned from; else the first of its data."""
    if checkpoint is None:
        return []
    rows = checkpoint.run.samples.order_by("-step", "index").values_list("prompt", flat=True)[:12]
    prompts = list(dict.fromkeys(prompt.strip() for prompt in rows))
    return prompts[:MOST_PROMPTS] or _first_questions(checkpoint)


def _first_questions(checkpoint: Checkpoint) -> list[str]:
    version = checkpoint.run.dataset_version
    rows = read_page(version.shard_paths(), start=0, limit=MOST_PROMPTS, total=version.row_count).rows
    users = [[m["content"] for m in row.messages if m["role"] == "user"] for row in rows]
    return [contents[0].strip() for contents in users if contents]
