"""What a long run on somebody else's machine needs besides a trainer of transformers or TRL.

Checkpoints that are whole, hold no pickle and resume exactly; an order of rows of its own; a stop when the loss is no number;
ears for the supervisor's wishes between steps. The optimization itself is the trainer's, untouched.
"""

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerState

from workers import batches, training_state
from workers.batches import Ledger, SeededBatches
from workers.checkpoints import Manifest, Store, read_manifest
from workers.context import Context, Wish
from workers.data import ROW
from workers.failures import Interrupted, NonFinite
from workers.proof import Snapshot
from workers.recipes import Recipe
from workers.samples import Samples

TRAINER_STATE = "trainer_state.json"  # where transformers looks for it
FIRST_VALUES = "first.safetensors"
LARGE_GRADIENT = 10.0  # longer ones are counted: many of them mean that the learning rate is too high
SHOWN_ROWS = 12
NAN_HINT = "Lower the learning rate (a tenth is a good try), use bf16 or fp32 instead of fp16, or look for broken rows."


@dataclass
class Progress:
    """What the run knows of itself beyond the trainer's own state; all of it is in every checkpoint."""

    ledger: str = ""
    best_step: int | None = None
    best_value: float | None = None  # of the objective's deciding metric
    last_eval_step: int | None = None
    last_eval_loss: float | None = None
    last_metrics: dict[str, float] = field(default_factory=dict)  # of the last evaluation, beside its loss
    evals_without_gain: int = 0
    large_gradients: int = 0
    first_hashes: dict[str, str] = field(default_factory=dict)  # of the trainable weights before the first step
    base_answers: list[str] | None = None


@dataclass(frozen=True)
class Identity:
    """What a checkpoint must share with the run that resumes it."""

    config_hash: str
    versions: dict[str, str]
    recipe: dict[str, Any]


Mixed: Any = object  # as Any: what stands beside this class is a trainer of transformers or TRL


