"""How a model is fine-tuned: every setting with its bounds and a line of help. No torch, so that web pages may import it.

A recipe is data: it travels as a flat dict through forms, the API, the database and the spec of a job, and is checked again
where it is used. Each refusal names the field, what is wrong and what would be right.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any

METHODS = ("lora", "full")
SCHEDULERS = ("cosine", "linear", "constant")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
MODULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


class RecipeError(ValueError):
    """A setting that cannot be used: which, why, and what would be right."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message, self.hint = field, message, hint


@dataclass(frozen=True)
class Caution:
    """Something legal that is rarely meant."""

    field: str
    message: str


def _number(default: float, low: float, high: float, help: str, *, above: bool = False) -> Any:
    """A float in [low, high], or in (low, high] with `above`."""
    return field(default=default, metadata={"low": low, "high": high, "above": above, "help": help})


def _count(default: int, low: int, high: int, help: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "help": help})


def _choice(default: str, choices: tuple[str, ...], help: str) -> Any:
    return field(default=default, metadata={"choices": choices, "help": help})


def _switch(default: bool, help: str) -> Any:
    return field(default=default, metadata={"help": help})


def _names(default: str | tuple[str, ...], help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"names": True, "help": help, **limits})


@dataclass(frozen=True)
class Recipe:
    """One supervised fine-tune. Field order is the order of the form."""

    method: str = _choice("lora", METHODS, "LoRA trains a small adapter; full trains every weight of the model.")
    learning_rate: float = _number(
        2e-4, 0, 1, "Peak size of a step. LoRA: 1e-4 to 5e-4; full: 1e-5 to 5e-5.", above=True
    )
    epochs: float = _number(1.0, 0, 1000, "How often all training rows are seen; parts are allowed (0.5).", above=True)
    max_steps: int = _count(
        0, 0, 10_000_000, "Stop after this many steps, whatever the epochs; 0 leaves it to the epochs."
    )
    batch_size: int = _count(4, 1, 1024, "Rows in memory at once. Half it when memory runs out.")
    gradient_accumulation: int = _count(
        1, 1, 1024, "Batches summed up before each step; multiplies the batch size, not memory."
    )
    max_length: int = _count(1024, 8, 131_072, "Longest row in tokens; what is beyond is cut off and counted.")
    warmup_ratio: float = _number(0.03, 0, 0.9, "Share of the steps over which the learning rate rises to its peak.")
    scheduler: str = _choice("cosine", SCHEDULERS, "How the learning rate goes on after warm-up.")
    weight_decay: float = _number(0.0, 0, 1, "Pull of the weights towards zero at each step (AdamW).")
    max_grad_norm: float = _number(1.0, 0, 1e6, "Longer gradients are cut to this length; 0 leaves them.")
    grad_norm_limit: float = _number(0.0, 0, 1e9, "Fail the run when a gradient is longer than this; 0 never does.")
    seed: int = _count(
        17, 0, 2**31 - 1, "Start of all random choices: split, order, adapter, dropout. Same seed, same run."
    )
    precision: str = _choice("auto", PRECISIONS, "Number format: auto takes bf16 on a GPU that has it, else fp32.")
    gradient_checkpointing: bool = _switch(
        False, "Recompute instead of remember: much less memory, about a third slower."
    )
    eval_fraction: float = _number(
        0.1,
        0,
        0.5,
        "Share of the rows kept out of training to measure it; a version with splits has its own. 0 measures nothing.",
    )
    eval_max_rows: int = _count(200, 1, 100_000, "At most this many rows are measured.")
    eval_every: int = _count(50, 0, 1_000_000, "Steps between two evaluations; 0 evaluates at the end only.")
    save_every: int = _count(50, 0, 1_000_000, "Steps between two checkpoints; 0 saves at the end only.")
    logging_every: int = _count(1, 1, 10_000, "Steps between two points of the loss curve.")
    early_stopping: int = _count(0, 0, 1000, "Stop after this many evaluations without a better loss; 0 never does.")
    lora_r: int = _count(16, 1, 1024, "Rank of the adapter: how much it can learn, and its size.")
    lora_alpha: int = _count(32, 1, 4096, "Strength of the adapter; it acts as alpha / r. Often twice r.")
    lora_dropout: float = _number(0.05, 0, 0.9, "Share of the adapter's inputs dropped at random while training.")
    target_modules: str | tuple[str, ...] = _names(
        "auto", "Layers that get an adapter: auto (all linear layers) or names."
    )
    sample_count: int = _count(3, 0, 16, "Rows of the evaluation split whose answers are shown at each evaluation.")
    sample_max_tokens: int = _count(64, 1, 1024, "Longest sample answer in tokens.")
    sample_prompts: tuple[str, ...] = _names(
        (), "Questions of your own to be answered at each evaluation.", text=4000, most=16
    )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Recipe":
        """A checked recipe from plain data; absent fields take their defaults. Raises RecipeError for the first bad field."""
        known = {spec.name: spec for spec in fields(cls)}
        for name in raw:
            if name not in known:
                raise RecipeError(str(name)[:60], "There is no such setting.", f"Settings are: {', '.join(known)}.")
        return cls(**{name: _checked(known[name], value) for name, value in raw.items()})

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
        found = list(_habits(self))
        if rows is not None:
            found += _plan(self, rows, self.kept_rows(rows) if kept is None else kept)
        if longest_tokens is not None and longest_tokens > self.max_length:
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


