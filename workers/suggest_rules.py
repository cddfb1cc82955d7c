"""Program: what patterns, word lists, labeling functions or the rows' own labels suggest for each task of a label project.

Spec: inputs {"tasks": abs, "total"}, a line each {"number", "texts": [..], "answer"?: option, "own"?: the row's own label, "size"?: of its
picture}; settings {"way": rules, words, functions or own, "question": {"kind", "options", "multiple"}, "lines": {option: [line, ..]},
"ignores_case"; of own "names": {name: option}}. Leaves artifacts/suggestions.jsonl, a line each {"number", "value", "score",
"uncertainty"}. Result: {"looked_at", "suggested", "slow", "file", "sha256", "functions"?, "balance"?, "unknown"?, "strange"?: [[label,
how often], ..]}.

It has no half result and is quick: a new attempt begins again and comes to the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workers import label_model, suggesting
from workers.context import Context
from workers.own_labels import MOST_STRANGE, OWN, own_label
from workers.suggesting import Clock, Question, Rule, TooSlow

OUTPUT = "suggestions.jsonl"
EVERY = 200  # tasks between two looks at the wishes of the supervisor


def main(context: Context) -> dict[str, Any]:
    """Look at every task and leave what is suggested as a file."""
    settings = context.spec.settings
    question = question_of(settings["question"])
    way = settings["way"]
    slow: list[int] = []
    tasks = _told(context, read_tasks(Path(context.spec.inputs["tasks"])), int(context.spec.inputs["total"]))
    report: dict[str, Any] = {}
    if way == OWN:
        lines = _by_rows(question, settings["names"], tasks, report)
    else:
        ignores_case = bool(settings.get("ignores_case"))
        rules = suggesting.read_rules(way, settings["lines"], question.options, ignores_case=ignores_case)
        is_voting = way == suggesting.FUNCTIONS
        lines = (
            _by_functions(question, rules, tasks, slow, report)
            if is_voting
            else _by_rules(question, rules, tasks, slow)
        )
    looked, suggested, facts = keep(context.folder, lines)
    return {"looked_at": looked, "suggested": suggested, "slow": len(slow), **facts, **report}


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


def _by_rows(
    question: Question, names: Mapping[str, str], tasks: Iterable[dict[str, Any]], report: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """What each row says of itself. There is no score: nothing is known of how it came about. Leaves what no option says in `report`."""
    strange: Counter[str] = Counter()
    for task in tasks:
        said = own_label(question, names, task.get("own"), "\n".join(task["texts"]), task.get("size"))
        strange.update(said.unknown)
        yield {"number": task["number"], "value": said.value, "score": None, "uncertainty": 0.0 if said.value else 1.0}
    report["unknown"] = strange.total()
    report["strange"] = [list(one) for one in strange.most_common(MOST_STRANGE)]


def _by_functions(
    question: Question, rules: list[Rule], tasks: Iterable[dict[str, Any]], slow: list[int], report: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """All votes first, then the label model, then a line for each task. Leaves the table of the functions in `report`."""
    numbers, answers, packed = [], [], []
    for task in tasks:
        try:
            found = {id(rule) for rule in suggesting.votes(rules, task["texts"], Clock())}
        except TooSlow:
            slow.append(task["number"])
            found = set()
        numbers.append(task["number"])
        answers.append(task.get("answer"))
        packed.append(np.packbits([id(rule) in found for rule in rules]))
    votes = np.unpackbits(np.array(packed), axis=1, count=len(rules)).astype(bool)
    speaks_for = np.array([question.options.index(rule.option) for rule in rules])
    fitted = label_model.fit(votes, speaks_for, len(question.options))
    chances = label_model.predict(fitted, votes)
    report["functions"] = table(rules, votes, speaks_for, fitted, answers)
    report["balance"] = dict(zip(question.options, np.round(fitted.balance, 4).tolist(), strict=True))
    uncertain, best = label_model.entropy(chances), chances.argmax(axis=1)
    for place, number in enumerate(numbers):
        voted, option = votes[place].any(), question.options[best[place]]
        score = round(float(chances[place, best[place]]), 6) if voted else None
        sure = {"score": score, "uncertainty": round(float(uncertain[place]), 6)}
        yield {"number": number, "value": [option] if voted else [], **sure}


def table(
    rules: list[Rule], votes: Any, speaks_for: Any, fitted: label_model.Fitted, answers: list[str | None]
) -> list[dict[str, Any]]:
    """For each function: the shares of the tasks on which it votes (coverage), another votes too (overlaps), another votes otherwise
    (conflicts); its accuracy as the label model estimates it (of one that never votes, none), and against what people answered."""
    for_option = np.zeros((len(votes), int(speaks_for.max()) + 1), dtype=np.int64)
    for place, option in enumerate(speaks_for):
        for_option[:, option] += votes[:, place]
    all_votes = for_option.sum(axis=1)
    found = []
    for place, rule in enumerate(rules):
        mine = votes[:, place]
        judged = [answers[row] == rule.option for row in np.flatnonzero(mine) if answers[row] is not None]
        found.append(
            {
                "said": rule.said,
                "option": rule.option,
                "coverage": round(float(mine.mean()), 4),
                "overlaps": round(float((mine & (all_votes > 1)).mean()), 4),
                "conflicts": round(float((mine & (all_votes > for_option[:, speaks_for[place]])).mean()), 4),
                "estimated": round(float(fitted.accuracy[place]), 4) if mine.any() else None,
                "right": sum(judged),
                "judged": len(judged),
            }
        )
    return found


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
