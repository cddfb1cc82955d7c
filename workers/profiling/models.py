"""What models say of a sample of the rows: topics and label errors by embeddings, perplexity by a base model. Torch is imported here."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import embedding
from workers.profiling import label_errors, perplexity, topics
from workers.profiling.reading import is_talk
from workers.profiling.tally import Tally
from workers.watching import Watch

Keep = Callable[[str, dict[str, Any]], None]
NOT_WANTED, NO_MODEL, FEW_ROWS, NOT_ENGLISH, NO_TEXT = "not_wanted", "no_model", "few_rows", "not_english", "no_text"


@dataclass(frozen=True)
class Questions:
    """What is to be asked of which model."""

    wants_topics: bool
    perplexity_rows: int
    model: Path | None
    model_name: str

    @classmethod
    def read(cls, inputs: Mapping[str, Any], settings: Mapping[str, Any]) -> Questions:
        """Of a job's inputs and settings."""
        folder = Path(inputs["model"]) if inputs.get("model") else None
        is_there = folder is not None and (folder / "config.json").is_file()
        rows = int(settings.get("perplexity_rows", 64))
        return cls(
            bool(settings.get("topics", True)), rows, folder if is_there else None, str(inputs.get("model_name", ""))
        )


def ask_models(
    questions: Questions, tally: Tally, known: Mapping[str, Any], keep: Keep, watch: Watch, seed: int
) -> dict[str, str]:
    """Ask what is not known yet and `keep` each answer. Returns what was left out, and why."""
    rows = [row for row in tally.sample if row["text"].strip()]
    random.Random(seed).shuffle(rows)  # noqa: S311 - the first of them are a sample themselves
    left_out: dict[str, str] = {}
    _ask_embeddings(questions, rows, tally, known, keep, watch, seed, left_out)
    if "perplexity" not in known:
        reason = _no_perplexity(questions, rows)
        if reason:
            left_out["perplexity"] = reason
        else:
            keep("perplexity", _perplexity(questions, rows, tally, watch))
    return left_out


def _no_perplexity(questions: Questions, rows: list[dict[str, Any]]) -> str:
    if not questions.perplexity_rows:
        return NOT_WANTED
    if questions.model is None:
        return NO_MODEL
    return "" if rows else NO_TEXT


def _perplexity(questions: Questions, rows: list[dict[str, Any]], tally: Tally, watch: Watch) -> dict[str, Any]:
    assert questions.model is not None
    of_answers = is_talk(tally.form)
    usable = [row for row in rows if not of_answers or row.get("messages")][: questions.perplexity_rows]
    found = perplexity.figures(
        questions.model,
        usable,
        of_answers=of_answers,
        watch=lambda done, total: watch(done, total, "Asking the base model"),
    )
    return {**found, "model": questions.model_name, "longest": perplexity.LONGEST}


def _ask_embeddings(
    questions: Questions,
    rows: list[dict[str, Any]],
    tally: Tally,
    known: Mapping[str, Any],
    keep: Keep,
    watch: Watch,
    seed: int,
    left_out: dict[str, str],
) -> None:
    """Topics, and label errors of a classification, over one embedding of their rows."""
    wanted: dict[str, list[dict[str, Any]]] = {}
    if "topics" not in known:
        chosen, reason = _topic_rows(questions, rows)
        if reason:
            left_out["topics"] = reason
        else:
            wanted["topics"] = chosen
    if tally.form == "classification" and "label_errors" not in known:
        chosen = [rows[place] for place in label_errors.usable(rows[: label_errors.ROWS])]
        if chosen and questions.wants_topics and embedding.folder():
            wanted["label_errors"] = chosen
        else:
            left_out["label_errors"] = NOT_WANTED if not questions.wants_topics else FEW_ROWS
    if not wanted:
        return
    path = embedding.folder()
    assert path is not None
    embedder = embedding.Embedder(path)
    for name, chosen in wanted.items():
        vectors = embedder.embed([row["text"] for row in chosen], lambda done, total: watch(done, total, "Embedding"))
        if name == "topics":
            keep(name, topics.figures(vectors, chosen))
        else:
            keep(name, label_errors.figures(vectors, chosen, seed))


def _topic_rows(questions: Questions, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """(rows whose topics are looked at, or why none are)."""
    if not questions.wants_topics:
        return [], NOT_WANTED
    if embedding.folder() is None:
        return [], NO_MODEL
    if len(rows) < topics.FEWEST:
        return [], FEW_ROWS
    languages = Counter(row.get("language", "") for row in rows)
    if languages["en"] < len(rows) / 2:
        return [], NOT_ENGLISH
    english = [row for row in rows if row.get("language") == "en"]
    return (english[: topics.ROWS], "") if len(english) >= topics.FEWEST else ([], FEW_ROWS)
