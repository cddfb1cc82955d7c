"""Label Studio's own JSON: whole tasks, and its short form with a record for each answer."""

import json
from collections.abc import Iterator
from typing import Any

from apps.labeling.exchange.records import Answer, Answered
from apps.labeling.schema.results import answers_of


def full(task: Answered) -> dict[str, Any]:
    """A task with its annotations, as Label Studio exports and imports it."""
    told = enumerate([*task.answers, *task.skips], 1)
    annotations = [_annotation(answer, place, is_gold=task.is_gold) for place, answer in told]
    return {
        "id": task.number, "data": task.data, "meta": {"key": task.key}, "annotations": annotations,
        "predictions": task.predictions,
    }  # fmt: skip


def _annotation(answer: Answer, place: int, *, is_gold: bool) -> dict[str, Any]:
    """`accepted` and `by_reviewer` are ours; Label Studio passes over keys that it does not know."""
    ours = {"accepted": answer.is_accepted, **({"by_reviewer": True} if answer.is_review else {})}
    return {
        "id": place,
        "unique_id": answer.id,
        "completed_by": {"email": answer.person},
        "result": answer.result,
        "was_cancelled": answer.is_skip,
        "ground_truth": is_gold and answer.is_accepted,
        **ours,
        "lead_time": answer.lead_time,
        "created_at": answer.created_at.isoformat(),
    }


def minimal(task: Answered) -> list[dict[str, Any]]:
    """One flat record for each answer; relations have no question and are left out."""
    return [
        {
            **task.data,
            **flat(answer),
            "id": task.number,
            "annotator": answer.person,
            "annotation_id": answer.id,
            "lead_time": answer.lead_time,
        }
        for answer in task.answers
    ]


def flat(answer: Answer) -> dict[str, Any]:
    """{question: answer}; a choice stands for itself where it is the only one."""
    return {name: _alone(said) for name, said in answers_of(answer.result).items()}


def _alone(said: Any) -> Any:
    is_one = isinstance(said, list) and len(said) == 1 and isinstance(said[0], str)
    return said[0] if is_one else said


def as_list(tasks: Iterator[Answered], *, short: bool) -> Iterator[str]:
    """A JSON list."""
    comma = "["
    for task in tasks:
        for record in minimal(task) if short else [full(task)]:
            yield comma + json.dumps(record, ensure_ascii=False)
            comma = ",\n"
    yield "]\n" if comma != "[" else "[]\n"


def as_lines(tasks: Iterator[Answered]) -> Iterator[str]:
    """A task a line."""
    for task in tasks:
        yield json.dumps(full(task), ensure_ascii=False) + "\n"
