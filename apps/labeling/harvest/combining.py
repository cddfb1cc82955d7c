"""Several people's answers to one task as one answer. Pure."""

import json
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from apps.labeling.agreement import Box, box_iou
from apps.labeling.schema.parts import RELATIONS, Config, Control

TIE = object()
LEAST_IOU = 0.5
NUMBERS = ("Rating", "Number")
_SIDES = ("x", "y", "width", "height")


def combined(config: Config, given: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """{question: answer that counts}; TIE where most is not one.

    Numbers: the mean. Marks: those that more than half of the people made alike (boxes: IoU of 0.5 or more, as their mean).
    Everything else: what most said.
    """
    found = {}
    for control in config.controls:
        answers = [own[control.name] for own in given if control.name in own]
        if answers:
            found[control.name] = _one(control, answers, len(given))
    return found


def _one(control: Control, answers: list[Any], people: int) -> Any:
    if control.kind in NUMBERS:
        return answers[0] if people == 1 else round(fmean(answers), 3)
    if control.kind == "RectangleLabels":
        return _boxes(answers, people)
    if control.marks or control.name == RELATIONS:
        return _alike(answers, people)
    counted = Counter(_written(answer) for answer in answers).most_common(2)
    if len(counted) == 2 and counted[0][1] == counted[1][1]:
        return TIE
    answer = json.loads(counted[0][0])
    return answer[0] if control.kind == "Choices" and not control.multiple else answer


def _written(answer: Any) -> str:
    return json.dumps(answer, sort_keys=True, ensure_ascii=False)


def _alike(answers: Sequence[list[dict[str, Any]]], people: int) -> list[dict[str, Any]]:
    """The marks that more than half of the people made, in the order of their places."""
    counts = Counter(key for marks in answers for key in {_written(mark) for mark in marks})
    kept = [json.loads(key) for key, count in counts.items() if count * 2 > people]
    return sorted(kept, key=_place)


def _place(mark: dict[str, Any]) -> Any:
    start, end = mark.get("start", 0), mark.get("end", 0)
    return [int(start), mark.get("startOffset", 0), int(end), _written(mark)]


def _boxes(answers: Sequence[list[dict[str, Any]]], people: int) -> list[dict[str, Any]]:
    """Boxes of one label that lie on each other, once a person; of those that more than half drew, the mean."""
    groups: list[list[tuple[int, dict[str, Any]]]] = []
    for person, boxes in enumerate(answers):
        for box in boxes:
            near = [(_iou(group[0][1], box), place) for place, group in enumerate(groups) if person not in dict(group)]
            best = max(near, default=(0.0, -1))
            if best[0] >= LEAST_IOU:
                groups[best[1]].append((person, box))
            else:
                groups.append([(person, box)])
    return [_mean([box for _person, box in group]) for group in groups if len(group) * 2 > people]


def _iou(one: dict[str, Any], other: dict[str, Any]) -> float:
    if one["labels"] != other["labels"]:
        return 0.0
    first, second = (Box(box["x"], box["y"], box["width"], box["height"], None) for box in (one, other))
    return box_iou(first, second)


def _mean(boxes: list[dict[str, Any]]) -> dict[str, Any]:
    sides = {side: fmean(box[side] for box in boxes) for side in _SIDES}
    return boxes[0] if len(boxes) == 1 else {**boxes[0], **{side: round(value, 4) for side, value in sides.items()}}
