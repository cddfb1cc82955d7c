"""Program: what a base model or a checkpoint suggests for each task of a label project. A new attempt goes on after the last block.

Spec: inputs {"model": {"folder"}, "tuned": {"folder", "method"} or null, "tasks": abs, "total"}, a line each {"number", "texts": [..],
"plain"?: [..], "fields"?: {name: text}}; settings {"question": {"kind", "options", "multiple"}, "template", "max_tokens"}. Leaves
artifacts/suggestions.jsonl, a line each {"number", "value", "score", "uncertainty"}. Result: {"looked_at", "suggested", "unread",
"unfound", "unknown", "file", "sha256"}.

One of several options: each one's chance is its likelihood as the whole answer to the prompt, its end included, as a share of that of all;
the uncertainty is the entropy of these shares. Several at once: each option is a prompt of its own, its chance the share of "yes" against
"no"; the score is the chance of exactly this set, were the options independent, the uncertainty the mean entropy. A text, a free number or
spans: the greedy answer; the score is the geometric mean of the chances of its tokens, the uncertainty 1 less the score.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workers import answering, label_model, model_answers
from workers import suggesting as asking
from workers.answering import Journal, Pair, Question
from workers.context import Context
from workers.model_answers import EACH, MARK, NUMBER, OPTIONS, TEXT, WEIGH, YES_NO
from workers.suggest_rules import keep, question_of, read_tasks

AT_ONCE = 8  # options that are weighed in one batch
UNKNOWN: dict[str, Any] = {"value": [], "score": None, "uncertainty": 1.0}
COUNTED = ("unread", "unfound", "unknown")  # what the lines of the tasks count, summed in the result
Task = Mapping[str, Any]
Line = dict[str, Any]


@dataclass(frozen=True)
class Asker:
    """A model that is asked one question about many tasks."""

    context: Context
    pair: Pair
    side: str
    question: asking.Question
    template: str
    max_tokens: int

    def prompt(self, task: Task, **words: str) -> list[int]:
        """The tokens of what is asked about a task."""
        from workers import tokens

        return tokens.prompt_ids(self.pair.tokenizer, self._messages(task, **words))

    def _messages(self, task: Task, **words: str) -> list[dict[str, str]]:
        known = {**task.get("fields", {}), TEXT: "\n".join(task["texts"]), OPTIONS: ", ".join(self.question.options)}
        return [{"role": "user", "content": model_answers.filled(self.template, {**known, **words})}]

    def chances(self, prompt: Sequence[int], answers: Sequence[str]) -> Any:
        """The chance of each answer among these; None when the model cannot read so much."""
        ends = [_ending(self.pair.tokenizer, one) for one in answers]
        if len(prompt) + max(map(len, ends)) > self.pair.context_length:
            return None
        answering.leave_if_told(self.context)
        self.context.reporter.still_at_work()
        with self.pair.as_side(self.side):
            return _chances(likelihoods(self.pair.by_side[self.side], prompt, ends))

    def written(self, block: Sequence[Task]) -> list[tuple[str, float] | None]:
        """The greedy answer to each task and the mean chance of its tokens; None where the prompt leaves no room."""
        prompts = [self.prompt(task) for task in block]
        fit = [place for place, prompt in enumerate(prompts) if len(prompt) < self.pair.context_length]
        asked = [Question(place, "", self._messages(block[place]), "") for place in fit]
        said = answering.answer(self.context, self.pair, self.side, asked, self.max_tokens) if asked else []
        found: list[tuple[str, float] | None] = [None] * len(block)
        for place, text in zip(fit, said, strict=True):
            found[place] = (text, self._sureness(prompts[place], text))
        return found

    def _sureness(self, prompt: Sequence[int], text: str) -> float:
        """The geometric mean of the chances of the answer's tokens; its end does not count, for it may have been cut."""
        ids = self.pair.tokenizer(text, add_special_tokens=False)["input_ids"][: self.pair.context_length - len(prompt)]
        if not ids:
            return 0.0
        with self.pair.as_side(self.side):
            [log] = likelihoods(self.pair.by_side[self.side], prompt, [ids])
        return float(np.exp(log / len(ids)))


def main(context: Context) -> dict[str, Any]:
    """Ask the model about every task that was not asked about before."""
    inputs, settings = context.spec.inputs, context.spec.settings
    tasks = list(read_tasks(Path(inputs["tasks"])))
    context.reporter.progress(0, len(tasks), "tasks", "Loading the model")
    pair = answering.load_pair(inputs["model"], inputs["tuned"])
    side, question = "tuned" if inputs["tuned"] else "base", question_of(settings["question"])
    asker = Asker(context, pair, side, question, settings["template"], int(settings["max_tokens"]))
    journal = Journal(context.folder / "work" / "suggested.jsonl", "number")
    try:
        _ask_all(asker, tasks, journal)
        lines = [journal.lines[(task["number"],)] for task in tasks]
    finally:
        journal.close()
    looked, suggested, facts = keep(context.folder, lines)
    counts = {name: sum(line.get(name, 0) for line in lines) for name in COUNTED}
    return {"looked_at": looked, "suggested": suggested, **counts, **facts}


