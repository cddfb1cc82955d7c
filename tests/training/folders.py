"""Model folders and checkpoints as files, made without torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from workers.checkpoints import Manifest, Store

LAYERS = {
    name: {"count": 2, "sides": 2 * sides} for name, sides in {"q_proj": 16, "v_proj": 12, "down_proj": 24}.items()
}
FACTS: dict[str, Any] = {
    "architecture": "LlamaForCausalLM", "model_type": "llama", "parameters": 1000, "hidden_size": 8, "layers": 2,
    "context_length": 2048, "has_chat_template": True, "bytes": 4000, "linear_layers": LAYERS,
}  # fmt: skip
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 2,
    "max_position_embeddings": 512,
}  # fmt: skip


def make_folder(folder: Path, *, config: dict[str, Any] | None = None) -> Path:
    """A llama of two small blocks: config, weights, tokenizer, chat template."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | (config or {})))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    tensors: dict[str, Any] = {"model.embed_tokens.weight": np.zeros((10, 8), np.float32)}
    for block in range(2):
        tensors[f"model.layers.{block}.self_attn.q_proj.weight"] = np.zeros((8, 8), np.float32)
        tensors[f"model.layers.{block}.self_attn.v_proj.weight"] = np.zeros((4, 8), np.float32)
        tensors[f"model.layers.{block}.mlp.down_proj.weight"] = np.zeros((8, 16), np.float32)
        tensors[f"model.layers.{block}.input_layernorm.weight"] = np.zeros(8, np.float32)
    save_file(tensors, folder / "model.safetensors")
    return folder


def make_checkpoint(job_folder: Path, step: int) -> dict[str, Any]:
    """A checkpoint as the trainer writes it, and the event that tells of it."""
    store = Store(job_folder / "checkpoints", lambda _level, _text: None, keep_last=10)
    header = Manifest(
        step=step,
        epoch=1,
        seq=step,
        created_at=1.0,
        config_hash="c",
        versions={},
        metrics={"eval_loss": 1 / step},
        files=[],
    )

    def fill(folder: Path) -> None:
        (folder / "adapter_model.safetensors").write_bytes(b"w" * step)

    manifest = store.save(header, fill)
    return {
        "type": "checkpoint",
        "step": step,
        "folder": f"checkpoints/step-{step:08d}",
        "manifest": manifest.as_dict(),
        "metrics": {"eval_loss": 1 / step},
        "best": True,
    }
