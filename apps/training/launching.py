"""What is checked before a run is written down. Errors refuse, warnings are shown; both name the field and the way out."""

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem
from apps.datasets.models import DatasetVersion
from apps.training import fitting, hardware, layers
from apps.training.models import BaseModel, BaseModelState
from workers.objectives import OBJECTIVES, Objective
from workers.recipes import LORAS, Recipe, RecipeError

FEWEST_ROWS = 2
BYTES_FULL = 16  # per weight of a full fine-tune in memory: weight, gradient and AdamW's two moments, all in 32 bits
KEPT_CHECKPOINTS = 3  # the last two and the best


@dataclass
class Review:
    """Everything that can be said about a launch before it happens."""

    errors: list[Problem] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    plan: dict[str, Any] | None = None
    recipe: Recipe | None = None

    def warn(self, name: str, message: str) -> None:
        self.warnings.append({"field": name, "message": message})


def checked_name(name: Any) -> str:
    """Raises Problem."""
    text = name.strip() if isinstance(name, str) else ""
    if not text:
        raise Problem(_("Give the run a name."), field="name", code="required")
    if len(text) > 80 or not text.isprintable():
        raise Problem(_("A name has at most 80 printable characters."), field="name")
    return text


def review(*, base_model: BaseModel, version: DatasetVersion, recipe: Any) -> Review:
    """Check a launch as a whole: all errors, not only the first; with none of them the plan and the warnings."""
    found = Review()
    found.recipe, found.errors = read_recipe(recipe)
    objective = _objective_of(found.recipe, recipe)
    found.errors += _model_problems(base_model, objective)
    found.errors += _form_problems(version, objective)
    found.errors += _misfits_of_what_is_right(found, recipe, base_model, version)
    if found.recipe is not None:
        learned, kept = parted_rows(found.recipe, version)
        cautions = found.recipe.warnings(learned + kept, kept=kept)
        found.warnings += [{"field": f"recipe.{c.field}", "message": c.message} for c in cautions]
        _warn_of_splits(found, version, kept)
        found.plan = plan_of(recipe=found.recipe, base_model=base_model, version=version)
        _warn_of_machine(found, base_model)
    return found


def _misfits_of_what_is_right(found: Review, raw: Any, model: BaseModel, version: DatasetVersion) -> list[Problem]:
    """The misfits, also of a recipe with wrong settings: then of the others, and only those that are told for them."""
    if found.recipe is not None:
        return list(_misfits(found.recipe, model, version))
    if not isinstance(raw, Mapping):
        return []
    wrong = {problem.field for problem in found.errors}
    right = {name: value for name, value in raw.items() if f"recipe.{name}" not in wrong}
    told = {f"recipe.{name}" for name in right}
    return [problem for problem in _misfits(Recipe.from_dict(right), model, version) if problem.field in told]


def read_recipe(raw: Any) -> tuple[Recipe | None, list[Problem]]:
    """The recipe of plain data, or every setting that is wrong in it, as recipe.<setting>."""
    if not isinstance(raw, Mapping):
        hint = '{"method": "lora", "learning_rate": 2e-4}'
        return None, [Problem(_("The recipe must be an object of settings."), field="recipe", hint=hint)]
    wrong = [problem for name, value in raw.items() if (problem := _setting_problem(str(name), value))]
    return (None if wrong else Recipe.from_dict(raw)), wrong


def _setting_problem(name: str, value: Any) -> Problem | None:
    try:
        Recipe.from_dict({name: value})
    except RecipeError as error:
        return Problem(error.message, field=f"recipe.{error.field}", hint=error.hint)
    return None


def learned_forms() -> set[str]:
    """Forms of rows from which something can be learned."""
    return {form for objective in OBJECTIVES.values() for form in objective.forms}


def _objective_of(recipe: Recipe | None, raw: Any) -> Objective:
    """The one that is asked for; the usual one where that is what is wrong."""
    told = recipe.objective if recipe else raw.get("objective") if isinstance(raw, Mapping) else None
    return OBJECTIVES.get(told if isinstance(told, str) else "", OBJECTIVES["chat"])


def _form_problems(version: DatasetVersion, objective: Objective) -> Iterator[Problem]:
    try:
        version.require_form(*objective.forms)
    except Problem as problem:
        yield problem


def _model_problems(model: BaseModel, objective: Objective) -> Iterator[Problem]:
    if model.state == BaseModelState.PREPARING:
        yield Conflict(_("This base model is still being prepared."), field="base_model", hint=_("Try again soon."))
    elif model.state == BaseModelState.FAILED:
        told = model.job.failure_message if model.job else ""
        yield Conflict(_("This base model could not be prepared. %(why)s") % {"why": told}, field="base_model")
    elif objective.needs_chat_template and not model.facts.get("has_chat_template", True):
        yield Problem(
            _("This base model has no chat template, so a conversation cannot be put into its words."),
            field="base_model",
            hint=_("Take its instruct or chat variant, or put a chat_template.jinja into its folder."),
        )


