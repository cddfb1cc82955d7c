"""Measure a checkpoint and its base model on the same rows: loss, perplexity, ROUGE-L, exact match of greedy answers.

Spec: inputs {"model": {"folder": abs}, "tuned": {"folder": abs, "method": "lora" | "full"}, "rows": abs}; settings {"max_tokens": 128}.
`rows` has one JSON object a line: row_id, messages (up to the last question), reference (the answer of the data).
Result: {"metrics": see workers.scores.summary, "file": "artifacts/rows.jsonl", "sha256"}.
"""

import hashlib
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers import answering, scores
from workers.answering import Journal, Pair, Question
from workers.context import Context
from workers.failures import UserError

SIDES = ("tuned", "base")
LONGEST = 4096  # tokens of a row that are read for its loss


def main(context: Context) -> dict[str, Any]:
    """Measure both sides; a later attempt goes on where an earlier one was interrupted."""
    inputs, settings = context.spec.inputs, context.spec.settings
    questions = answering.read_questions(Path(inputs["rows"]))
    context.reporter.progress(0, 2 * len(questions), "rows", "Loading the model")
    pair = answering.load_pair(inputs["model"], inputs["tuned"])
    kept = answering.readable(pair, questions)
    journal = Journal(context.folder / "work" / "measured.jsonl", "side", "index")
    try:
        _measure(context, pair, kept, int(settings.get("max_tokens", 128)), journal)
        rows, metrics = _figures(kept, journal)
    finally:
        journal.close()
    metrics |= {"left_out": len(questions) - len(kept), "max_tokens": int(settings.get("max_tokens", 128))}
    return {"metrics": metrics, **_write(context.folder, rows)}


def _measure(context: Context, pair: Pair, questions: Sequence[Question], max_tokens: int, journal: Journal) -> None:
    total, began = len(questions) * len(SIDES), time.monotonic()
    before = len(journal.lines)
    for block in answering.blocks(questions):
        for side in SIDES:
            if not all(journal.has(side, question.index) for question in block):
                journal.add(_measured(context, pair, side, block, max_tokens))
            done = len(journal.lines)
            each = (time.monotonic() - began) / max(1, done - before)
            context.reporter.progress(done, total, "rows", "Measuring", round(each * (total - done), 1))


def _measured(
    context: Context, pair: Pair, side: str, block: Sequence[Question], max_tokens: int
) -> list[dict[str, Any]]:
    said = answering.answer(context, pair, side, block, max_tokens)
    return [
        {"side": side, "index": question.index, "answer": text, **_loss(pair, side, question)}
        for question, text in zip(block, said, strict=True)
    ]


def _loss(pair: Pair, side: str, question: Question) -> dict[str, Any]:
    """The negative log-likelihood of the assistant's tokens, summed, as in training: on every answer of the conversation."""
    import torch

    from workers import tokens
    from workers.masking import IGNORED
    from workers.samples import autocast

    whole = [*question.messages, {"role": "assistant", "content": question.reference}]
    [row] = tokens.masker_for(pair.tokenizer, min(LONGEST, pair.context_length)).mask([whole])
    model = pair.by_side[side]
    ids = torch.tensor([row.input_ids], device=model.device)
    labels = torch.tensor(row.labels[1:], device=model.device)
    with torch.no_grad(), pair.as_side(side), autocast(model):
        logits = model(input_ids=ids).logits[0, :-1].float()
    nll = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return {"nll": float(nll), "tokens": row.taught, "is_cut": row.is_truncated}


def _figures(questions: Sequence[Question], journal: Journal) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One line for each row with both sides, and the figures over all. Raises UserError when no row bears loss."""
    rows = [_row(question, {side: journal.lines[side, question.index] for side in SIDES}) for question in questions]
    if not any(row["tokens"] for row in rows):
        raise UserError("No row has an answer that the model can read.", "Choose rows with shorter texts.", "split")
    if not all(math.isfinite(row[side]["nll"]) for row in rows for side in SIDES):
        raise UserError(
            "The loss of this model is not a number.",
            "Its weights are broken: choose another checkpoint.",
            "checkpoint",
        )
    scored = {side: [_scored(row, side) for row in rows] for side in SIDES}
    metrics = scores.summary(scored["tuned"], scored["base"])
    return rows, {**metrics, "cut": sum(row["is_cut"] for row in rows)}


def _row(question: Question, lines: dict[str, dict[str, Any]]) -> dict[str, Any]:
    shared = {"row_id": question.row_id, "messages": question.messages, "reference": question.reference}
    sides = {
        side: {
            "answer": line["answer"],
            "nll": line["nll"],
            "rouge_l": scores.rouge_l(line["answer"], question.reference),
            "exact": scores.is_exact(line["answer"], question.reference),
        }
        for side, line in lines.items()
    }
    return {**shared, "tokens": lines["tuned"]["tokens"], "is_cut": lines["tuned"]["is_cut"], **sides}


def _scored(row: dict[str, Any], side: str) -> scores.Scored:
    own = row[side]
    return scores.Scored(own["nll"], row["tokens"], own["rouge_l"], own["exact"])


def _write(folder: Path, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The answers beside what was wanted, the worst first by ROUGE-L of the checkpoint."""
    ranked = sorted(rows, key=lambda row: (row["tuned"]["rouge_l"], -row["tuned"]["nll"]))
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ranked).encode()
    path = folder / "artifacts" / "rows.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return {"file": "artifacts/rows.jsonl", "sha256": hashlib.sha256(content).hexdigest()}
