"""A few steps of a run as it would be, measured: peak memory, seconds, what a checkpoint takes. Nothing of it is kept.

Spec: as of `fine_tune`. The first step has the longest rows, for the memory; the others are drawn at random, for the time.
Result: see `main`.
"""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers import fine_tune
from workers.context import Context

STEPS = 5
WARM_UP = 1  # steps whose seconds do not count: the longest rows, and whatever is built at the first one
OVERRIDES: dict[str, Any] = {
    "gradient_accumulation": 1, "eval_every": 0, "save_every": 0, "early_stopping": 0, "logging_every": 1, "grad_norm_limit": 0.0,
}  # fmt: skip


def main(context: Context) -> dict[str, Any]:
    """Measure and return: {"peak_bytes", "device", "load_seconds", "seconds_per_token", "epoch_tokens" (of all batches of an epoch, padding
    counted in both), "seconds_per_eval" (one whole evaluation with its sample answers), "seconds_per_save", "checkpoint_bytes",
    "train_rows", "eval_rows", "longest_row"}. Raises UserError as `fine_tune` does.
    """
    began = time.monotonic()
    context.spec = replace(context.spec, settings={**context.spec.settings, **OVERRIDES, "max_steps": STEPS})
    run = fine_tune.setup(context)
    trainer, facts = run.trainer, time.monotonic() - began
    epoch_tokens = padded_tokens(trainer)
    watch = Watch()
    trainer._order = Probing(trainer._lengths, run.recipe.batch_size, run.recipe.seed)
    trainer.add_callback(watch.callback(trainer))
    trainer.train()
    eval_seconds = _timed(trainer.evaluate) if trainer.eval_dataset is not None else 0.0
    folder = context.folder / "work" / "probe-checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    save_seconds = _timed(lambda: trainer._fill(folder))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder)
    return {
        "peak_bytes": peak_bytes(), "device": str(trainer.args.device), "load_seconds": round(facts, 3),
        "seconds_per_token": watch.seconds_per_token, "epoch_tokens": epoch_tokens, "seconds_per_eval": round(eval_seconds, 3),
        "seconds_per_save": round(save_seconds, 3), "checkpoint_bytes": size, "train_rows": len(trainer.train_dataset),
        "eval_rows": len(trainer.eval_dataset) if trainer.eval_dataset is not None else 0, "longest_row": int(trainer._lengths.max()),
    }  # fmt: skip


class Probing:
    """The longest rows first, then rows at random. Stands in for `batches.SeededBatches`."""

    def __init__(self, lengths: Any, batch_size: int, seed: int) -> None:
        import torch

        from workers.batches import epoch_order

        longest = torch.argsort(lengths, descending=True)[:batch_size].tolist()
        order = epoch_order(len(lengths), seed, 0).tolist() * (STEPS * batch_size // len(lengths) + 1)
        self._batches = [longest, *(order[at * batch_size : (at + 1) * batch_size] for at in range(STEPS - 1))]
        self.step_rows = batch_size

    def set_epoch(self, epoch: int) -> None:
        """The same batches in every epoch."""

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Any:
        return iter(self._batches)


class Watch:
    """Seconds and tokens of the steps, padding counted."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, int]] = []
        self._began = 0.0

    def callback(self, trainer: Any) -> Any:
        """For the trainer's list."""
        from transformers import TrainerCallback

        watch = self

        class Steps(TrainerCallback):
            def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
                watch._began = time.monotonic()

            def on_step_end(self, *args: Any, **kwargs: Any) -> None:
                lengths = trainer._lengths[trainer._seen]
                watch.steps.append((time.monotonic() - watch._began, int(lengths.max()) * len(lengths)))

        return Steps()

    @property
    def seconds_per_token(self) -> float:
        """Over the steps behind the warm-up."""
        counted = self.steps[WARM_UP:] or self.steps
        return sum(seconds for seconds, _tokens in counted) / max(1, sum(tokens for _seconds, tokens in counted))


def padded_tokens(trainer: Any) -> int:
    """Tokens of all batches of an epoch, padding counted, as the run would make them."""
    return sum(int(trainer._lengths[batch].max()) * len(batch) for batch in trainer._order)


def peak_bytes() -> int:
    """The most memory so far: of the GPU where there is one, else resident memory of this process (VmHWM)."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def _timed(act: Any) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began
