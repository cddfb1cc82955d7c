"""The models that one engine holds: a base with LoRA adapters that come and go, or weights of their own.

Every row of a batch names its adapter; PEFT applies each to its rows in one pass (`adapter_names`), so that requests to different
adapters are computed together and the base weights are in memory once.
"""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workers import checkpoints, modelling
from workers.checkpoints import CheckpointDamaged
from workers.failures import UserError
from workers.models import ModelRefused, read_header

BASE = "__base__"  # PEFT's own word for "no adapter"
FOREIGN_CODE = ("auto_mapping", "megatron_config", "loftq_config", "eva_config", "corda_config")


class Residents:
    """A loaded model and the names under which it answers. Not thread-safe: one thread computes."""

    def __init__(self, base: Any) -> None:
        self._model = base.eval()
        self._adapters: dict[str, str] = {}  # name of ours -> name in PEFT
        self._takes_positions = "position_ids" in inspect.signature(base.forward).parameters

    def __contains__(self, name: str) -> bool:
        return name in self._adapters

    @property
    def names(self) -> list[str]:
        return sorted(self._adapters)

    @property
    def device(self) -> Any:
        return self._model.device

    def add_own(self, name: str) -> None:
        """The weights themselves answer to `name`, without any adapter."""
        self._adapters[name] = BASE

    def load(self, name: str, folder: Path) -> None:
        """Put an adapter beside those that are there. Raises UserError when its files are not to be trusted or do not fit."""
        if name in self._adapters:
            return
        check_adapter(folder)
        try:
            self._put(name, folder)
        except (RuntimeError, ValueError, KeyError) as exc:
            self._remove(name)
            raise UserError(f"The adapter does not fit its base model: {str(exc).splitlines()[0][:200]}") from exc
        self._adapters[name] = name
        self._model.eval()

    def _put(self, name: str, folder: Path) -> None:
        from peft import PeftModel

        if isinstance(self._model, PeftModel):
            self._model.load_adapter(folder, adapter_name=name, is_trainable=False, local_files_only=True)
        else:
            self._model = PeftModel.from_pretrained(
                self._model, folder, adapter_name=name, is_trainable=False, local_files_only=True
            )

    def unload(self, name: str) -> None:
        """Take an adapter out of memory. One that is not there is no error."""
        if self._adapters.pop(name, BASE) != BASE:
            self._remove(name)

    def _remove(self, name: str) -> None:
        from peft import PeftModel

        if not isinstance(self._model, PeftModel) or name not in self._model.peft_config:
            return
        if len(self._model.peft_config) == 1:
            self._model = self._model.unload()  # the plain base again
        else:
            self._model.delete_adapter(name)

    @torch.inference_mode()
    def logits(
        self, names: Sequence[str], tokens: torch.Tensor, cache: Any, mask: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """The logits after the last token of each row: (rows, vocabulary), float32. `cache` grows by the tokens given.

        `tokens` (rows, n), `mask` (rows, kept + n) with 0 where a row has padding, `positions` (rows, n).
        """
        more: dict[str, Any] = {"position_ids": positions} if self._takes_positions else {}
        if hasattr(self._model, "peft_config"):
            more["adapter_names"] = [self._adapters[name] for name in names]
        output = self._model(
            input_ids=tokens, attention_mask=mask, past_key_values=cache, use_cache=True, logits_to_keep=1, **more
        )
        found: torch.Tensor = output.logits[:, -1].float()
        return found


def check_adapter(folder: Path) -> None:
    """Whether a checkpoint is a whole LoRA adapter in safetensors that makes PEFT run no code of its own. Raises UserError."""
    file = folder / "adapter_model.safetensors"
    if not file.is_file():
        raise UserError("The checkpoint has no adapter in safetensors.", "Deploy another version.")
    try:
        checkpoints.verify(folder)
        read_header(file)
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except CheckpointDamaged as damage:
        raise UserError(
            f"The checkpoint is damaged: {damage}.", "Deploy another version, or train it again."
        ) from damage
    except (ModelRefused, OSError, ValueError) as exc:
        raise UserError("The adapter's files cannot be read.", "Deploy another version.") from exc
    if (
        not isinstance(config, dict)
        or config.get("peft_type") != "LORA"
        or any(config.get(key) for key in FOREIGN_CODE)
    ):
        raise UserError("The adapter is not a plain LoRA adapter.", "Deploy another version.")


def load_base(folder: Path) -> Any:
    """The model in a scanned folder, where it computes best: bf16 on a GPU that has it, else float32."""
    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu and torch.cuda.is_bf16_supported() else torch.float32
    return modelling.load_model(folder, dtype).to("cuda" if on_gpu else "cpu")


def load_merged(folder: Path, adapter: Path) -> Any:
    """The model with an adapter folded into its weights, for one that cannot be mixed with others. Raises UserError."""
    check_adapter(adapter)
    return modelling.load_adapter(load_base(folder), adapter).merge_and_unload()
