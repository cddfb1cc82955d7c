"""What the page of a run shows besides its curves."""

import json
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.jobs.models import Job
from apps.training import wording
from apps.training.models import Checkpoint, Run
from workers.recipes import LORAS, Recipe

MINIS = (
    ("learning_rate", gettext_lazy("Learning rate"), ""),
    ("grad_norm", gettext_lazy("Gradient norm"), ""),
    ("tokens_per_second", gettext_lazy("Tokens per second"), ""),
    ("memory_mb", gettext_lazy("Memory"), "MB"),
    ("cpu_percent", gettext_lazy("Processor"), "%"),
    ("gpu_memory_mb", gettext_lazy("GPU memory"), "MB"),
    ("gpu_percent", gettext_lazy("GPU"), "%"),
)
PARTS = ("all", "head", "trouble", "eta", "checkpoints", "facts", "lost")


def run_page(run: Run, *, may: dict[str, bool]) -> dict[str, Any]:
    """Everything of the live page that is not a curve."""
    job, checkpoints = run.job, list(run.checkpoints.filter(is_removed=False))
    return {
        "run": run,
        "job": job,
        "attempt": job.attempts.order_by("-epoch").first(),
        "checkpoints": checkpoints,
        "best": next((one for one in checkpoints if one.is_best), None),
        "total_steps": total_steps(run),
        "took": duration((job.finished_at or timezone.now()) - job.started_at) if job.started_at else "",
        "saved_steps": ", ".join(str(one.step) for one in reversed(checkpoints)),
        "continuations": list(run.continuations.order_by("number")),
        "config": config_of(run),
        "deciding": wording.MEASURES.get(run.objective.metric.removeprefix("eval_"), ""),
        "minis": [
            {"name": n, "label": label, "unit": unit, "hidden": n.startswith("gpu")} for n, label, unit in minis_of(run)
        ],
        "recipe_json": json.dumps(run.recipe, indent=1, ensure_ascii=False),
        "may": may,
        "data": run_data(run, job, checkpoints),
        "words": wording.RUN,
    }


def minis_of(run: Run) -> list[tuple[str, Any, str]]:
    """The small curves: what the objective measures on the held-out rows first."""
    measured = [(f"eval_{name}", wording.MEASURES[name], "") for name in run.objective.points.values()]
    return [*measured, *MINIS]


def run_data(run: Run, job: Job, checkpoints: list[Checkpoint]) -> dict[str, Any]:
    """What run.js needs to draw and to heal."""
    return {
        "job": str(job.pk),
        "page": run.get_absolute_url(),
        "samples": reverse("api:run-samples", args=[run.pk]),
        "isTerminal": job.is_terminal,
        "progress": {} if job.is_terminal else job.progress,
        "patience": run.recipe.get("early_stopping", 0),
        "savedStep": checkpoints[0].step if checkpoints else 0,
    }


def total_steps(run: Run) -> int:
    """Steps that the whole run has; 0 while its rows are not counted yet."""
    if told := run.job.facts.get("total_steps"):
        return int(told)
    rows = run.job.facts.get("train_rows")
    return Recipe.from_dict(run.recipe).total_steps(rows) if rows else 0


def duration(time: timedelta) -> str:
    """40 s, 12 min, 1 h 5 min."""
    seconds = max(0, int(time.total_seconds()))
    if seconds < 90:
        return _("%(seconds)s s") % {"seconds": seconds}
    if seconds < 3600:
        return _("%(minutes)s min") % {"minutes": round(seconds / 60)}
    return _("%(hours)s h %(minutes)s min") % {"hours": seconds // 3600, "minutes": seconds % 3600 // 60}


def config_of(run: Run) -> list[tuple[str, str]]:
    """The settings that tell one run from another, in a manager's words."""
    recipe, facts = run.recipe, run.job.facts
    batch = recipe["batch_size"] * recipe["gradient_accumulation"]
    rows = [
        (_("Method"), _method(recipe)),
        (_("Trained weights"), _trained(facts)),
        (_("Learning rate"), _rate(recipe)),
        (_("Batch"), f"{recipe['batch_size']} x {recipe['gradient_accumulation']} = {batch} " + _("rows")),
        (_("Length"), _("%(count)s tokens") % {"count": recipe["max_length"]}),
        (_("Rows"), _rows(facts)),
        (_("Cut rows"), str(facts.get("truncated_rows") or "")),
        (_("Dropped rows"), str(facts.get("dropped_rows") or "")),
        (_("Precision"), recipe["precision"] + (f", {facts['device']}" if "device" in facts else "")),
        (_("Seed"), str(recipe["seed"])),
    ]
    return [(label, text) for label, text in rows if text]


def _method(recipe: dict[str, Any]) -> str:
    name = str(wording.METHODS[recipe["method"]])
    if recipe["method"] not in LORAS:
        return name
    values = {"name": name, "rank": recipe["lora_r"], "alpha": f"{recipe['lora_alpha']:g}"}
    return _("%(name)s, rank %(rank)s, alpha %(alpha)s") % values


def _trained(facts: dict[str, Any]) -> str:
    if not (trained := facts.get("trainable_parameters")) or not (total := facts.get("total_parameters")):
        return ""
    values = {"trained": f"{trained / 1e6:.2f}", "total": f"{total / 1e6:.0f}", "share": f"{100 * trained / total:.1f}"}
    return _("%(trained)s M of %(total)s M (%(share)s %%)") % values


def _rate(recipe: dict[str, Any]) -> str:
    values = {
        "rate": f"{recipe['learning_rate']:g}",
        "how": recipe["scheduler"],
        "share": f"{100 * recipe['warmup_ratio']:g}",
    }
    return _("%(rate)s, %(how)s, %(share)s %% warm-up") % values


def _rows(facts: dict[str, Any]) -> str:
    if "train_rows" not in facts:
        return ""
    return _("%(learned)s to learn, %(kept)s to measure") % {
        "learned": facts["train_rows"],
        "kept": facts.get("eval_rows", 0),
    }
