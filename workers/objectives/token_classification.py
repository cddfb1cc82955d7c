"""Labels for spans of a text: a tag for each token in BIO (Ramshaw and Marcus 1995), read back as spans and judged as spans."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import transformers

from workers import classes, data, tokens
from workers.data import Example, Rows
from workers.masking import Encoded
from workers.objectives.text_classification import ClassTrainer, TextClassification, most_likely

OUTSIDE = "O"
Span = tuple[int, int, str]  # first, behind the last, label


def tags_of(offsets: Sequence[tuple[int, int]], spans: Sequence[Mapping[str, Any]]) -> list[str]:
    """The BIO tag of each token, given by the characters it stands for. Of spans that overlap the one that begins first counts."""
    tags = [OUTSIDE] * len(offsets)
    for span in spans:
        places = [
            n for n, (low, high) in enumerate(offsets) if low < span["end"] and high > span["start"] and high > low
        ]
        if places and all(tags[place] == OUTSIDE for place in places):
            for place in places:
                tags[place] = f"{'B' if place == places[0] else 'I'}-{span['label']}"
    return tags


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that tags stand for, in tokens. A span may begin with I where nothing of its label is before it (as conlleval reads)."""
    found: list[Span] = []
    for place, tag in enumerate(tags):
        kind, _dash, label = tag.partition("-")
        if kind == "I" and found and found[-1][1] == place and found[-1][2] == label:
            found[-1] = (found[-1][0], place + 1, label)
        elif tag != OUTSIDE:
            found.append((place, place + 1, label))
    return found


def characters_of(text: str, offsets: Sequence[tuple[int, int]], tags: Sequence[str]) -> list[dict[str, Any]]:
    """The spans that tags stand for, in characters of the text, without white space around them."""
    found = []
    for first, last, label in spans_of(tags):
        start, end = offsets[first][0], offsets[last - 1][1]
        words = text[start:end]
        start += len(words) - len(words.lstrip())
        found.append({"start": start, "end": start + len(words.strip()), "label": label})
    return found


def span_scores(predicted: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 of whole spans (Tjong Kim Sang and De Meulder 2003): right is one with both ends and its label."""
    guesses = {(row, *span) for row, tags in enumerate(predicted) for span in spans_of(tags)}
    real = {(row, *span) for row, tags in enumerate(truth) for span in spans_of(tags)}
    right = len(guesses & real)
    precision, recall = right / max(1, len(guesses)), right / max(1, len(real))
    both = precision + recall
    return {
        "span_f1": 2 * precision * recall / both if both else 0.0,
        "span_precision": precision,
        "span_recall": recall,
    }


class MarkedTexts:
    """A text's tokens with the number of each one's tag."""

    schema = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int64()))])
    columns: tuple[str, ...] = ("content",)

    def __init__(self, tokenizer: Any, max_length: int, tags: Sequence[str]) -> None:
        self._encode, self._most = tokens.masker_for(tokenizer, max_length).encode, max_length
        self._numbers = {tag: number for number, tag in enumerate(tags)}

    def encode(self, rows: Sequence[dict[str, Any]]) -> list[Example]:
        """One example for each text."""
        contents = [json.loads(row["content"]) for row in rows]
        encoded = self._encode([content["text"] for content in contents])
        return [self._example(one, content["spans"]) for one, content in zip(encoded, contents, strict=True)]

    def _example(self, encoded: Encoded, spans: Sequence[Mapping[str, Any]]) -> Example:
        ids = encoded.ids[: self._most]
        labels = [self._numbers[tag] for tag in tags_of(encoded.offsets, spans)][: self._most]
        return Example({"input_ids": ids, "labels": labels}, len(ids), len(ids), len(encoded.ids))

    def question(self, row: Mapping[str, Any]) -> None:
        """None: it writes no text."""


class TokenClassification(TextClassification):
    """Rows with marked spans."""

    head = "AutoModelForTokenClassification"

    def read_rows(self, processor: Any) -> Rows:
        self.counts = classes.count_labels(
            self.context, self.recipe, lambda content: [span["label"] for span in content["spans"]]
        )
        kinds = sorted(self.counts)
        classes.require_spans(kinds)
        self.labels = (OUTSIDE, *(f"{side}-{kind}" for kind in kinds for side in "BI"))
        texts = MarkedTexts(processor, self.recipe.max_length, self.labels)
        return replace(data.tokenize(self.context, texts, self.recipe), labels=self.labels)

    def trainer(self, **kwargs: Any) -> Any:
        return ClassTrainer(
            **kwargs, weights=None, gamma=0.0, is_balanced=False,
            data_collator=transformers.DataCollatorForTokenClassification(self.tokenizer),
            compute_metrics=self._scores, preprocess_logits_for_metrics=most_likely,
        )  # fmt: skip

    def _scores(self, found: Any) -> dict[str, float]:
        kept = found.label_ids != -100
        rows = list(zip(found.predictions, found.label_ids, kept, strict=True))
        guesses = [[self.labels[tag] for tag in guess[here]] for guess, _truth, here in rows]
        return span_scores(guesses, [[self.labels[tag] for tag in truth[here]] for _guess, truth, here in rows])


TASK = TokenClassification
