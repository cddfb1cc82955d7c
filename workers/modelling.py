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
    weights = kinds[name] if recipe.has_adapter else torch.float32  # of a frozen model too: its top is trained
    return Precision(weights, bf16=name == "bf16", fp16=name == "fp16")


def check_length(recipe: Recipe, facts: ModelFacts) -> None:
    """Refuse rows longer than the model can read."""
    if facts.context_length and recipe.max_length > facts.context_length:
        raise UserError(
            f"The model reads at most {facts.context_length} tokens.",
            f"Use at most {facts.context_length}.",
            "max_length",
        )


def load_model(folder: Path, dtype: torch.dtype, head: str = "AutoModelForCausalLM", **options: Any) -> Any:
    """The model in a scanned folder, without code of its own. `head`: a class of transformers; `options`: as its from_pretrained takes."""
    import transformers
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    return getattr(transformers, head).from_pretrained(
        folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True, **options
    )


def in_four_bits(recipe: Recipe, dtype: torch.dtype) -> dict[str, Any]:
    """Options that load the base in 4 bits (NF4 with double quantization; Dettmers et al. 2023, section 3); none for other methods.

    Raises UserError where bitsandbytes does not run.
    """
    if not recipe.is_quantized:
        return {}
    try:
        import bitsandbytes  # noqa: F401
    except (ImportError, RuntimeError, OSError) as exc:
        told = f"bitsandbytes does not run here: {first_line(exc)}"
        raise UserError(told, "Take LoRA instead of QLoRA.", "method") from exc
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    return {"quantization_config": config}


def prepared(model: Any, recipe: Recipe, checkpoint: Path | None) -> Any:
    """The model with the weights trained that the recipe's method trains, and no others."""
    if recipe.is_quantized:
        from peft import prepare_model_for_kbit_training

        for module in model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):  # a layout for answering; the way back is not exact
                module.support_avx512bf16_for_cpu = False
        kept = recipe.gradient_checkpointing
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=kept)  # type: ignore[no-untyped-call]
    if recipe.has_adapter:
        return with_adapter(model, recipe, checkpoint)
    if recipe.method == "frozen":
        freeze_below(model, recipe.trained_layers)
    return model


def freeze_below(model: Any, trained: int) -> None:
    """Train the `trained` highest blocks and what lies above them; embeddings (and a head tied to them) and lower blocks stay.

    Raises UserError when the model has fewer blocks.
    """
    blocks = blocks_of(model)
    if trained > len(blocks):
        raise UserError(f"The model has {len(blocks)} blocks.", f"Use at most {len(blocks)}.", "trained_layers")
    still = [*blocks[: len(blocks) - trained], *(m for name, m in model.named_modules() if _embeds(name, m))]
    for module in still:
        for parameter in module.parameters():
            parameter.requires_grad = False


def blocks_of(model: Any) -> list[Any]:
    """The model's numbered blocks, lowest first: its longest list of modules."""
    lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    return list(max(lists, key=len, default=[]))


def _embeds(name: str, module: Any) -> bool:
    return isinstance(module, torch.nn.Embedding) or "embed" in name.rsplit(".", 1)[-1]


def with_adapter(model: Any, recipe: Recipe, checkpoint: Path | None) -> Any:
    """The model with a new adapter, or with the one of a checkpoint. Raises UserError when no layer has such a name."""
    from peft import PromptTuningConfig, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    if checkpoint is not None and recipe.method != "prompt":
        return load_adapter(model, checkpoint, is_trainable=True)
    if isinstance(recipe.target_modules, tuple) and any(
        name.split(".")[-1] == "lm_head" for name in recipe.target_modules
    ):
        raise UserError(
            "lm_head cannot get an adapter.", "Leave it out; auto takes all other linear layers.", "target_modules"
        )
    kind = task_type(model)
    if recipe.method == "prompt":
        prompted = get_peft_model(model, PromptTuningConfig(task_type=kind, num_virtual_tokens=recipe.prompt_tokens))
        if checkpoint is not None:  # PEFT loads learned prompts for use only, not to go on with
            set_peft_model_state_dict(prompted, load_file(checkpoint / "adapter_model.safetensors"))
        return prompted
    try:
        return get_peft_model(model, lora_config(recipe, kind))
    except ValueError as exc:
        hint = f"Layers of this model are: {', '.join(linear_layers(model))}; or use auto."
        raise UserError(first_line(exc), hint, "target_modules") from exc


def task_type(model: Any) -> str | None:
    """PEFT's word for the model's head: a head that is new is then trained and saved beside the adapter."""
    name = type(model).__name__
    heads = {"ForCausalLM": "CAUSAL_LM", "ForSequenceClassification": "SEQ_CLS", "ForTokenClassification": "TOKEN_CLS"}
    return next((word for end, word in heads.items() if name.endswith(end)), None)


def lora_config(recipe: Recipe, kind: str | None) -> Any:
    """LoRA (Hu et al. 2021); DoRA keeps magnitudes apart (Liu et al. 2024), rsLoRA scales by alpha / sqrt(r) (Kalajdzievski 2023)."""
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora_r, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout, bias="none", task_type=kind,
        target_modules="all-linear" if recipe.target_modules == "auto" else list(recipe.target_modules),
        exclude_modules=["score", "classifier"] if kind == "TOKEN_CLS" else None,  # the head is trained whole
        use_dora=recipe.method == "dora", use_rslora=recipe.method == "rslora",
    )  # fmt: skip


def load_adapter(model: Any, folder: Path, *, is_trainable: bool = False) -> Any:
    """The model with the adapter in `folder`. Only safetensors: PEFT would fall back to a pickle. Raises UserError."""
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