def _misfits(recipe: Recipe, model: BaseModel, version: DatasetVersion) -> Iterator[Problem]:
    """Settings that are fine by themselves and cannot work with this model, these rows or this machine."""
    learned, _kept = parted_rows(recipe, version)
    if learned < FEWEST_ROWS:
        rows, hint = version.row_count, _("Choose a version with more rows, or keep fewer rows for the evaluation.")
        if version.splits:
            rows, hint = learned, _("Choose a version with more rows in its train split.")
        told = _("%(rows)s rows are too few to learn from.") % {"rows": rows}
        yield Problem(told, field="dataset_version", hint=hint)
    yield from fitting.objective_problems(recipe)
    yield from fitting.method_problems(recipe, model)
    longest = model.facts.get("context_length") or 0
    if longest and recipe.max_length > longest:
        yield Problem(
            _("The model reads at most %(longest)s tokens.") % {"longest": longest},
            field="recipe.max_length",
            hint=_("Use %(longest)s or less.") % {"longest": longest},
        )
    if recipe.method in LORAS and isinstance(recipe.target_modules, tuple):
        yield from _layer_problems(recipe.target_modules, model.facts.get("linear_layers") or {})
    if recipe.precision == "fp16" and hardware.trains_without_gpu():
        yield Problem(
            _("fp16 needs a GPU, and the training slots have none."),
            field="recipe.precision",
            hint=_("Use auto, fp32 or bf16."),
        )


def _layer_problems(names: tuple[str, ...], known: layers.Layers) -> Iterator[Problem]:
    strange = layers.unknown(known, names) if known else [n for n in names if n.split(".")[-1] == "lm_head"]
    if strange:
        yield Problem(
            _("This model has no layer for an adapter called %(names)s.") % {"names": ", ".join(strange)},
            field="recipe.target_modules",
            hint=_("Its layers are: %(layers)s. Or use auto.") % {"layers": ", ".join(sorted(known)) or "-"},
        )


def parted_rows(recipe: Recipe, version: DatasetVersion) -> tuple[int, int]:
    """(rows to learn from, rows to measure), as workers.data parts them. Test rows of a version with splits are neither."""
    if not version.splits:
        kept = recipe.kept_rows(version.row_count)
        return version.row_count - kept, kept
    counts = version.splits["counts"]
    kept = min(counts.get("validation", 0), recipe.eval_max_rows) if recipe.eval_fraction else 0
    return counts.get("train", 0), kept


def _warn_of_splits(found: Review, version: DatasetVersion, kept: int) -> None:
    if version.splits and found.recipe and found.recipe.eval_fraction and not kept:
        found.warn("dataset_version", _("This version has no validation split, so nothing is measured."))


def plan_of(*, recipe: Recipe, base_model: BaseModel, version: DatasetVersion) -> dict[str, Any]:
    """What the launch page shows before the click."""
    training_rows, kept = parted_rows(recipe, version)
    learned = max(1, training_rows)
    steps, rows_a_step = recipe.total_steps(learned), recipe.batch_size * recipe.gradient_accumulation
    trained = trained_parameters(recipe, base_model)
    return {
        "training_rows": training_rows,
        "evaluation_rows": kept,
        "untouched_rows": version.row_count - training_rows - kept,
        "steps": steps,
        "rows_a_step": rows_a_step,
        "epochs": round(steps / math.ceil(math.ceil(learned / recipe.batch_size) / recipe.gradient_accumulation), 2),
        "evaluations": (steps // recipe.eval_every if recipe.eval_every else 1) if kept else 0,
        "trained_parameters": trained,
        "total_parameters": base_model.facts.get("parameters"),
        "checkpoint_bytes": trained * layers.BYTES_TRAINED if trained else None,
    }


def trained_parameters(recipe: Recipe, base_model: BaseModel) -> int | None:
    """Weights that the run changes; None when the model's layers are not known."""
    if recipe.method == "frozen":
        return layers.top_parameters(base_model.facts, recipe.trained_layers)
    if not recipe.has_adapter:
        return int(base_model.facts.get("parameters", 0)) or None
    if recipe.method == "prompt":
        return recipe.prompt_tokens * int(base_model.facts.get("hidden_size", 0)) or None
    known = base_model.facts.get("linear_layers")
    return layers.adapter_parameters(known, recipe.target_modules, recipe.lora_r) if known else None


def _warn_of_machine(found: Review, model: BaseModel) -> None:
    """Memory and disk, where the arithmetic is certain enough to speak of it."""
    recipe, plan = found.recipe, found.plan
    if recipe is None or plan is None:
        return
    if recipe.method == "full" and hardware.trains_without_gpu():
        needed, there = BYTES_FULL * model.facts.get("parameters", 0), hardware.memory_bytes()
        if needed > 0.8 * there:
            text = _(
                "A full fine-tune of this model needs at least %(needed).0f GB of memory; this machine has %(there).0f GB."
            )
            found.warn("recipe.method", text % {"needed": needed / 1e9, "there": there / 1e9})
    room = shutil.disk_usage(settings.TUNELOOP_DATA).free
    if KEPT_CHECKPOINTS * (plan["checkpoint_bytes"] or 0) > room:
        text = _("Three checkpoints of %(size).1f GB are kept; the disk has %(room).1f GB left.")
        found.warn("recipe.save_every", text % {"size": plan["checkpoint_bytes"] / 1e9, "room": room / 1e9})
