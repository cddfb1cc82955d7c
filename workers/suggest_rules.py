"""Program: what patterns, word lists or labeling functions suggest for each task of a label project.

Spec: inputs {"tasks": abs, "total"}, a line each {"number", "texts": [..], "answer"?: option}; settings {"way": rules, words or functions,
"question": {"kind", "options", "multiple"}, "lines": {option: [line, ..]}, "ignores_case"}. Leaves artifacts/suggestions.jsonl, a line each
{"number", "value", "score", "uncertainty"}. Result: {"looked_at", "suggested", "slow", "file", "sha256", "functions"?, "balance"?}.

It has no half result and is quick: a new attempt begins again and comes to the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workers import suggesting
from workers.context import Context
from workers.suggesting import Clock, Question, Rule, TooSlow

OUTPUT = "suggestions.jsonl"
EVERY = 200  # tasks between two looks at the wishes of the supervisor


def main(context: Context) -> dict[str, Any]:
    """Look at every task and leave what is suggested as a file."""
    settings = context.spec.settings
    question = question_of(settings["question"])
    way = settings["way"]
    rules = suggesting.read_rules(
        way, settings["lines"], question.options, ignores_case=bool(settings.get("ignores_case"))
    )
    slow: list[int] = []
    tasks = _told(context, read_tasks(Path(context.spec.inputs["tasks"])), int(context.spec.inputs["total"]))
    lines = _by_rules(question, rules, tasks, slow)
    looked, suggested, facts = keep(context.folder, lines)
    return {"looked_at": looked, "suggested": suggested, "slow": len(slow), **facts}


def question_of(told: Mapping[str, Any]) -> Question:
    return Question(told["kind"], tuple(told["options"]), bool(told["multiple"]))


def read_tasks(path: Path) -> Iterator[dict[str, Any]]:
    """The tasks as the console wrote them down."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _told(context: Context, tasks: Iterable[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """The same tasks, with progress told and wishes heard on the way."""
    context.reporter.progress(0, total, "tasks", "Looking at the tasks")
    for place, task in enumerate(tasks):
        if place % EVERY == 0:
            context.check()
            context.reporter.progress(place, total, "tasks", "Looking at the tasks")
        yield task
    context.reporter.progress(total, total, "tasks", "Looked at all tasks")


def _by_rules(
    question: Question, rules: list[Rule], tasks: Iterable[dict[str, Any]], slow: list[int]
) -> Iterator[dict[str, Any]]:
    for task in tasks:
        try:
            said = suggesting.suggest(question, rules, task["texts"], Clock())
        except TooSlow:
            slow.append(task["number"])
            said = None
        value = said.value if said else []
        score = said.score if said else None
        yield {"number": task["number"], "value": value, "score": score, "uncertainty": 1 - score if score else 1.0}


def keep(folder: Path, lines: Iterable[Mapping[str, Any]]) -> tuple[int, int, dict[str, str]]:
    """Write the lines down. How many there are, how many suggest something, and the facts by which the file is known."""
    path, hashed = folder / "artifacts" / OUTPUT, hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    looked = suggested = 0
    with path.open("wb") as file:
        for line in lines:
            looked += 1
            suggested += bool(line["value"])
            raw = json.dumps(line, ensure_ascii=False).encode() + b"\n"
            hashed.update(raw)
            file.write(raw)
    return looked, suggested, {"file": f"artifacts/{OUTPUT}", "sha256": hashed.hexdigest()}
