"""Load a model for training: numbers, adapter, and what its settings mean on this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from workers.failures import UserError, first_line
from workers.models import ModelFacts
from workers.recipes import Recipe


@dataclass(frozen=True)
class Precision:
    """In what numbers the weights are kept and the steps computed."""

    weights: torch.dtype
    bf16: bool
    fp16: bool


def precision_for(recipe: Recipe) -> Precision:
    """What a recipe's precision means here. A full fine-tune always keeps fp32 weights: bf16 swallows small steps. Raises UserError."""
    has_gpu = torch.cuda.is_available()
    name = recipe.precision
    if name == "auto":
        name = "bf16" if has_gpu and torch.cuda.is_bf16_supported() else "fp32"
    if name == "fp16" and not has_gpu:
        raise UserError("fp16 needs a GPU.", "Use auto, fp32 or bf16 on this machine.", "precision")
    if name == "bf16" and has_gpu and not torch.cuda.is_bf16_supported():
        raise UserError("This GPU has no bf16.", "Use auto, fp32 or fp16.", "precision")
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    weights = kinds[name] if recipe.has_adapter else torch.float32
    return Precision(weights, bf16=name == "bf16", fp16=name == "fp16")


def check_length(recipe: Recipe, facts: ModelFacts) -> None:
    """Refuse rows longer than the model can read."""
    if facts.context_length and recipe.max_length > facts.context_length:
        raise UserError(
            f"The model reads at most {facts.context_length} tokens.",
            f"Use at most {facts.context_length}.",
            "max_length",
        )


def load_model(folder: Path, dtype: torch.dtype) -> Any:
    """The causal language model in a scanned folder, without code of its own."""
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
    )


def with_adapter(model: Any, recipe: Recipe, checkpoint: Path | None) -> Any:
    """The model with a new LoRA adapter, or with the one of a checkpoint. Raises UserError when no layer has such a name."""
    from peft import LoraConfig, get_peft_model

    if checkpoint is not None:
        return load_adapter(model, checkpoint, is_trainable=True)
    if isinstance(recipe.target_modules, tuple) and any(
        name.split(".")[-1] == "lm_head" for name in recipe.target_modules
    ):
        raise UserError(
            "lm_head cannot get an adapter.", "Leave it out; auto takes all other linear layers.", "target_modules"
        )
    config = LoraConfig(
        r=recipe.lora_r, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout, bias="none", task_type="CAUSAL_LM",
        target_modules="all-linear" if recipe.target_modules == "auto" else list(recipe.target_modules),
    )  # fmt: skip
    try:
        return get_peft_model(model, config)
    except ValueError as exc:
        hint = f"Layers of this model are: {', '.join(linear_layers(model))}; or use auto."
        raise UserError(first_line(exc), hint, "target_modules") from exc


def load_adapter(model: Any, folder: Path, *, is_trainable: bool = False) -> Any:
    """The model with the LoRA adapter in `folder`. Only safetensors: PEFT would fall back to a pickle. Raises UserError."""
    from peft import PeftModel

    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError("The checkpoint has no adapter in safetensors.", "Choose another checkpoint.", "checkpoint")
    return PeftModel.from_pretrained(model, folder, is_trainable=is_trainable, local_files_only=True)


def linear_layers(model: Any) -> list[str]:
    """The last parts of the names of the model's linear layers, apart from the output layer."""
    head = model.get_output_embeddings()
    found = {
        name.rsplit(".", 1)[-1]
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    }
    return sorted(found)


def count_parameters(model: Any) -> tuple[int, int]:
    """(trainable, all) parameters."""
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return trainable, sum(parameter.numel() for parameter in model.parameters())
