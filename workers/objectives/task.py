"""What `workers.fine_tune` asks of an objective: how rows become batches, which head the model has, which trainer minimizes what."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers import modelling, tokens
from workers.context import Context
from workers.data import Rows
from workers.failures import UserError
from workers.models import ModelFacts
from workers.objectives import OBJECTIVES
from workers.recipes import Recipe


class Task(ABC):
    """One objective for one run. The methods are called in the order in which they stand here."""

    def __init__(self, context: Context, recipe: Recipe, folder: Path, facts: ModelFacts) -> None:
        """`folder`: the base model's, scanned; `facts`: what the scan found."""
        self.context, self.recipe, self.folder, self.facts = context, recipe, folder, facts

    def load_processor(self) -> Any:
        """What turns a row into numbers, saved beside the weights. Raises UserError."""
        return tokens.load_tokenizer(self.folder)

    @abstractmethod
    def read_rows(self, processor: Any) -> Rows:
        """The rows of the spec's shards, ready for the model. Raises UserError when nothing is left to learn from."""

    def load_model(self, source: Path, dtype: Any, rows: Rows) -> Any:
        """The model with the objective's head, from the base model's folder or a checkpoint of a full fine-tune."""
        return modelling.load_model(source, dtype, **modelling.in_four_bits(self.recipe, dtype))

    @abstractmethod
    def arguments(self, common: Mapping[str, Any]) -> Any:
        """The recipe in the trainer's words. `common` are keywords that every transformers trainer knows."""

    @abstractmethod
    def trainer(self, **kwargs: Any) -> Any:
        """A `workers.trainer.Durable` trainer. `kwargs` are its own and transformers' (model, args, datasets, processing_class)."""


def task_for(context: Context, recipe: Recipe, folder: Path, facts: ModelFacts) -> Task:
    """The task of the recipe's objective. Raises UserError when the recipe's method or batches do not go with it."""
    objective = OBJECTIVES[recipe.objective]
    if objective.methods and recipe.method not in objective.methods:
        hint = f"Choose one of: {', '.join(objective.methods)}."
        raise UserError(f"{objective.label} cannot be learned by this method.", hint, "method")
    if recipe.batching == "packed" and not objective.can_pack:
        raise UserError("Rows of this objective cannot share a sequence.", "Use batches by length.", "batching")
    module = importlib.import_module(f"workers.objectives.{recipe.objective}")
    task: Task = module.TASK(context, recipe, folder, facts)
    return task