class Durable(Mixed):
    """One run. Stands before a trainer among the bases of each objective's; see the module's docstring for what it adds."""

    watched = "input_ids"  # the input whose bytes tell one batch from another
    train_collator: Any = None  # where training's batches are made otherwise than those of an evaluation

    def __init__(
        self, *, context: Context, recipe: Recipe, store: Store, samples: Samples, identity: Identity, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._counts_tokens = not hasattr(self, "_total_train_tokens")  # TRL's trainers count them themselves
        if self._counts_tokens:
            self._total_train_tokens = 0
            self._metrics: dict[str, Any] = {"train": defaultdict(list), "eval": defaultdict(list)}
        self.context, self.recipe, self.store, self.samples, self.identity = context, recipe, store, samples, identity
        self.progress = Progress()
        self.first = Snapshot({}, {})
        self.last_saved_step: int | None = None
        self._ledger = Ledger()
        self._lengths = batches.lengths_of(self.train_dataset)
        grouped = recipe.batching == "length" and bool(self._lengths.any())
        self._order = SeededBatches(
            len(self.train_dataset), recipe.batch_size, recipe.seed, accumulation=recipe.gradient_accumulation,
            lengths=self._lengths if grouped else None,
        )  # fmt: skip
        self._seen: list[int] = []  # places of the rows of the present step
        self.remove_callback(PrinterCallback)

    # -- which rows -------------------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches by position, so that skipping to the middle of an epoch needs no random state."""
        collate, rows = self.train_collator or self.data_collator, self.train_dataset
        if self.train_collator is None:  # one of ours takes what it needs
            rows = self._remove_unused_columns(rows, description="Training")
        return DataLoader(
            batches.Positioned(rows),
            batch_sampler=self._order,
            collate_fn=batches.with_positions(collate),
            pin_memory=self.args.dataloader_pin_memory,
            generator=torch.Generator(),  # else each pass would draw from the global generator
        )

    def _run_epoch(self, **kwargs: Any) -> None:
        self._order.set_epoch(kwargs["epoch"])
        super()._run_epoch(**kwargs)

    # -- each step --------------------------------------------------------------------------------------------------

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        """One batch forward and backward. Raises NonFinite when its loss is no number."""
        places = inputs.pop("positions").tolist()
        self._seen = [*self._seen, *places][-self._order.step_rows :]
        self._ledger.add(inputs[self.watched])
        tokens = self._total_train_tokens
        loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        if self._counts_tokens or "attention_mask" not in inputs:  # TRL counts what the mask says
            self._total_train_tokens = tokens + int(self._lengths[places].sum())
        if not torch.isfinite(loss):
            self._give_up("loss", loss.item(), places)
        return loss

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        value = float(norm)
        has_scaler = self.accelerator.scaler is not None  # it skips such a step and lowers its scale
        if not math.isfinite(value) and not has_scaler:
            self._give_up("grad_norm", value, self._seen)
        if value > LARGE_GRADIENT:
            self.progress.large_gradients += 1
            self.context.reporter.fact("large_gradients", self.progress.large_gradients)
        if self.recipe.grad_norm_limit and value > self.recipe.grad_norm_limit:
            step = self.state.global_step + 1
            self.context.reporter.metric(step, "grad_norm", value)
            message = f"The gradient of step {step} has length {value:.3g}, beyond the limit of {self.recipe.grad_norm_limit:g}."
            raise NonFinite(message, "Lower the learning rate or raise the limit.")
        return norm

    def _give_up(self, name: str, value: float, places: list[int]) -> None:
        step, rows = self.state.global_step + 1, self._rows_at(places)
        self.context.reporter.metric(step, name, value)
        self.context.reporter.fact("rows_at_the_end", rows)
        what, shown = "loss" if name == "loss" else "gradient", ", ".join(map(str, rows[:SHOWN_ROWS]))
        more = ", ..." if len(rows) > SHOWN_ROWS else ""
        raise NonFinite(
            f"The {what} of step {step} is no number any more ({value}); it saw the rows {shown}{more} of the version.",
            NAN_HINT,
        )

    def _rows_at(self, places: list[int]) -> list[int]:
        """The numbers in the version of the rows at these places; of a block all that it packs."""
        found = self.train_dataset[places][ROW] if ROW in self.train_dataset.column_names else []
        return sorted(row for rows in found for row in (rows if isinstance(rows, list) else [rows]))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Hand the values to the callbacks; the history is in the events, so none is piled up here."""
        super().log(logs, start_time)
        self.state.log_history.clear()

    # -- evaluation -------------------------------------------------------------------------------------------------

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure on the evaluation split, without touching the random numbers of training."""
        with same_random_numbers():
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        return metrics

    def prediction_step(self, *args: Any, **kwargs: Any) -> Any:
        """One evaluation batch; leaves in the middle when asked, since an evaluation can take minutes."""
        wish = self.context.should_stop()
        if wish >= Wish.LEAVE:
            raise Interrupted(wish.name.lower())
        self.context.reporter.still_at_work()
        return super().prediction_step(*args, **kwargs)

    # -- checkpoints ------------------------------------------------------------------------------------------------

    def save_now(self) -> None:
        """Save a checkpoint of the present step, unless there is one."""
        if self.state.global_step:
            self._save_checkpoint(self.model, None)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step, progress = self.state.global_step, self.progress
        if self.last_saved_step == step:
            return
        header = Manifest(
            step=step, epoch=self.context.spec.epoch, seq=self.context.reporter.seq, created_at=round(self._now(), 3),
            config_hash=self.identity.config_hash, versions=self.identity.versions, metrics=self._metrics_here(), files=[],
        )  # fmt: skip
        manifest = self.store.save(header, self._fill, progress.best_step)
        self.last_saved_step = step
        self._tell_checkpoint(manifest)

    def _tell_checkpoint(self, manifest: Manifest) -> None:
        step = manifest.step
        self.context.reporter.emit(
            "checkpoint", step=step, folder=f"checkpoints/{self.store.folder_of(step).name}", manifest=manifest.as_dict(),
            metrics=dict(manifest.metrics), best=self.progress.best_step == step, kept=self.store.steps(),
        )  # fmt: skip

    def _fill(self, folder: Path) -> None:
        """All files of a checkpoint: an ordinary model or adapter folder, and `training/` beside it."""
        self.model.save_pretrained(folder)
        for card in folder.glob("README.md"):
            card.unlink()  # PEFT's empty model card
        self.processing_class.save_pretrained(folder)
        self.state.save_to_json(str(folder / TRAINER_STATE))
        inner = folder / training_state.FOLDER
        inner.mkdir()
        training_state.write_state(inner, self._state_dict(inner))

    def _state_dict(self, inner: Path) -> dict[str, Any]:
        scaler = self.accelerator.scaler
        self.progress.ledger = self._ledger.digest
        self.progress.base_answers = self.samples.base_answers
        self.progress.first_hashes = dict(self.first.hashes)
        training_state.save_tensors(self.first.values, inner / FIRST_VALUES)
        return {
            "optimizer": training_state.save_optimizer(self.optimizer, inner),
            "random": training_state.save_random(inner),
            "schedule": self.lr_scheduler.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else None,
            "progress": dict(vars(self.progress)),
            "averages": {
                "loss_sum": self._tr_loss.item(),
                "last_logged": self._globalstep_last_logged,
                "tokens": self._total_train_tokens,
                "train": {name: list(values) for name, values in self._metrics["train"].items()},
            },
            "recipe": self.identity.recipe,
            "config_hash": self.identity.config_hash,
        }

    def take_over(self, checkpoint: Path) -> bool:
        """Take over what the checkpoint knows of the run, before training goes on. True when there is nothing left to train."""
        self.progress = progress_of(training_state.read_state(checkpoint)["progress"])
        self._ledger = Ledger(self.progress.ledger)
        self.first = Snapshot(
            self.progress.first_hashes, training_state.load_tensors(checkpoint / training_state.FOLDER / FIRST_VALUES)
        )
        self.samples.base_answers = self.progress.base_answers
        best = self.progress.best_step
        if (
            best is not None and not self.store.folder_of(best).exists()
        ):  # of another run: this one finds a best of its own
            self.progress.best_step = self.progress.best_value = None
        state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE))
        self.last_saved_step = state.global_step
        if checkpoint.parent == self.store.root:  # the attempt before may have died before it could say so
            self._tell_checkpoint(read_manifest(checkpoint))
        steps = self.set_initial_training_values(self.args, self.get_train_dataloader())[-1]
        is_done = bool(state.global_step >= steps)  # transformers would train one step too many
        if is_done:
            self.state = state
        return is_done

    def restore_averages(self, checkpoint: Path) -> None:
        """Put back the sums between two points of the curve. Called when training begins, after they were set to zero."""
        saved = training_state.read_state(checkpoint)["averages"]
        self._tr_loss = torch.tensor(saved["loss_sum"], device=self.args.device)
        self._globalstep_last_logged = saved["last_logged"]
        self._total_train_tokens = saved["tokens"]
        self._metrics["train"] = defaultdict(list, saved["train"])

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing: `fine_tune.setup` has loaded the weights of the checkpoint in place of the base model's."""

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            saved = training_state.read_state(Path(checkpoint))
            training_state.load_optimizer(self.optimizer, Path(checkpoint) / training_state.FOLDER, saved["optimizer"])
            self.lr_scheduler.load_state_dict(saved["schedule"])

    def _load_scaler(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(training_state.read_state(Path(checkpoint))["scaler"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            saved = training_state.read_state(Path(checkpoint))["random"]
            training_state.load_random(Path(checkpoint) / training_state.FOLDER, saved)

    def _metrics_here(self) -> dict[str, float]:
        progress = self.progress
        if progress.last_eval_step == self.state.global_step and progress.last_eval_loss is not None:
            return {"eval_loss": progress.last_eval_loss, **progress.last_metrics}
        return {}

    @staticmethod
    def _now() -> float:
        import time

        return time.time()


def progress_of(saved: dict[str, Any]) -> Progress:
    """The progress in a checkpoint; in older ones the best value is always a loss."""
    known = dict(saved)
    if "best_eval_loss" in known:
        known["best_value"] = known.pop("best_eval_loss")
    return Progress(**known)


@contextlib.contextmanager
def same_random_numbers() -> Iterator[None]:
    """The block may draw random numbers; afterwards the generators are as before."""
    with torch.random.fork_rng(enabled=True):
        yield
