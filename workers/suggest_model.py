"""Program: what a base model or a checkpoint suggests for each task of a label project. A new attempt goes on after the last block.

Spec: inputs {"model": {"folder"}, "tuned": {"folder", "method"} or null, "tasks": abs, "total"}, a line each {"number", "texts": [..]};
settings {"question": {"kind", "options", "multiple"}, "template", "max_tokens"}. Leaves artifacts/suggestions.jsonl, a line each {"number",
"value", "score", "uncertainty"}. Result: {"looked_at", "suggested", "unread", "file", "sha256"}.

Of a question with options each option's chance is its likelihood as the whole answer to the prompt, its end included, as a share of that
of all options. Of a question that takes a text the answer is the greedy one, of which no chance is told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers import answering, label_model
from workers.answering import Journal, Pair, Question
from workers.context import Context
from workers.suggest_rules import keep, question_of, read_tasks

TEXT, OPTIONS = "{text}", "{options}"
AT_ONCE = 8  # options that are weighed in one batch
UNKNOWN: dict[str, Any] = {"value": [], "score": None, "uncertainty": 1.0}


def main(context: Context) -> dict[str, Any]:
    """Ask the model about every task that was not asked about before."""
    inputs, settings = context.spec.inputs, context.spec.settings
    tasks = list(read_tasks(Path(inputs["tasks"])))
    context.reporter.progress(0, len(tasks), "tasks", "Loading the model")
    pair = answering.load_pair(inputs["model"], inputs["tuned"])
    side = "tuned" if inputs["tuned"] else "base"
    options = question_of(settings["question"]).options
    journal = Journal(context.folder / "work" / "suggested.jsonl", "number")
    began, fresh = time.monotonic(), 0
    try:
        for start in range(0, len(tasks), answering.BLOCK):
            block = tasks[start : start + answering.BLOCK]
            if not all(journal.has(task["number"]) for task in block):
                asked = [_question(task, settings["template"], options) for task in block]
                say = _weigh if options else _write
                journal.add(say(context, pair, side, asked, settings))
                fresh += len(block)
            done = start + len(block)
            eta = (time.monotonic() - began) / fresh * (len(tasks) - done) if fresh else None
            context.reporter.progress(done, len(tasks), "tasks", "Asking the model", eta and round(eta, 1))
        lines = [journal.lines[(task["number"],)] for task in tasks]
    finally:
        journal.close()
    unread = sum(line["is_unread"] for line in lines)
    looked, suggested, facts = keep(context.folder, lines)
    return {"looked_at": looked, "suggested": suggested, "unread": unread, **facts}


def _question(task: Mapping[str, Any], template: str, options: Sequence[str]) -> Question:
    """The prompt; the text goes in last, so that nothing in it is taken for a part of the template."""
    prompt = template.replace(OPTIONS, ", ".join(options)).replace(TEXT, "\n".join(task["texts"]))
    return Question(task["number"], "", [{"role": "user", "content": prompt}], "")


def _write(
    context: Context, pair: Pair, side: str, block: Sequence[Question], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Greedy answers; a task that leaves no room for one gets none."""
    from workers import tokens

    lengths = [len(tokens.prompt_ids(pair.tokenizer, question.messages)) for question in block]
    fit = [question for question, length in zip(block, lengths, strict=True) if length < pair.context_length]
    said = answering.answer(context, pair, side, fit, int(settings["max_tokens"])) if fit else []
    texts = {question.index: text for question, text in zip(fit, said, strict=True)}
    lines = []
    for question in block:
        text = texts.get(question.index)
        lines.append({**UNKNOWN, "number": question.index, "value": [text] if text else [], "is_unread": text is None})
    return lines


def _weigh(
    context: Context, pair: Pair, side: str, block: Sequence[Question], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The likeliest option of each task, its chance, and the entropy of all chances."""
    from workers import tokens

    options = question_of(settings["question"]).options
    ends = [_ending(pair.tokenizer, option) for option in options]
    lines = []
    for question in block:
        answering.leave_if_told(context)
        context.reporter.still_at_work()
        prompt = tokens.prompt_ids(pair.tokenizer, question.messages)
        if len(prompt) + max(map(len, ends)) > pair.context_length:
            lines.append({**UNKNOWN, "number": question.index, "is_unread": True})
            continue
        with pair.as_side(side):
            chances = _chances(likelihoods(pair.by_side[side], prompt, ends))
        best = int(chances.argmax())
        sure = {"score": float(chances[best]), "uncertainty": float(label_model.entropy(chances[None])[0])}
        lines.append({"number": question.index, "value": [options[best]], **sure, "is_unread": False})
    return lines


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
