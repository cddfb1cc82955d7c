"""Fine-tuning with any objective and method: setup -> fit -> validate -> save.

Spec: inputs {"model": {"folder": abs}, "shards": [abs parquet], "resume_from": abs checkpoint | "latest" | null}; settings = a recipe.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import shrinking
from workers.checkpoints import Store, read_manifest
from workers.context import Context, Wish
from workers.failures import OUT_OF_MEMORY, Interrupted, StartAgain, UserError, classify
from workers.models import ModelFacts
from workers.prepare_model import scanned
from workers.recipes import Recipe, RecipeError

OPTIMIZERS = {
    "adamw": "adamw_torch", "adamw_8bit": "adamw_bnb_8bit", "paged_adamw": "paged_adamw_32bit", "paged_adamw_8bit": "paged_adamw_8bit",
    "adafactor": "adafactor", "sgd": "sgd",
}  # fmt: skip
LIBRARIES = ("torch", "transformers", "trl", "peft", "safetensors", "tokenizers")


@dataclass
class Run:
    """What setup has made ready."""

    context: Context
    recipe: Recipe
    trainer: Any
    labels: tuple[str, ...]
    resume_from: Path | None


def main(context: Context) -> dict[str, Any]:
    """Train and return the result: the checkpoint, its step, how good it is, and whether the weights changed."""
    try:
        run = setup(context)
        fit(run)
        validate(run)
        return save(run)
    except Exception as exc:
        again = start_smaller(context, exc)
        if again is None:
            raise
        raise again from exc


def setup(context: Context) -> Run:
    """Check everything cheap first, then load: recipe, model folder, rows, model, trainer."""
    folder = Path(context.spec.inputs["model"]["folder"])
    facts = scanned(folder)
    recipe = read_recipe(context).fitted(facts.context_length)
    store = Store(context.folder / "checkpoints", context.reporter.log)
    store.sweep()
    checkpoint = choose_checkpoint(context, store)
    tell_resumed(context, checkpoint)
    _say(context, "Loading the libraries")  # heavy: only now, when the cheap checks have passed
    warnings.filterwarnings("ignore", category=FutureWarning)  # of libraries, to each other
    import torch

    from workers import curves, data, modelling, trainer
    from workers.objectives.task import task_for
    from workers.samples import Samples

    modelling.check_length(recipe, facts)
    precision = modelling.precision_for(recipe)
    task = task_for(context, recipe, folder, facts)
    processor = task.load_processor()
    rows = task.read_rows(processor)
    identity = trainer.Identity(config_hash(facts, rows.fingerprint), versions(), recipe.as_dict())
    if checkpoint is not None:
        check_same_run(context, checkpoint, identity)
    _say(context, "Loading the model")
    torch.manual_seed(recipe.seed)  # the adapter's first weights
    is_whole = checkpoint is not None and not recipe.has_adapter
    model = task.load_model(checkpoint if is_whole and checkpoint else folder, precision.weights, rows)
    model = modelling.prepared(model, recipe, checkpoint)
    samples = Samples(context, processor, rows.questions, recipe)
    run_trainer = task.trainer(
        context=context, recipe=recipe, store=store, samples=samples, identity=identity, model=model,
        args=task.arguments(arguments(context, recipe, precision, rows.evaluation is not None)), train_dataset=rows.train,
        eval_dataset=rows.evaluation, processing_class=processor,
    )  # fmt: skip
    run_trainer.add_callback(curves.Curves(run_trainer, checkpoint))
    _tell_facts(context, recipe, run_trainer, data.facts(rows.counts), rows.counts.longest_row)
    return Run(context, recipe, run_trainer, rows.labels, checkpoint)


def fit(run: Run) -> None:
    """Train to the end, or until someone wants otherwise. Raises Interrupted when the run is to go on elsewhere or not at all."""
    from workers import proof

    trainer, context = run.trainer, run.context
    if run.resume_from is not None and trainer.take_over(run.resume_from):
        if run.resume_from.parent != trainer.store.root:
            hint = "Raise the number of epochs or steps, or use the checkpoint as it is."
            raise UserError("Nothing is left to train: the checkpoint is at the last step.", hint, "max_steps")
        return
    if run.resume_from is None:
        trainer.first = proof.snapshot(trainer.model)
        if not run.recipe.has_adapter:  # later there is no base model to ask
            trainer.samples.ask_base(trainer.model)
    with _saved_on_leaving(run):
        context.check()
        trainer.train(resume_from_checkpoint=str(run.resume_from) if run.resume_from else None)
        context.check()


def validate(run: Run) -> None:
    """A last evaluation, unless the last step had one."""
    trainer = run.trainer
    if trainer.eval_dataset is not None and trainer.progress.last_eval_step != trainer.state.global_step:
        with _saved_on_leaving(run):
            _say(run.context, "Evaluating the result", trainer.state.global_step, trainer.state.max_steps)
            trainer.evaluate()


def save(run: Run) -> dict[str, Any]:
    """Prove that the weights changed, save the last checkpoint, and say what came out. Raises UserError when nothing changed."""
    from workers import modelling, proof

    trainer = run.trainer
    change = proof.compare(trainer.first, proof.snapshot(trainer.model))
    run.context.reporter.fact("changed_tensors", change.changed_tensors)
    run.context.reporter.fact("relative_update", change.relative_update)
    if not change.is_real:
        raise UserError(
            "Training did not change the weights.",
            "Raise the learning rate, or train more steps (it rises from 0 in the first ones).",
            "learning_rate",
        )
    trainer.save_now()
    trainable, total = modelling.count_parameters(trainer.model)
    step, best = trainer.state.global_step, trainer.progress.best_step
    return {
        "checkpoint": f"checkpoints/{trainer.store.folder_of(step).name}",
        "step": step,
        "stopped": run.context.wish == Wish.STOP_AND_SAVE,
        "best_step": best if best is not None else step,
        "eval_loss": trainer.progress.last_eval_loss,
        "labels": list(run.labels),
        "metrics": trainer.progress.last_metrics,
        "best_value": trainer.progress.best_value,
        "weights_changed": True,
        "trainable_parameters": trainable,
        "total_parameters": total,
        "batches": trainer.progress.ledger,
    }


def start_smaller(context: Context, exc: Exception) -> StartAgain | None:
    """What to raise after memory ran out: the same steps with fewer rows at once. None for other reasons and when a batch is one row."""
    if classify(exc).failure_class != OUT_OF_MEMORY:
        return None
    recipe = read_recipe(context)
    smaller = shrinking.halved(recipe)
    if smaller is None:
        return None
    shrinking.note(context.folder, smaller)
    was, now = (f"{sizes.batch_size} x {sizes.gradient_accumulation}" for sizes in (recipe, smaller))
    context.reporter.log(
        "warn", f"Memory ran out with {was} rows a step. The run goes on from its last checkpoint with {now}."
    )
    context.reporter.fact("batch_size_now", smaller.batch_size)
    return StartAgain()


def read_recipe(context: Context) -> Recipe:
    """The recipe of the spec, checked once more, with the batches that fit into memory."""
    try:
        return shrinking.noted(context.folder, Recipe.from_dict(context.spec.settings))
    except RecipeError as error:
        raise UserError(error.message, error.hint, error.field) from error


def choose_checkpoint(context: Context, store: Store) -> Path | None:
    """The checkpoint to go on from: the one named if it is sound, else the newest sound one of this job; None to begin anew.

    Raises UserError when a checkpoint was named and neither it nor any of this job is sound: days of training done over would
    not be what the person asked for.
    """
    wanted = context.spec.inputs.get("resume_from")
    if shrinking.has_shrunk(context.folder) and store.newest_sound() is not None:
        wanted = "latest"
    if wanted is None:
        return None
    if wanted != "latest":
        step = int(Path(wanted).name.removeprefix("step-"))
        given = Store(Path(wanted).parent, context.reporter.log)
        if given.is_sound(step):
            store.verified |= given.verified if given.root == store.root else {}
            return Path(wanted)
    newest = store.newest_sound()
    if newest is None and wanted != "latest":
        raise UserError("The checkpoint to go on from is damaged.", "Clone the run to start it anew.", "resume_from")
    if newest is None and store.steps():
        context.reporter.log("error", "No checkpoint of this run is sound; it starts again from step 0.")
    return None if newest is None else store.folder_of(newest)


def tell_resumed(context: Context, checkpoint: Path | None) -> None:
    """Say from which step the run goes on, so that later points are void. Said also when it must begin anew."""
    if checkpoint is not None:
        context.reporter.emit("resumed", step=int(checkpoint.name.removeprefix("step-")))
    elif (
        context.spec.inputs.get("resume_from") not in (None, "latest")
        or context.spec.epoch > 1
        or shrinking.has_shrunk(context.folder)
    ):
        context.reporter.emit("resumed", step=0)


def check_same_run(context: Context, checkpoint: Path, identity: Any) -> None:
    """A checkpoint goes on only with the same model, rows and method; other settings and libraries are allowed, and said."""
    from workers.training_state import read_state

    manifest, saved = read_manifest(checkpoint), {**Recipe().as_dict(), **read_state(checkpoint)["recipe"]}
    if manifest.config_hash != identity.config_hash or _way(saved) != _way(identity.recipe):
        what = "The checkpoint belongs to a run with another model, other rows, another method or objective."
        raise UserError(what, "Start a new run instead.", "resume_from")
    changed = [name for name, value in sorted(identity.recipe.items()) if value != saved.get(name)]
    if _rows_a_step(saved) == _rows_a_step(identity.recipe):
        changed = [name for name in changed if name not in ("batch_size", "gradient_accumulation")]
    changed += [name for name, value in identity.versions.items() if value != manifest.versions.get(name)]
    if changed:
        text = f"Changed since the checkpoint: {', '.join(changed)}. The run goes on, but not exactly as it would have."
        context.reporter.log("warn", text)


def _rows_a_step(recipe: Mapping[str, Any]) -> int:
    return int(recipe["batch_size"]) * int(recipe["gradient_accumulation"])


def _way(recipe: Mapping[str, Any]) -> tuple[Any, Any]:
    return recipe["method"], recipe.get("objective", "chat")


def config_hash(facts: ModelFacts, fingerprint: str) -> str:
    """What model on what rows, as one hash."""
    text = json.dumps([facts.architecture, facts.parameters, facts.bytes, fingerprint])
    return hashlib.sha256(text.encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions of the libraries that have a say in the numbers."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def arguments(context: Context, recipe: Recipe, precision: Any, has_eval: bool) -> dict[str, Any]:
    """The recipe in the words that every transformers trainer knows."""
    import torch

    evaluates, saves = has_eval and recipe.eval_every > 0, recipe.save_every > 0
    return dict(  # noqa: C408
        output_dir=str(context.folder / "work"), seed=recipe.seed, learning_rate=recipe.learning_rate, num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1, per_device_train_batch_size=recipe.batch_size, per_device_eval_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation, warmup_steps=recipe.warmup_ratio,
        lr_scheduler_type="constant_with_warmup" if recipe.scheduler == "constant" else recipe.scheduler,
        weight_decay=recipe.weight_decay, max_grad_norm=recipe.max_grad_norm, bf16=precision.bf16, fp16=precision.fp16,
        gradient_checkpointing=recipe.gradient_checkpointing, logging_steps=recipe.logging_every, logging_nan_inf_filter=False,
        eval_strategy="steps" if evaluates else "no", eval_steps=recipe.eval_every or None,
        save_strategy="steps" if saves else "no", save_steps=recipe.save_every or 500, report_to="none",
        disable_tqdm=True, optim=OPTIMIZERS[recipe.optimizer],
        dataloader_pin_memory=torch.cuda.is_available(),
    )  # fmt: skip


def _tell_facts(context: Context, recipe: Recipe, trainer: Any, counts: dict[str, int], longest: int) -> None:
    from workers import modelling

    trainable, total = modelling.count_parameters(trainer.model)
    steps = trainer.set_initial_training_values(trainer.args, trainer.get_train_dataloader())[-1]
    facts = {**counts, "trainable_parameters": trainable, "total_parameters": total, "device": str(trainer.args.device)}
    facts["total_steps"] = steps
    for name, value in facts.items():
        context.reporter.fact(name, value)
    rows = (
        f"{counts['train_rows']} rows to learn from, {counts['eval_rows']} to measure, {counts['truncated_rows']} cut"
    )
    rows += f", {counts['aside_rows']} left alone" if counts["aside_rows"] else ""
    context.reporter.log("info", f"{rows}; {trainable:,} of {total:,} weights are trained on {trainer.args.device}")
    for caution in recipe.warnings(counts["train_rows"] + counts["eval_rows"], longest, counts["eval_rows"]):
        context.reporter.log("warn", f"{caution.field}: {caution.message}")


@contextlib.contextmanager
def _saved_on_leaving(run: Run) -> Iterator[None]:
    """Save a checkpoint when the block is left because the run goes on elsewhere."""
    try:
        yield
    except Interrupted:
        if run.context.wish == Wish.LEAVE:
            run.trainer.save_now()
        raise


def _say(context: Context, phase: str, done: int = 0, total: int = 1) -> None:
    context.check()
    context.reporter.log("info", phase)
    context.reporter.progress(done, total, "steps", phase)
