"""Answers of one or two checkpoints to the same questions, for people to rate. What it says of itself names no model.

Spec: inputs {"rows": abs, "sides": [{"place": "A", "model": {"folder": abs}, "tuned": {"folder": abs, "method": ...}}]};
settings {"max_tokens": 200}. Result: {"answers": n, "file": "artifacts/answers.jsonl", "sha256"}; a line has place, index, answer.
A question that one of the models cannot read is answered by none.
"""

import gc
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workers import answering
from workers.answering import Journal, Question
from workers.context import Context
from workers.failures import UserError


def main(context: Context) -> dict[str, Any]:
    """Answer with each side in turn; a later attempt goes on where an earlier one was interrupted."""
    inputs, settings = context.spec.inputs, context.spec.settings
    questions = answering.read_questions(Path(inputs["rows"]))
    sides, most = inputs["sides"], int(settings.get("max_tokens", 200))
    journal = Journal(context.folder / "work" / "answers.jsonl", "place", "index")
    common = {question.index for question in questions}
    try:
        for number, side in enumerate(sides):
            common &= _answer_side(context, side, questions, most, journal, (number, len(sides)))
        lines = [line for line in journal.lines.values() if line["index"] in common]
    finally:
        journal.close()
    if not lines:
        raise UserError("The two models can read none of these rows both.", "Choose rows with shorter texts.", "split")
    return {"answers": len(lines), **_write(context.folder, lines)}


def _answer_side(
    context: Context,
    side: Mapping[str, Any],
    questions: Sequence[Question],
    most: int,
    journal: Journal,
    part: tuple[int, int],
) -> set[int]:
    """The questions that this side could read, all of them answered in the journal."""
    number, parts = part
    total = len(questions) * parts
    context.reporter.progress(number * len(questions), total, "answers", "Loading the model")
    pair = answering.load_pair(side["model"], side["tuned"])
    kept = answering.readable(pair, questions)
    done, began, fresh = number * len(questions), time.monotonic(), 0
    for block in answering.blocks(kept):
        if not all(journal.has(side["place"], question.index) for question in block):
            said = answering.answer(context, pair, "tuned", block, most)
            lines = zip(block, said, strict=True)
            journal.add([{"place": side["place"], "index": q.index, "answer": text} for q, text in lines])
            fresh += len(block)
        done += len(block)
        eta = (time.monotonic() - began) / fresh * (total - done) if fresh else None
        context.reporter.progress(done, total, "answers", "Answering", eta and round(eta, 1))
    del pair
    gc.collect()
    return {question.index for question in kept}


def _write(folder: Path, lines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    ordered = sorted(lines, key=lambda line: (line["index"], line["place"]))
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in ordered).encode()
    path = folder / "artifacts" / "answers.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return {"file": "artifacts/answers.jsonl", "sha256": hashlib.sha256(content).hexdigest()}
