"""Direct preference optimization (Rafailov et al. 2023, arXiv:2305.18290) with TRL's DPOTrainer.

The reference is the model as it was before training: the same model with its adapter switched off, or a frozen copy beside a model
that is trained without one. IPO: Azar et al. 2023 (arXiv:2310.12036). Hinge: Zhao et al. 2023 (SLiC-HF, arXiv:2305.10425). Robust:
Chowdhury et al. 2024 (arXiv:2403.00409). APO-zero: D'Oosterlinck et al. 2024 (arXiv:2408.06266).
"""

import importlib
from collections.abc import Mapping
from typing import Any

from workers import data, modelling, tokens
from workers.data import Rows
from workers.objectives.task import Task
from workers.preferences import Pairs
from workers.trainer import Durable

trl: Any = importlib.import_module("trl")


class PairTrainer(Durable, trl.DPOTrainer):
    """TRL's optimization on rows that are tokens already."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        drop_reference_adapter(self.model)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


def drop_reference_adapter(model: Any) -> None:
    """TRL copies the adapter as it is now; of a resumed run that would be the trained one. Without the copy it switches it off."""
    if "ref" in getattr(model, "peft_config", {}):
        model.delete_adapter("ref")


class Dpo(Task):
    """Rows of a prompt and two answers."""

    def read_rows(self, processor: Any) -> Rows:
        masker = tokens.masker_for(processor, self.recipe.max_length)
        return data.tokenize(self.context, Pairs(masker), self.recipe)

    def arguments(self, common: Mapping[str, Any]) -> Any:
        return trl.DPOConfig(
            **common, max_length=None, beta=self.recipe.dpo_beta, loss_type=[self.recipe.dpo_loss],
            label_smoothing=self.recipe.label_smoothing,
        )  # fmt: skip

    def trainer(self, **kwargs: Any) -> Any:
        return PairTrainer(**kwargs, ref_model=frozen_base(self, kwargs["model"]))


def frozen_base(task: Task, model: Any) -> Any:
    """The base model once more, where the model has no adapter to switch off; else None."""
    return None if task.recipe.has_adapter else modelling.load_model(task.folder, model.dtype).eval()


TASK = Dpo
