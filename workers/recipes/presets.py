"""Recipes to start from."""

from collections.abc import Mapping
from dataclasses import dataclass

from workers.recipes.recipe import Recipe


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
    eval_every=100, save_every=100, gradient_checkpointing=True, batching="length",
)  # fmt: skip
_LORA = Recipe(epochs=3.0, gradient_accumulation=4, batching="length")
_QLORA = Recipe(
    method="qlora",
    epochs=3.0,
    gradient_accumulation=4,
    optimizer="adamw_8bit",
    batching="length",
    gradient_checkpointing=True,
)
_QUICK_HELP = "A small adapter in a few minutes, without a GPU: enough to see whether the data teaches."
_LORA_HELP = "An adapter over all linear layers: the usual choice, close to full quality."
_QLORA_HELP = (
    "An adapter over a base model in 4 bits: a quarter of the memory, slower; for models that do not fit otherwise."
)
_FULL_HELP = "Every weight of the model: for small models or much data; the checkpoints are large."
PRESETS: Mapping[str, Preset] = {
    "quick": Preset("quick", "Quick look (CPU)", _QUICK_HELP, _QUICK),
    "lora": Preset("lora", "LoRA", _LORA_HELP, _LORA),
    "qlora": Preset("qlora", "QLoRA", _QLORA_HELP, _QLORA),
    "full": Preset("full", "Full", _FULL_HELP, _FULL),
}
