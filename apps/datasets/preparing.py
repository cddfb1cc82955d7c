"""Before a version is prepared: the recipe is checked against its rows, and tried on the first of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.datasets.base_models import folder_of
from apps.datasets.models import Dataset, DatasetVersion
from apps.datasets.recipes.keys import key_of
from apps.datasets.rehearsing import rehearse
from apps.jobs.models import Job, JobQuerySet
from workers.cleaning import Cleaning
from workers.failures import UserError
from workers.splits import SplitPlan

KIND = "datasets.prepare"
SAMPLE_ROWS = 1_000
SAMPLE_CHARACTERS = 2_000_000  # what a page may take to show what a recipe does


@dataclass(frozen=True)
class Recipe:
    """A checked recipe. `steps` are all as they were sent, those that are off too; `places` those that run, which `cleaning` holds.
    No `plan`: rows keep the splits they have."""

    steps: list[dict[str, Any]]
    places: list[int]
    cleaning: Cleaning
    plan: SplitPlan | None

    def as_dict(self) -> dict[str, Any]:
        """What runs, every option written out."""
        return {"steps": self.cleaning.as_list(), "split": self.plan.as_dict() if self.plan else None}

    def as_saved(self) -> dict[str, Any]:
        """All steps, every option written out; those that are off say so."""
        return {**self.as_dict(), "steps": [*_written(self)]}

    @property
    def needs_key(self) -> bool:
        """Whether a step masks reversibly."""
        return any(step.get("mode") == "token" for step in self.cleaning.as_list())


@dataclass(frozen=True)
class Trial:
    """What a recipe does to the first rows of a version; `is_whole` when these are all."""

    recipe: Recipe
    found: Mapping[str, Any]
    is_whole: bool

    @property
    def problem(self) -> Problem | None:
        """What is wrong with the outcome."""
        told = self.found["problem"]
        return (
            Problem(told["message"], hint=told["hint"], field=_place(told["field"], self.recipe.places))
            if told
            else None
        )

    def as_dict(self) -> dict[str, Any]:
        problem = self.problem.as_dict()["error"] if self.problem else None
        return {
            **self.found,
            "counts": self.found["steps"],
            **self.recipe.as_dict(),
            "is_whole": self.is_whole,
            "problem": problem,
        }


def read(steps: Any, split: Any) -> Recipe:
    """Plain data as a recipe. A step with "off": true is checked and does not run. Raises Problem naming the option that is wrong."""
    try:
        plain = [_without_off(step) for step in steps] if isinstance(steps, list) else steps
        checked = Cleaning.read(plain)
        places = [place for place, step in enumerate(steps) if not _is_off(step)]
        cleaning = Cleaning(tuple(checked.steps[place] for place in places))
        return Recipe(
            [{"step": step} if isinstance(step, str) else dict(step) for step in steps],
            places,
            cleaning,
            SplitPlan.read(split) if split is not None else None,
        )
    except UserError as error:
        raise as_problem(error) from None


def _is_off(step: Any) -> bool:
    return isinstance(step, Mapping) and step.get("off") is True


def _without_off(step: Any) -> Any:
    return {name: value for name, value in step.items() if name != "off"} if isinstance(step, Mapping) else step


def _written(recipe: Recipe) -> list[dict[str, Any]]:
    plain = Cleaning.read([_without_off(step) for step in recipe.steps]).as_list()
    return [{**step, "off": True} if place not in recipe.places else step for place, step in enumerate(plain)]


def attempt(version: DatasetVersion, recipe: Recipe) -> Trial:
    """The recipe on the first rows. Raises Problem for a column that these rows lack, or a form that a step does not take."""
    key = (
        key_of(version.workspace) or bytes(32) if recipe.needs_key else None
    )  # before there is one, any shows what comes of it
    folder = model_dir(version.workspace, recipe)
    request = {
        "shards": [str(path) for path in version.shard_paths()],
        "form": version.form,
        **recipe.as_dict(),
        "borders": borders_for(version, recipe),
        "key": key.hex() if key else None,
        "model_dir": str(folder) if folder else None,
        "most_rows": SAMPLE_ROWS,
        "most_characters": SAMPLE_CHARACTERS,
    }
    try:
        found = rehearse(request)
    except Problem as problem:
        problem.field = _place(problem.field, recipe.places)
        raise
    _require_column(recipe, found["columns"])
    return Trial(recipe, found, found["rows"] == version.row_count)


def _require_column(recipe: Recipe, columns: list[str]) -> None:
    if not recipe.plan or not recipe.plan.column or recipe.plan.column in columns:
        return
    way = next(way for way in ("group_by", "stratify_by", "time_by") if getattr(recipe.plan, way))
    hint = _("The columns are: %(names)s.") % {"names": ", ".join(columns)} if columns else ""
    told = _("No row has a column “%(name)s” beside its messages.") % {"name": recipe.plan.column[:80]}
    raise Problem(told, field=f"split.{way}", hint=hint)


def _place(field: str, places: list[int]) -> str:
    """The field with the number of its step among all, those that are off too."""
    parts = field.split(".")
    if len(parts) > 1 and parts[0] == "steps" and parts[1].isdigit() and int(parts[1]) < len(places):
        parts[1] = str(places[int(parts[1])])
    return ".".join(parts)


def model_dir(workspace: Workspace, recipe: Recipe) -> Path | None:
    """The folder of the base model that the recipe's steps name. Raises Problem when it is not there, or when they name two."""
    named = {str(step["model"]): place for place, step in enumerate(recipe.cleaning.as_list()) if step.get("model")}
    if len(named) > 1:
        told = _("The steps of one recipe name one base model; these name: %(names)s.") % {"names": ", ".join(named)}
        raise Problem(told, field=f"steps.{recipe.places[max(named.values())]}.model")
    for slug, place in named.items():
        return folder_of(workspace, slug, field=f"steps.{recipe.places[place]}.model")
    return None


def borders_for(version: DatasetVersion, recipe: Recipe) -> Any:
    """Where the splits of this version or one before it ended, if they were made by the same plan: so that no row moves."""
    plan = recipe.plan.as_dict() if recipe.plan else None
    line = (
        version.dataset.versions.filter(number__lte=version.number).order_by("-number").values_list("splits", flat=True)
    )
    for splits in line[:100] if plan else ():
        if splits.get("borders") and _same_plan(splits, plan or {}):
            return splits["borders"]
    return None


def _same_plan(splits: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
    names = ("seed", "fractions", "group_by", "stratify_by", "time_by")
    return all((splits.get(name) or "") == (plan.get(name) or "") for name in names)


def checked(version: DatasetVersion, steps: Any, split: Any) -> Recipe:
    """The recipe, if it does something and leaves something. What only the whole of a long version can tell, the job tells."""
    recipe = read(steps, split)
    if not recipe.cleaning.steps and recipe.plan is None:
        raise Problem(_("Choose at least one step, or a split."), field="steps", code="required")
    trial = attempt(version, recipe)
    if trial.is_whole and trial.problem:
        raise trial.problem
    return recipe


def as_problem(error: UserError) -> Problem:
    """What is wrong with a recipe, for who can mend it."""
    return Problem(error.message, hint=error.hint, field=error.field or "steps")


def jobs_of(dataset: Dataset) -> JobQuerySet:
    """The jobs that prepare versions of a dataset, newest first."""
    found: JobQuerySet = Job.objects.filter(kind=KIND, inputs__dataset=str(dataset.pk))
    return found.order_by("-created_at")
