"""Every setting of a fine-tune. A recipe is data: it travels as a flat dict through forms, the API, the database and the spec of a job."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from workers.objectives import OBJECTIVES
from workers.recipes import cautions
from workers.recipes.cautions import Caution
from workers.recipes.fields import RecipeError, checked, choice, count, names, number, switch

METHODS = ("lora", "qlora", "dora", "rslora", "prompt", "frozen", "full")
SCHEDULERS = ("cosine", "linear", "constant")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
LORAS = ("lora", "qlora", "dora", "rslora")  # low-rank adapters
ADAPTERS = (*LORAS, "prompt")  # methods whose checkpoint is an adapter
OPTIMIZERS = ("adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "adafactor", "sgd")
BATCHING = ("plain", "length", "packed")


@dataclass(frozen=True)
class Recipe:
    """One fine-tune. Field order is the order of the form."""

    objective: str = choice("chat", tuple(OBJECTIVES), "What the model learns from the rows.")
    method: str = choice(
        "lora", METHODS, "How the weights are changed: by a small adapter, at the top only, or all of them."
    )
    learning_rate: float = number(
        2e-4, 0, 1, "Peak size of a step. LoRA: 1e-4 to 5e-4; full: 1e-5 to 5e-5.", above=True
    )
    epochs: float = number(1.0, 0, 1000, "How often all training rows are seen; parts are allowed (0.5).", above=True)
    max_steps: int = count(
        0, 0, 10_000_000, "Stop after this many steps, whatever the epochs; 0 leaves it to the epochs."
    )
    batch_size: int = count(4, 1, 1024, "Rows in memory at once. Half it when memory runs out.")
    gradient_accumulation: int = count(
        1, 1, 1024, "Batches summed up before each step; multiplies the batch size, not memory."
    )
    max_length: int = count(
        1024,
        8,
        131_072,
        "Longest row in tokens; what is beyond is cut off and counted. 0: as long as the model reads.",
        or_zero=True,
    )
    warmup_ratio: float = number(0.03, 0, 0.9, "Share of the steps over which the learning rate rises to its peak.")
    scheduler: str = choice("cosine", SCHEDULERS, "How the learning rate goes on after warm-up.")
    weight_decay: float = number(0.0, 0, 1, "Pull of the weights towards zero at each step (AdamW).")
    optimizer: str = choice(
        "adamw",
        OPTIMIZERS,
        "AdamW remembers two numbers a weight; 8 bits need a quarter of that, Adafactor and SGD far less.",
    )
    batching: str = choice(
        "plain",
        BATCHING,
        "By length: like rows share a batch, little padding. Packed: several rows in one sequence, each seeing only itself.",
    )
    max_grad_norm: float = number(1.0, 0, 1e6, "Longer gradients are cut to this length; 0 leaves them.")
    grad_norm_limit: float = number(0.0, 0, 1e9, "Fail the run when a gradient is longer than this; 0 never does.")
    seed: int = count(
        17, 0, 2**31 - 1, "Start of all random choices: split, order, adapter, dropout. Same seed, same run."
    )
    precision: str = choice("auto", PRECISIONS, "Number format: auto takes bf16 on a GPU that has it, else fp32.")
    gradient_checkpointing: bool = switch(
        False, "Recompute instead of remember: much less memory, about a third slower."
    )
    eval_fraction: float = number(
        0.1,
        0,
        0.5,
        "Share of the rows kept out of training to measure it; a version with splits has its own. 0 measures nothing.",
    )
    eval_max_rows: int = count(200, 1, 100_000, "At most this many rows are measured.")
    eval_every: int = count(50, 0, 1_000_000, "Steps between two evaluations; 0 evaluates at the end only.")
    save_every: int = count(50, 0, 1_000_000, "Steps between two checkpoints; 0 saves at the end only.")
    logging_every: int = count(1, 1, 10_000, "Steps between two points of the loss curve.")
    early_stopping: int = count(5, 0, 1000, "Stop after this many evaluations without a better loss; 0 never does.")
    lora_r: int = count(16, 1, 1024, "Rank of the adapter: how much it can learn, and its size.", methods=LORAS)
    lora_alpha: int = count(32, 1, 4096, "Strength of the adapter; it acts as alpha / r. Often twice r.", methods=LORAS)
    lora_dropout: float = number(
        0.05, 0, 0.9, "Share of the adapter's inputs dropped at random while training.", methods=LORAS
    )
    target_modules: str | tuple[str, ...] = names(
        "auto", "Layers that get an adapter: auto (all linear layers) or names.", methods=LORAS
    )
    trained_layers: int = count(
        2,
        1,
        1000,
        "Blocks at the top that are trained, with what lies above them; the others stay.",
        methods=("frozen",),
    )
    prompt_tokens: int = count(
        16, 1, 1000, "Tokens in front of every row that are learned; the model itself stays.", methods=("prompt",)
    )
    dpo_beta: float = number(
        0.1,
        0,
        10,
        "How strongly the model is held near the one it began as; lower lets it move further.",
        above=True,
        objectives=("dpo",),
    )
    dpo_loss: str = choice(
        "sigmoid",
        ("sigmoid", "ipo", "hinge", "robust", "apo_zero"),
        "What is made of the margin between the two answers. IPO bounds it, robust expects wrong pairs.",
        objectives=("dpo",),
    )
    label_smoothing: float = number(
        0.0,
        0,
        0.49,
        "Share of the pairs that are expected to be the wrong way round (sigmoid and robust).",
        objectives=("dpo",),
    )
    kto_beta: float = number(
        0.1,
        0,
        10,
        "How strongly the model is held near the one it began as; lower lets it move further.",
        above=True,
        objectives=("kto",),
    )
    wanted_weight: float = number(1.0, 0, 100, "Weight of wanted answers in the loss.", above=True, objectives=("kto",))
    unwanted_weight: float = number(
        1.0,
        0,
        100,
        "Weight of unwanted answers; raise it when they are rare (wanted / unwanted rows).",
        above=True,
        objectives=("kto",),
    )
    class_weights: str = choice(
        "none",
        ("none", "balanced"),
        "Balanced: rows of rare classes weigh more in the loss.",
        objectives=("text_classification",),
    )
    class_loss: str = choice(
        "cross_entropy",
        ("cross_entropy", "focal"),
        "Focal: rows that are right already weigh less, hard ones more.",
        objectives=("text_classification",),
    )
    focal_gamma: float = number(
        2.0, 0, 10, "How much less: the loss is scaled by (1 - p) to this power.", objectives=("text_classification",)
    )
    class_sampler: str = choice(
        "shuffled",
        ("shuffled", "balanced"),
        "Balanced: each class is drawn as often as the others.",
        objectives=("text_classification",),
    )
    sample_count: int = count(3, 0, 16, "Rows of the evaluation split whose answers are shown at each evaluation.")
    sample_max_tokens: int = count(64, 1, 1024, "Longest sample answer in tokens.")
    sample_prompts: tuple[str, ...] = names(
        (), "Questions of your own to be answered at each evaluation.", text=4000, most=16
    )

    @property
    def has_adapter(self) -> bool:
        """Whether the checkpoint is an adapter beside the base model, not a model of its own."""
        return self.method in ADAPTERS

    @property
    def is_quantized(self) -> bool:
        """Whether the base model is loaded in 4 bits."""
        return self.method == "qlora"

    def fitted(self, context_length: int) -> "Recipe":
        """With `max_length` 0 resolved to what the model reads (2048 where that is not known), less the tokens learned in front."""
        learned = self.prompt_tokens if self.method == "prompt" else 0
        room = max(8, min(context_length or 2048, 131_072) - learned)
        return self if self.max_length else replace(self, max_length=room)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Recipe":
        """A checked recipe from plain data; absent fields take their defaults. Raises RecipeError for the first bad field."""
        known = {spec.name: spec for spec in fields(cls)}
        for name in raw:
            if name not in known:
                raise RecipeError(str(name)[:60], "There is no such setting.", f"Settings are: {', '.join(known)}.")
        return cls(**{name: checked(known[name], value) for name, value in raw.items()})

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain data that `from_dict` accepts and JSON can hold."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def total_steps(self, training_rows: int) -> int:
        """Optimizer steps of the whole run over `training_rows` rows (transformers' own arithmetic)."""
        if self.max_steps:
            return self.max_steps
        batches = max(1, math.ceil(training_rows / self.batch_size))
        return math.ceil(self.epochs * math.ceil(batches / self.gradient_accumulation))

    def kept_rows(self, rows: int) -> int:
        """How many of `rows` without a split are kept for measuring."""
        wanted = min(round(rows * self.eval_fraction), self.eval_max_rows)
        return max(wanted, 1) if self.eval_fraction and rows >= 5 else wanted

    def warnings(
        self, rows: int | None = None, longest_tokens: int | None = None, kept: int | None = None
    ) -> list[Caution]:
        """What is allowed but rarely meant, given the rows of the data set and its longest row when known; `kept` of the rows are
        measured (those that the recipe keeps unless said)."""
        found = list(cautions.habits(self))
        if rows is not None:
            found += cautions.plan(self, rows, self.kept_rows(rows) if kept is None else kept)
        if longest_tokens is not None and 0 < self.max_length < longest_tokens:
            found.append(
                Caution(
                    "max_length", f"The longest row has {longest_tokens} tokens; it will be cut at {self.max_length}."
                )
            )
        return found


def help_of(name: str) -> str:
    """The line of help of a setting."""
    return str(Recipe.__dataclass_fields__[name].metadata["help"])


def bounds_of(name: str) -> tuple[float | None, float | None]:
    """Lowest and highest value of a number, (None, None) for other settings."""
    metadata = Recipe.__dataclass_fields__[name].metadata
    return metadata.get("low"), metadata.get("high")


def choices_of(name: str) -> tuple[str, ...]:
    """The values a choice allows, empty for other settings."""
    return tuple(Recipe.__dataclass_fields__[name].metadata.get("choices", ()))


def relevance_of(name: str) -> dict[str, tuple[str, ...]]:
    """The objectives and methods in which a setting has a say; () means all."""
    metadata = Recipe.__dataclass_fields__[name].metadata
    return {"objectives": metadata.get("objectives", ()), "methods": metadata.get("methods", ())}
