"""What a run tells while it trains: points, progress, evaluations; and what it is told between steps."""

import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

from workers.context import Context, Wish
from workers.objectives import OBJECTIVES
from workers.telemetry import Telemetry
from workers.trainer import Durable

PROGRESS_EVERY_S = 1.0
LINE_EVERY_S = 2.0  # the log tells a step at most this often; the curve has them all
POINTS = ("loss", "learning_rate", "grad_norm", "epoch")  # of the trainer's log


class Curves(TrainerCallback):
    """Turns the trainer's log into events and the supervisor's wishes into the trainer's control flags."""

    def __init__(self, trainer: Durable, resume_from: Path | None) -> None:
        self.trainer, self.resume_from = trainer, resume_from
        self.context: Context = trainer.context
        self.reporter = trainer.context.reporter
        self.objective = OBJECTIVES[trainer.recipe.objective]
        self.stopwatch = Stopwatch()
        self._telemetry = Telemetry()
        self._next_progress = self._next_line = 0.0
        self._tokens = 0

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.resume_from is not None:
            self.trainer.restore_averages(self.resume_from)
        self._tokens = self.trainer._total_train_tokens
        self.stopwatch.begin(state.global_step)

    def on_step_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self.stopwatch.start()

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> TrainerControl:
        self.stopwatch.stop()
        self._tell_progress(state)
        wish = self.context.should_stop()
        if wish != Wish.CONTINUE:
            control.should_training_stop = True
            control.should_evaluate = False
            control.should_save = wish == Wish.LEAVE
        return control

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        logs: dict[str, float] = kwargs["logs"]
        if "loss" not in logs:  # an evaluation, or the summary at the end
            return
        step = state.global_step
        for name in POINTS:
            if name in logs:
                self.reporter.metric(step, name, logs[name])
        for name, told in self.objective.points.items():
            if name in logs:
                self.reporter.metric(step, told, logs[name])
        self.reporter.metric(step, "tokens", self.trainer._total_train_tokens)
        self.reporter.metric(step, "elapsed_s", self.stopwatch.elapsed())
        speed = self._tokens_per_second()
        if speed is not None:
            self.reporter.metric(step, "tokens_per_second", speed)
        for name, value in self._telemetry.read().items():
            self.reporter.metric(step, name, value)
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY_S
            self.reporter.log(
                "info", f"step {step}: loss {logs['loss']:.4f}, learning rate {logs.get('learning_rate', 0):.2e}"
            )

    def on_evaluate(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> TrainerControl:
        step, loss = state.global_step, float(kwargs["metrics"]["eval_loss"])
        self.reporter.metric(step, "eval_loss", loss)
        if self.objective.has_perplexity:
            self.reporter.metric(step, "eval_perplexity", math.exp(min(loss, 80.0)))
        more = self._more_metrics(kwargs["metrics"])
        for name, value in more.items():
            self.reporter.metric(step, name, value)
        self._note_evaluation(step, loss, more, control)
        best = ", the best so far" if self.trainer.progress.best_step == step else ""
        told = "".join(f", {name.removeprefix('eval_')} {value:.3f}" for name, value in more.items())
        self.reporter.log("info", f"evaluation at step {step}: loss {loss:.4f}{told}{best}")
        self.trainer.samples.report(self.trainer.model, step)
        return control

    def _more_metrics(self, metrics: dict[str, float]) -> dict[str, float]:
        """What the objective measures beside the loss, under the names of its curves."""
        named = {f"eval_{name}": f"eval_{told}" for name, told in self.objective.points.items()}
        return {told: float(metrics[name]) for name, told in named.items() if name in metrics}

    def _note_evaluation(self, step: int, loss: float, more: dict[str, float], control: TrainerControl) -> None:
        progress, patience = self.trainer.progress, self.trainer.recipe.early_stopping
        progress.last_eval_step, progress.last_eval_loss = step, loss if math.isfinite(loss) else None
        progress.last_metrics = {name: value for name, value in more.items() if math.isfinite(value)}
        value = {"eval_loss": loss, **more}.get(self.objective.metric, math.nan)
        if math.isfinite(value) and self.objective.is_better(value, progress.best_value):
            progress.best_step, progress.best_value, progress.evals_without_gain = step, value, 0
            control.should_save = True  # else the best would be a number without weights
            return
        progress.evals_without_gain += 1
        if patience and progress.evals_without_gain >= patience:
            name = self.objective.metric.removeprefix("eval_")
            text = f"Stopped early at step {step}: {patience} evaluations without a better {name} than {progress.best_value}."
            self.reporter.log("info", text)
            control.should_training_stop = True

    def _tell_progress(self, state: TrainerState) -> None:
        now = time.monotonic()
        if now < self._next_progress and state.global_step < state.max_steps:
            return
        self._next_progress = now + PROGRESS_EVERY_S
        left = self.stopwatch.eta(state.global_step, state.max_steps)
        self.reporter.progress(state.global_step, state.max_steps, "steps", "Training", left)

    def _tokens_per_second(self) -> float | None:
        """Tokens of the rows (padding left out) over the time spent in steps since the last point."""
        tokens, seconds = self.trainer._total_train_tokens - self._tokens, self.stopwatch.take()
        self._tokens += tokens
        return tokens / seconds if seconds > 0 else None


class Stopwatch:
    """Time in steps, apart from evaluations, sample answers and checkpoints."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._since_last = 0.0
        self._first_step, self._begun = 0, 0.0

    def begin(self, step: int) -> None:
        """Training begins behind `step`."""
        self._first_step, self._begun = step, time.monotonic()

    def start(self) -> None:
        """A step begins."""
        self._started = time.monotonic()

    def stop(self) -> None:
        """A step has ended."""
        if self._started is not None:
            self._since_last += time.monotonic() - self._started
            self._started = None

    def take(self) -> float:
        """Seconds in steps since the last call."""
        seconds, self._since_last = self._since_last, 0.0
        return seconds

    def elapsed(self) -> float:
        """Seconds since this attempt began to train; it starts anew where a run is resumed."""
        return time.monotonic() - self._begun

    def eta(self, step: int, last_step: int) -> float | None:
        """Seconds to the last step at the pace so far, evaluations and checkpoints included. None before the first step."""
        done = step - self._first_step
        return (time.monotonic() - self._begun) / done * (last_step - step) if done > 0 else None
