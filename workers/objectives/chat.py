"""Supervised fine-tuning on conversations: cross entropy on the assistant's tokens only (TRL's SFTTrainer)."""

import importlib
from collections.abc import Mapping
from typing import Any

from workers import batches, data, packing, tokens
from workers.data import Rows
from workers.objectives.task import Task
from workers.recipes import Recipe
from workers.trainer import Durable

trl: Any = importlib.import_module("trl")  # as Any: its own types fit neither it nor its heirs


class ChatTrainer(Durable, trl.SFTTrainer):
    """TRL's optimization, untouched."""

    def __init__(self, *, recipe: Recipe, train_dataset: Any, **kwargs: Any) -> None:
        if recipe.batching == "packed":
            lengths = batches.lengths_of(train_dataset).tolist()
            train_dataset = packing.pack(train_dataset, lengths, recipe.max_length)
            self.train_collator = packing.BlockCollator(kwargs["processing_class"].pad_token_id)
        super().__init__(recipe=recipe, train_dataset=train_dataset, **kwargs)


class Chat(Task):
    """Rows of conversations; of preference pairs the chosen answers are learned."""

    def read_rows(self, processor: Any) -> Rows:
        masker = tokens.masker_for(processor, self.recipe.max_length)
        return data.tokenize(self.context, data.Conversations(masker), self.recipe)

    def arguments(self, common: Mapping[str, Any]) -> Any:
        return trl.SFTConfig(**common, max_length=None, packing=False, dataset_kwargs={"skip_prepare_dataset": True})

    def trainer(self, **kwargs: Any) -> Any:
        return ChatTrainer(**kwargs)


TASK = Chat
