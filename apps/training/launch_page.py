"""What the launch form shows: the models, the data, the presets, and every setting of a recipe with its words."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.datasets.models import DatasetVersion
from apps.training import wording
from apps.training.models import BaseModel, Run
from workers.objectives import OBJECTIVES
from workers.recipes import PRESETS, Recipe, bounds_of, choices_of, help_of, relevance_of

MAIN = ("learning_rate", "epochs", "max_steps", "batch_size", "gradient_accumulation", "max_length")
AIMS = (
    "dpo_beta",
    "dpo_loss",
    "label_smoothing",
    "kto_beta",
    "wanted_weight",
    "unwanted_weight",
    "class_weights",
    "class_loss",
    "focal_gamma",
    "class_sampler",
)  # of one objective or a few
ADAPTER = ("lora_r", "lora_alpha", "lora_dropout", "target_modules", "trained_layers", "prompt_tokens")
MORE = (
    (_("Objective"), AIMS),
    (_("Optimizer"), ("optimizer", "warmup_ratio", "scheduler", "weight_decay", "max_grad_norm", "grad_norm_limit")),
    (
        _("Measuring"),
        ("eval_fraction", "eval_max_rows", "eval_every", "sample_count", "sample_max_tokens", "sample_prompts"),
    ),
    (_("Saving and stopping"), ("save_every", "early_stopping", "logging_every")),
    (_("Machine"), ("batching", "precision", "gradient_checkpointing", "seed")),
)
LABELS = {
    "objective": _("What it learns"),
    "method": _("Method"),
    "learning_rate": _("Learning rate"),
    "epochs": _("Epochs"),
    "max_steps": _("Steps at most"),
    "batch_size": _("Batch"),
    "gradient_accumulation": _("Accumulation"),
    "max_length": _("Longest row"),
    "trained_layers": _("Trained blocks"),
    "prompt_tokens": _("Learned tokens"),
    "optimizer": _("Optimizer"),
    "batching": _("Batches"),
    "lora_r": _("Rank"),
    "lora_alpha": _("Alpha"),
    "lora_dropout": _("Dropout"),
    "target_modules": _("Adapted layers"),
    "warmup_ratio": _("Warm-up"),
    "scheduler": _("Schedule"),
    "weight_decay": _("Weight decay"),
    "max_grad_norm": _("Cut gradients at"),
    "grad_norm_limit": _("Fail at gradient norm"),
    "seed": _("Seed"),
    "precision": _("Precision"),
    "gradient_checkpointing": _("Gradient checkpointing"),
    "eval_fraction": _("Evaluation share"),
    "eval_max_rows": _("Evaluation rows at most"),
    "eval_every": _("Evaluate every"),
    "save_every": _("Save every"),
    "logging_every": _("Log every"),
    "early_stopping": _("Stop early after"),
    "dpo_beta": _("Beta"),
    "dpo_loss": _("Loss on the margin"),
    "label_smoothing": _("Wrong pairs expected"),
    "kto_beta": _("Beta"),
    "wanted_weight": _("Weight of wanted"),
    "unwanted_weight": _("Weight of unwanted"),
    "class_weights": _("Weights of classes"),
    "class_loss": _("Loss"),
    "focal_gamma": _("Focal gamma"),
    "class_sampler": _("Drawing of rows"),
    "sample_count": _("Sample answers"),
    "sample_max_tokens": _("Longest sample answer"),
    "sample_prompts": _("Questions of your own"),
}
UNITS = {
    "epochs": _("passes"),
    "max_steps": _("steps"),
    "batch_size": _("rows"),
    "gradient_accumulation": _("batches"),
    "max_length": _("tokens"),
    "eval_max_rows": _("rows"),
    "eval_every": _("steps"),
    "save_every": _("steps"),
    "logging_every": _("steps"),
    "early_stopping": _("evaluations"),
    "trained_layers": _("blocks"),
    "prompt_tokens": _("tokens"),
    "sample_max_tokens": _("tokens"),
}
CHOICES = {
    **{objective.name: _(objective.label) for objective in OBJECTIVES.values()},
    "lora": _("LoRA, a small adapter"),
    "qlora": _("QLoRA, an adapter over 4 bits"),
    "dora": _("DoRA, adapter and magnitudes"),
    "rslora": _("rsLoRA, for high ranks"),
    "prompt": _("Prompt tuning, learned tokens"),
    "frozen": _("Top blocks, lower ones frozen"),
    "full": _("Full, every weight"),
    "none": _("All alike"),
    "shuffled": _("Shuffled"),
    "balanced": _("Balanced"),
    "cross_entropy": _("Cross entropy"),
    "focal": _("Focal"),
    "sigmoid": _("Sigmoid (DPO)"),
    "ipo": _("Squared (IPO)"),
    "hinge": _("Hinge (SLiC)"),
    "robust": _("Robust, for noisy pairs"),
    "apo_zero": _("Anchored (APO-zero)"),
    "adamw": _("AdamW"),
    "adamw_8bit": _("AdamW, 8 bits"),
    "paged_adamw": _("AdamW, paged (GPU)"),
    "paged_adamw_8bit": _("AdamW, 8 bits, paged (GPU)"),
    "adafactor": _("Adafactor"),
    "sgd": _("SGD with momentum 0"),
    "length": _("By length"),
    "plain": _("At random, padded"),
    "packed": _("Packed"),
    "cosine": _("Cosine"),
    "linear": _("Linear"),
    "constant": _("Constant"),
    "auto": _("Automatic"),
    "fp32": _("32 bits (fp32)"),
    "bf16": _("16 bits (bf16)"),
    "fp16": _("16 bits (fp16)"),
}


def context_of(
    *, versions: QuerySet[DatasetVersion], models: QuerySet[BaseModel], cloned: Run | None, query: Mapping[str, str]
) -> dict[str, Any]:
    """The form, empty, for a dataset version (`?version=`), or filled from a run (`?clone=`), or both (`?like=&version=`)."""
    values = {**Recipe().as_dict(), **(cloned.recipe if cloned else {})}
    ready = [model for model in models if model.is_ready]
    return {
        "versions": versions,
        "version": query.get("version") or (str(cloned.dataset_version_id) if cloned else ""),
        "models": models,
        "model": cloned.base_model if cloned else next(iter(ready), None),
        "cloned": cloned,
        "presets": PRESETS.values(),
        "method": _field("method", values["method"]),
        "main_fields": fields(MAIN, values),
        "adapter_fields": fields(ADAPTER, values),
        "objective": _field("objective", values["objective"]),
        "groups": [{"label": label, "fields": fields(names, values)} for label, names in MORE],
        "more_count": sum(len(names) for _label, names in MORE),
        "words": wording.LAUNCH,
        "data": _data(cloned),
    }


def fields(names: Iterable[str], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_field(name, values[name]) for name in names]


def _field(name: str, value: Any) -> dict[str, Any]:
    return {
        "name": name,
        "label": LABELS[name],
        "unit": UNITS.get(name, ""),
        "help": help_of(name),
        "choices": [(choice, CHOICES[choice]) for choice in choices_of(name)],
        "is_switch": isinstance(value, bool),
        "is_text": name == "sample_prompts",
        "is_number": bounds_of(name)[0] is not None,
        "value": _shown(name, value),
    }


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return ("\n" if name == "sample_prompts" else ", ").join(value)
    return f"{value:.10g}" if isinstance(value, float) else value


def _data(cloned: Run | None) -> dict[str, Any]:
    """What launch.js needs: the presets' values, as they stand in the fields, and where to send the form."""
    presets = {preset.name: preset.recipe.as_dict() for preset in PRESETS.values()}
    return {
        "presets": {
            preset: {name: _shown(name, value) for name, value in recipe.items()} for preset, recipe in presets.items()
        },
        "objectives": {
            one.name: {"forms": one.forms, "methods": one.methods, "help": one.help} for one in OBJECTIVES.values()
        },
        "relevance": {name: relevance_of(name) for name in LABELS},
        "looks": {
            "preview": reverse("api:run-preview"),
            "probe": reverse("api:run-probe"),
            "recipe": reverse("api:recipe-read"),
        },
        "validate": reverse("api:run-validate"),
        "launch": reverse("api:runs"),
        "isClone": cloned is not None,
    }
