"""One label for a text: a head over the base model, cross entropy or focal loss, classes weighted or drawn alike."""

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from workers import classes, data, modelling, tokens
from workers.data import Example, Rows
from workers.objectives.task import Task
from workers.samplers import BalancedBatches
from workers.trainer import Durable

transformers: Any = importlib.import_module("transformers")  # as Any: its own types do not fit its heirs


def text_of(content: Mapping[str, Any]) -> str:
    """The text of a row; of a table's row its filled columns, a line each."""
    if "values" not in content:
        return str(content["text"])
    return "\n".join(f"{name}: {value}" for name, value in content["values"].items() if value is not None)


class LabelledTexts:
    """A text's tokens and the number of its class."""

    schema = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.int64())])
    columns: tuple[str, ...] = ("content",)

    def __init__(self, tokenizer: Any, max_length: int, labels: Sequence[str]) -> None:
        self._encode, self._most = tokens.masker_for(tokenizer, max_length).encode, max_length
        self._numbers = {label: number for number, label in enumerate(labels)}

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each row; a row of a table without label is left out."""
        contents = [json.loads(row["content"]) for row in rows]
        encoded = self._encode([text_of(content) for content in contents])
        return [self._example(one.ids, content) for one, content in zip(encoded, contents, strict=True)]

    def _example(self, ids: list[int], content: Mapping[str, Any]) -> Example:
        kept, label = ids[: self._most], content.get("label", "")
        values = {"input_ids": kept, "labels": self._numbers.get(label, -100)}
        return Example(values, len(kept), int(bool(kept) and label in self._numbers), len(ids))

    def question(self, row: Mapping[str, Any]) -> None:
        """None: it writes no text."""


class ClassTrainer(Durable, transformers.Trainer):
    """transformers' optimization of a loss over classes."""

    def __init__(self, *, weights: Any, gamma: float, is_balanced: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.class_weights, self.gamma = weights, gamma
        self.model_accepts_loss_kwargs = False  # the loss is a mean over the rows of a batch
        if is_balanced:
            recipe, labels = self.recipe, self.train_dataset["labels"]
            self._order = BalancedBatches(
                list(labels), recipe.batch_size, recipe.seed, accumulation=recipe.gradient_accumulation
            )

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch, over rows or tokens."""
        outputs = model(**{name: value for name, value in inputs.items() if name != "labels"})
        logits, labels = outputs.logits.flatten(0, -2), inputs["labels"].flatten()
        loss = classes.class_loss(logits, labels, self.class_weights, self.gamma)
        return (loss, outputs) if return_outputs else loss


def most_likely(logits: Any, _labels: Any) -> Any:
    """The number of the likeliest class: all that is kept of an evaluation's outputs."""
    return (logits[0] if isinstance(logits, tuple) else logits).argmax(-1)


class TextClassification(Task):
    """Rows with a label."""

    head = "AutoModelForSequenceClassification"

    def load_processor(self) -> Any:
        self.tokenizer = super().load_processor()
        return self.tokenizer

    def read_rows(self, processor: Any) -> Rows:
        self.counts = classes.count_labels(
            self.context, self.recipe, lambda content: [content["label"]] if "label" in content else []
        )
        self.labels = classes.require_classes(self.counts)
        texts = LabelledTexts(processor, self.recipe.max_length, self.labels)
        return replace(data.tokenize(self.context, texts, self.recipe), labels=self.labels)

    def load_model(self, source: Path, dtype: Any, rows: Rows) -> Any:
        names = dict(enumerate(self.labels))
        model = modelling.load_model(
            source, dtype, self.head, num_labels=len(names), id2label=names,
            label2id={label: number for number, label in names.items()}, **modelling.in_four_bits(self.recipe, dtype),
        )  # fmt: skip
        model.config.pad_token_id = self.tokenizer.pad_token_id
        return model

    def arguments(self, common: Mapping[str, Any]) -> Any:
        return transformers.TrainingArguments(**common, label_names=["labels"])

    def weights(self) -> Any:
        import torch

        if self.recipe.class_weights == "none":
            return None
        return torch.tensor(classes.balanced_weights([self.counts[label] for label in self.labels]))

    def trainer(self, **kwargs: Any) -> Any:
        recipe = self.recipe
        return ClassTrainer(
            **kwargs, weights=self.weights(), gamma=recipe.focal_gamma if recipe.class_loss == "focal" else 0.0,
            is_balanced=recipe.class_sampler == "balanced",
            data_collator=transformers.DataCollatorWithPadding(self.tokenizer),
            compute_metrics=lambda found: classes.scores(
                found.predictions.tolist(), found.label_ids.tolist(), len(self.labels)
            ),
            preprocess_logits_for_metrics=most_likely,
        )  # fmt: skip


TASK = TextClassification
