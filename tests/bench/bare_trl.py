"""The script a person would write with TRL alone: the measure for our own program. Run by bench_sft.

    python tests/bench/bare_trl.py settings.json

settings.json: model (folder), rows (Parquet, already in the order of training), recipe (flat dict), output (folder), times (file).
Writes the wall-clock moment of each finished step, one a line.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]


class Times(TrainerCallback):
    """Notes when each step ended."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("w", buffering=1)

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.file.write(f"{time.time():.4f}\n")


def main(settings: dict[str, Any]) -> None:
    make_trainer(settings, callbacks=[Times(Path(settings["times"]))]).train()


def make_trainer(settings: dict[str, Any], callbacks: list[TrainerCallback]) -> Any:
    recipe = settings["recipe"]
    messages = pq.read_table(settings["rows"]).column("messages").to_pylist()
    rows = Dataset.from_list([{"prompt": row[:-1], "completion": row[-1:]} for row in messages])
    is_lora = recipe["method"] == "lora"
    return SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(settings["model"], dtype=torch.float32),
        processing_class=AutoTokenizer.from_pretrained(settings["model"]),
        train_dataset=rows,
        peft_config=LoraConfig(
            r=recipe["lora_r"], lora_alpha=recipe["lora_alpha"], lora_dropout=recipe["lora_dropout"], target_modules="all-linear",
            task_type="CAUSAL_LM",
        ) if is_lora else None,
        args=SFTConfig(
            output_dir=settings["output"], learning_rate=recipe["learning_rate"], max_steps=recipe["max_steps"], seed=recipe["seed"],
            per_device_train_batch_size=recipe["batch_size"], gradient_accumulation_steps=recipe["gradient_accumulation"],
            max_length=recipe["max_length"], warmup_steps=recipe["warmup_ratio"], lr_scheduler_type=recipe["scheduler"],
            weight_decay=recipe["weight_decay"], max_grad_norm=recipe["max_grad_norm"], logging_steps=recipe["logging_every"],
            gradient_checkpointing=recipe["gradient_checkpointing"], bf16=False, save_strategy="no", report_to="none",
            train_sampling_strategy="sequential", dataloader_pin_memory=False, disable_tqdm=True,
        ),
        callbacks=callbacks,
    )  # fmt: skip


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
