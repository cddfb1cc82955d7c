"""A reward model: one number for a conversation, by the Bradley-Terry loss on pairs (Christiano et al. 2017, arXiv:1706.03741;
Ouyang et al. 2022, arXiv:2203.02155, equation 1) with TRL's RewardTrainer."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers import data, modelling, tokens
from workers.data import Rows
from workers.objectives.task import Task
from workers.preferences import WholePairs
from workers.trainer import Durable

trl: Any = importlib.import_module("trl")


class RewardTrainer(Durable, trl.RewardTrainer):
    """TRL's optimization on rows that are tokens already."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


class Reward(Task):
    """Rows of two whole conversations; a head with one output."""

    def read_rows(self, processor: Any) -> Rows:
        masker = tokens.masker_for(processor, self.recipe.max_length)
        return data.tokenize(self.context, WholePairs(masker), self.recipe)

    def load_model(self, source: Path, dtype: Any, rows: Rows) -> Any:
        quantized = modelling.in_four_bits(self.recipe, dtype)
        return modelling.load_model(source, dtype, "AutoModelForSequenceClassification", num_labels=1, **quantized)

    def arguments(self, common: Mapping[str, Any]) -> Any:
        return trl.RewardConfig(**common, max_length=None)

    def trainer(self, **kwargs: Any) -> Any:
        return RewardTrainer(**kwargs)


TASK = Reward
