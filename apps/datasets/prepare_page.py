"""The page on which a version is prepared: its form as a recipe, and what the recipe would do."""

from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrPromise

from apps.core.errors import Problem
from apps.datasets import preparing
from apps.datasets.base_models import known_models
from apps.datasets.differences import differences
from apps.datasets.models import DatasetVersion, SavedRecipe
from apps.datasets.recipes import fields
from apps.datasets.recipes.form import Form, of_recipe, read, suggested
from workers.cleaning import REGISTRY
from workers.formats.chat import SPLITS

SPLIT_LABELS: dict[str, StrPromise] = {
    "train": gettext_lazy("Train"),
    "validation": gettext_lazy("Validation"),
    "test": gettext_lazy("Test"),
}
WAY_LABELS: dict[str, StrPromise] = {
    "": gettext_lazy("Row by row"),
    "group": gettext_lazy("Rows with the same value stay together"),
    "stratify": gettext_lazy("The same shares of every value"),
    "time": gettext_lazy("By time: the newest are tested"),
}
REASONS: dict[str, StrPromise] = {
    "empty": gettext_lazy("nothing left"),
    "missing": gettext_lazy("a field is missing"),
}
MOST_LABELS = 60  # characters of a fact that a step tells


def form_for(query: QueryDict, version: DatasetVersion) -> Form:
    """The form that was sent; else the recipe that an address names (`recipe`, or `like` for that of a version of this dataset); else
    what is usually wanted of such a version."""
    if "sent" in query or "recipe-form" in query:
        return read(query)
    if (saved := saved_recipe(version, query.get("recipe", ""))) is not None:
        return of_recipe(saved.steps, saved.split, str(saved.pk))
    like = query.get("like", "").lstrip("v")
    if like.isascii() and like.isdigit() and len(like) < 9:
        other = version.dataset.versions.filter(number=int(like)).first()
        if other and other.recipe.get("steps") is not None:
            return of_recipe(
                other.recipe["steps"], other.recipe.get("split"), other.recipe.get("saved", {}).get("id", "")
            )
    return suggested(version.form, has_splits=bool(version.splits))


def saved_recipe(version: DatasetVersion, pk: str) -> SavedRecipe | None:
    """A saved recipe of the version's workspace by the id that was sent; None where there is none."""
    if len(pk) != 36 or not pk.replace("-", "").isalnum() or not pk.isascii():
        return None
    return next((saved for saved in saved_recipes(version) if str(saved.pk) == pk), None)


def saved_recipes(version: DatasetVersion) -> QuerySet[SavedRecipe]:
    """All editions of the workspace's recipes."""
    found: QuerySet[SavedRecipe] = SavedRecipe.objects.filter(workspace=version.workspace)
    return found


def page(version: DatasetVersion, form: Form, problem: Problem | None = None) -> dict[str, Any]:
    """The form, the outcome on the first rows or the problem with it, and what is shown of both."""
    trial = None
    try:
        trial = preparing.attempt(version, preparing.read(**form.as_recipe()))
    except Problem as found:
        problem = problem or found
    if trial and trial.problem and trial.is_whole:
        problem = problem or trial.problem
    is_empty = not any(step.is_on for step in form.steps) and not form.has_split
    columns = trial.found["columns"] if trial else columns_of(version)
    return {
        **recipe_part(version, form, columns),
        "shares": [(split, SPLIT_LABELS[split], form.split[f"share-{split}"]) for split in SPLITS],
        "ways": [(way, label, way == form.split["way"]) for way, label in WAY_LABELS.items()],
        "columns": [(name, name == form.split["column"]) for name in columns],
        "picker": fields.picker(),
        "saved": SavedRecipe.objects.filter(workspace=version.workspace).newest().order_by("name")[:100],
        "began_as": saved_recipe(version, form.saved),
        "problem": problem,
        "problem_step": _step_of(problem, form),
        "is_ready": problem is None and not is_empty,
        "next_number": version.dataset.newest.number + 1 if version.dataset.newest else 1,
        **(_outcome(version, trial) if trial else {}),
    }