@dataclass(frozen=True)
class Preset:
    """A recipe to start from."""

    name: str
    label: str
    description: str
    recipe: Recipe


_QUICK = Recipe(
    learning_rate=5e-4, max_steps=60, batch_size=4, max_length=256, warmup_ratio=0.05, eval_max_rows=16, eval_every=20, save_every=20,
    lora_r=8, lora_alpha=16, lora_dropout=0.0, sample_count=2, sample_max_tokens=48,
)  # fmt: skip
_FULL = Recipe(
    method="full", learning_rate=2e-5, epochs=2.0, batch_size=4, gradient_accumulation=4, weight_decay=0.01, warmup_ratio=0.05,
    eval_every=100, save_every=100, gradient_checkpointing=True,
)  # fmt: skip
_LORA = Recipe(epochs=3.0, gradient_accumulation=4)
_QUICK_HELP = "A small adapter in a few minutes, without a GPU: enough to see whether the data teaches."
_LORA_HELP = "An adapter over all linear layers: the usual choice, close to full quality."
_FULL_HELP = "Every weight of the model: for small models or much data; the checkpoints are large."
PRESETS: Mapping[str, Preset] = {
    "quick": Preset("quick", "Quick look (CPU)", _QUICK_HELP, _QUICK),
    "lora": Preset("lora", "LoRA", _LORA_HELP, _LORA),
    "full": Preset("full", "Full", _FULL_HELP, _FULL),
}


def _checked(spec: "Field[Any]", value: Any) -> Any:
    """The value in its proper type, or RecipeError."""
    if "choices" in spec.metadata:
        return _checked_choice(spec, value)
    if spec.metadata.get("names"):
        return _checked_texts(spec, value) if "text" in spec.metadata else _checked_modules(spec, value)
    if isinstance(_default(spec), bool):
        if not isinstance(value, bool):
            raise RecipeError(spec.name, f"{_shown(value)} is neither true nor false.", "Use true or false.")
        return value
    return _checked_number(spec, value)


def _default(spec: "Field[Any]") -> Any:
    return None if spec.default is MISSING else spec.default


def _checked_choice(spec: "Field[Any]", value: Any) -> str:
    choices = spec.metadata["choices"]
    if not isinstance(value, str) or value not in choices:
        raise RecipeError(spec.name, f"{_shown(value)} is not a choice.", f"Choose one of: {', '.join(choices)}.")
    return value


