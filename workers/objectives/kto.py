"""Kahneman-Tversky optimization (Ethayarajh et al. 2024, arXiv:2402.01306) with TRL's KTOTrainer: wanted and unwanted single answers.

Its KL term is estimated from answers put behind the prompts of other rows of the same batch (section 4.1 of the paper), so a batch
needs at least two rows.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from workers import data, tokens
from workers.data import Rows
from workers.failures import UserError
from workers.objectives.dpo import drop_reference_adapter, frozen_base
from workers.objectives.task import Task
from workers.preferences import Thumbs
from workers.trainer import Durable

trl: Any = importlib.import_module("trl")
kto: Any = importlib.import_module("trl.trainer.kto_trainer")


class Rotated:
    """TRL's collator, with each prompt of the batch also before the answer of the row before it."""

    def __init__(self, collate: Any) -> None:
        self._collate = collate

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        turned = [{**row, "KL_completion_ids": rows[n - 1]["completion_ids"]} for n, row in enumerate(rows)]
        return self._collate(turned)


class ThumbTrainer(Durable, trl.KTOTrainer):
    """TRL's optimization on rows that are tokens already."""

    def __init__(self, **kwargs: Any) -> None:
        collate = kto.DataCollatorForUnpairedPreference(pad_token_id=kwargs["processing_class"].pad_token_id)
        super().__init__(**kwargs, data_collator=Rotated(collate))
        drop_reference_adapter(self.model)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


class Kto(Task):
    """Rows of a prompt, an answer, and whether it is wanted."""

    def read_rows(self, processor: Any) -> Rows:
        masker = tokens.masker_for(processor, self.recipe.max_length)
        rows = data.tokenize(self.context, Thumbs(masker), self.recipe)
        wanted = sum(rows.train["label"])
        if wanted in (0, len(rows.train)):
            told = f"All {len(rows.train)} answers to learn from are {'wanted' if wanted else 'unwanted'}."
            raise UserError(told, "Choose a version with wanted and unwanted answers.", "dataset_version")
        return rows

    def arguments(self, common: Mapping[str, Any]) -> Any:
        return trl.KTOConfig(
            **common, max_length=None, beta=self.recipe.kto_beta, desirable_weight=self.recipe.wanted_weight,
            undesirable_weight=self.recipe.unwanted_weight,
        )  # fmt: skip

    def trainer(self, **kwargs: Any) -> Any:
        return ThumbTrainer(**kwargs, ref_model=frozen_base(self, kwargs["model"]))


TASK = Kto