def recipe_part(version: DatasetVersion, form: Form, columns: list[str]) -> dict[str, Any]:
    """What the list of steps needs."""
    steps = fields.shown_steps(form.steps, columns, known_models(version.workspace))
    return {"form": form, "steps": steps}


def columns_of(version: DatasetVersion) -> list[str]:
    """The names of columns to choose from. A version never changes, so they are looked for once."""
    name = f"datasets.columns.{version.pk}"
    found: list[str] | None = cache.get(name)
    if found is None:
        try:
            found = preparing.attempt(version, preparing.read([], None)).found["columns"]
        except Problem:
            return []
        cache.set(name, found, 3600)
    return found


def _step_of(problem: Problem | None, form: Form) -> dict[str, Any] | None:
    """The step that a problem is about, and its field on the page."""
    parts = problem.field.split(".") if problem else []
    if len(parts) < 2 or parts[0] != "steps" or not parts[1].isdigit() or int(parts[1]) >= len(form.steps):
        return None
    step, place = form.steps[int(parts[1])], int(parts[1])
    name = f"{step.uid}.{parts[2]}" if len(parts) > 2 else ""
    return {"place": place + 1, "label": fields.label_of(step.name), "uid": step.uid, "field": name}


def _outcome(version: DatasetVersion, trial: preparing.Trial) -> dict[str, Any]:
    found = trial.found
    scale = version.row_count / max(found["rows"], 1)
    return {
        "trial": trial,
        "rows": found["rows"],
        "effects": _effects(trial),
        "kept": round(found["kept"] * scale),
        "split_counts": [(SPLIT_LABELS[split], round(count * scale)) for split, count in found["split_counts"].items()],
        "examples": [_example(example) for example in found["examples"]],
    }


def _effects(trial: preparing.Trial) -> list[dict[str, Any]]:
    """What each step did to the rows that were tried, in order."""
    told = []
    for place, step in zip(trial.recipe.places, trial.found["steps"], strict=True):
        reasons = [f"{count} {REASONS.get(reason, reason)}" for reason, count in step["reasons"].items()]
        told.append({**step, "place": place + 1, "label": fields.label_of(step["step"]), "reasons": reasons})
    return told


def counts_of(version: DatasetVersion) -> list[dict[str, Any]]:
    """What each step of the recipe did that made a version; [] for versions from before that was kept."""
    told = []
    for place, step in enumerate(version.recipe.get("counts") or (), 1):
        reasons = [f"{count} {REASONS.get(reason, reason)}" for reason, count in step["reasons"].items()]
        told.append({**step, "place": place, "label": fields.label_of(step["step"]), "reasons": reasons})
    return told


def _example(example: Mapping[str, Any]) -> dict[str, Any]:
    """A changed row as marked text, or the first words of one that goes."""
    before, after = example["before"], example["after"]
    turns, is_written_anew = (
        [],
        after is not None and [turn["role"] for turn in before] != [turn["role"] for turn in after],
    )
    if is_written_anew:
        turns = [{"role": turn["role"], "pieces": differences("", turn["content"])} for turn in after]
    for old, new in zip(before, after or [], strict=False):
        if old != new and not is_written_anew:
            turns.append({"role": new["role"], "pieces": differences(old["content"], new["content"])})
    gone = example["dropped_by"]
    return {
        "place": example["index"] + 1,
        "changed": [fields.label_of(name) for name in example["changed"]],
        "dropped_by": dropped_label(gone) if gone else "",
        "copies": example["copies"],
        "turns": turns,
        "text": " ".join(turn["content"] for turn in before)[:300],
    }


def dropped_label(name: str) -> str:
    """What took a row out: the label of a step, or that nothing was left of the row."""
    return fields.label_of(name) if name in REGISTRY else _("Nothing left of the row")