def _ask_all(asker: Asker, tasks: Sequence[Task], journal: Journal) -> None:
    say, began, fresh = _SAY.get(model_answers.way_of(asker.question), _write), time.monotonic(), 0
    for start in range(0, len(tasks), answering.BLOCK):
        block = tasks[start : start + answering.BLOCK]
        if not all(journal.has(task["number"]) for task in block):
            said = say(asker, block)
            journal.add([{"number": task["number"], **line} for task, line in zip(block, said, strict=True)])
            fresh += len(block)
        done = start + len(block)
        eta = (time.monotonic() - began) / fresh * (len(tasks) - done) if fresh else None
        asker.context.reporter.progress(done, len(tasks), "tasks", "Asking the model", eta and round(eta, 1))


def _weigh(asker: Asker, block: Sequence[Task]) -> list[Line]:
    """The likeliest option of each task, its chance, and the entropy of all chances."""
    lines = []
    for task in block:
        chances = asker.chances(asker.prompt(task), asker.question.options)
        if chances is None:
            lines.append({**UNKNOWN, "unread": 1})
            continue
        best = int(chances.argmax())
        sure = {"score": float(chances[best]), "uncertainty": float(label_model.entropy(chances[None])[0])}
        lines.append({"value": [asker.question.options[best]], **sure})
    return lines


def _each(asker: Asker, block: Sequence[Task]) -> list[Line]:
    """The options that are likelier to apply than not. Where none is, nothing is suggested, yet how sure that is counts."""
    lines = []
    for task in block:
        asked = [asker.chances(asker.prompt(task, option=one), YES_NO) for one in asker.question.options]
        if any(chances is None for chances in asked):
            lines.append({**UNKNOWN, "unread": 1})
            continue
        table = np.array(asked)
        value = [one for one, yes in zip(asker.question.options, table[:, 0], strict=True) if yes > 0.5]
        score = float(table.max(axis=1).prod()) if value else None
        lines.append({"value": value, "score": score, "uncertainty": float(label_model.entropy(table).mean())})
    return lines


def _write(asker: Asker, block: Sequence[Task]) -> list[Line]:
    return [
        {**UNKNOWN, "unread": 1} if said is None else _told([said[0]] if said[0] else [], said[1])
        for said in asker.written(block)
    ]


def _number(asker: Asker, block: Sequence[Task]) -> list[Line]:
    lines = []
    for said in asker.written(block):
        number = model_answers.number_said(said[0]) if said else None
        lines.append({**UNKNOWN, "unread": 1} if said is None else _told([] if number is None else [number], said[1]))
    return lines


def _mark(asker: Asker, block: Sequence[Task]) -> list[Line]:
    """Labelled quotes, at their places in the text; those that stand nowhere and labels that are none are counted."""
    lines = []
    for task, said in zip(block, asker.written(block), strict=True):
        if said is None:
            lines.append({**UNKNOWN, "unread": 1})
            continue
        quotes, unknown = model_answers.quotes_said(said[0], asker.question.options)
        spans, unfound = model_answers.spans_of(quotes, task.get("plain", task["texts"]))
        lines.append({**_told([one.as_dict() for one in spans], said[1]), "unfound": unfound, "unknown": unknown})
    return lines


def _told(value: list[Any], score: float) -> Line:
    return {"value": value, "score": score, "uncertainty": 1 - score} if value else dict(UNKNOWN)


_SAY = {WEIGH: _weigh, EACH: _each, NUMBER: _number, MARK: _mark}


def _ending(tokenizer: Any, option: str) -> list[int]:
    """An option as the whole of an answer: with its end, so that none is favoured for beginning like a longer one."""
    return [*tokenizer(option, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


def _chances(logs: Sequence[float]) -> Any:
    weights = np.exp(np.array(logs) - max(logs))
    return weights / weights.sum()


def likelihoods(model: Any, prompt: Sequence[int], ends: Sequence[Sequence[int]]) -> list[float]:
    """ln p(end | prompt) of each end, in nats. Padded on the left, so that only the last logits are computed."""
    import torch

    from workers.samples import autocast

    found: list[float] = []
    for start in range(0, len(ends), AT_ONCE):
        some = ends[start : start + AT_ONCE]
        longest = max(map(len, some))
        rows = [[0] * (longest - len(end)) + [*prompt, *end] for end in some]
        masks = [[0] * (longest - len(end)) + [1] * (len(prompt) + len(end)) for end in some]
        ids, mask = (torch.tensor(values, device=model.device) for values in (rows, masks))
        places = (mask.cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode(), autocast(model):
            output = model(input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=longest + 1)
        logs = output.logits.float().log_softmax(-1)[:, :-1]
        taken = logs.gather(-1, ids[:, -longest:, None]).squeeze(-1)
        found += [float(row[-len(end) :].sum()) for row, end in zip(taken, some, strict=True)]
    return found