def _checked_number(spec: "Field[Any]", value: Any) -> float | int:
    low, high, whole = spec.metadata["low"], spec.metadata["high"], isinstance(_default(spec), int)
    hint = f"Use a {'whole ' if whole else ''}number {'above' if spec.metadata.get('above') else 'from'} {low:g} to {high:g}."
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecipeError(spec.name, f"{_shown(value)} is not a number.", hint)
    if isinstance(value, int) and abs(value) > 10**15:
        raise RecipeError(spec.name, "The number is far too large.", hint)
    if not math.isfinite(value):
        raise RecipeError(spec.name, f"{_shown(value)} is not a finite number.", hint)
    if whole and value != int(value):
        raise RecipeError(spec.name, f"{_shown(value)} is not a whole number.", hint)
    if value < low or value > high or (spec.metadata.get("above") and value == low):
        raise RecipeError(spec.name, f"{_shown(value)} is out of range.", hint)
    return int(value) if whole else float(value)


def _checked_modules(spec: "Field[Any]", value: Any) -> str | tuple[str, ...]:
    hint = 'Use "auto" or a list of layer names such as ["q_proj", "v_proj"].'
    if value == "auto":
        return "auto"
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 64:
        raise RecipeError(spec.name, f"{_shown(value)} is not a list of layer names.", hint)
    for name in value:
        if not isinstance(name, str) or len(name) > 100 or not MODULE_NAME.fullmatch(name):
            raise RecipeError(spec.name, f"{_shown(name)} is not a layer name.", hint)
    return tuple(dict.fromkeys(value))


def _checked_texts(spec: "Field[Any]", value: Any) -> tuple[str, ...]:
    most, longest = spec.metadata["most"], spec.metadata["text"]
    hint = f"Use a list of at most {most} texts of at most {longest} characters."
    if not isinstance(value, list | tuple) or len(value) > most:
        raise RecipeError(spec.name, f"{_shown(value)} is not a short list of texts.", hint)
    for text in value:
        if not isinstance(text, str) or not text.strip() or len(text) > longest or "\0" in text:
            raise RecipeError(spec.name, f"{_shown(text)} is not a usable text.", hint)
    return tuple(value)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = "The value"
    return text if len(text) <= 60 else text[:57] + "..."


def _habits(recipe: Recipe) -> list[Caution]:
    found = []
    if recipe.method == "full" and recipe.learning_rate > 1e-4:
        found.append(
            Caution(
                "learning_rate", "High for a full fine-tune: 1e-5 to 5e-5 is usual; the model may forget what it knew."
            )
        )
    if recipe.method == "lora" and recipe.learning_rate < 2e-5:
        found.append(Caution("learning_rate", "Low for LoRA: 1e-4 to 5e-4 is usual; the adapter may hardly change."))
    if recipe.early_stopping and not recipe.eval_every:
        found.append(Caution("early_stopping", "Never acts, because nothing is evaluated before the end."))
    if recipe.early_stopping and not recipe.eval_fraction:
        found.append(Caution("early_stopping", "Never acts, because no rows are kept for measuring."))
    if recipe.precision == "fp16":
        found.append(Caution("precision", "fp16 overflows easily; take bf16 where the GPU has it."))
    return found


def _plan(recipe: Recipe, rows: int, kept: int) -> list[Caution]:
    steps, found = recipe.total_steps(max(1, rows - kept)), []
    if recipe.save_every >= steps > 1:
        found.append(
            Caution(
                "save_every",
                f"The run has {steps} steps, so nothing is saved before its end; a crash would lose all of it.",
            )
        )
    if recipe.eval_fraction and kept and recipe.eval_every >= steps > 1:
        found.append(Caution("eval_every", f"The run has {steps} steps, so it is measured once, at its end."))
    if steps < 10:
        found.append(Caution("epochs", f"Only {steps} steps: the model will hardly change."))
    if recipe.batch_size * recipe.gradient_accumulation > rows:
        found.append(
            Caution(
                "batch_size",
                f"One step takes {recipe.batch_size * recipe.gradient_accumulation} rows; there are {rows}.",
            )
        )
    return found
