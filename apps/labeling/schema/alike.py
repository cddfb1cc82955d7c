"""How alike two answers to one question are, from 0 to 1. Pure: results in, numbers out.

| question | measure |
|---|---|
| Choices, Pairwise | the same or not; of several choices the share that both ticked (Jaccard 1901) |
| Rating, Number | 1 less the distance as a share of the scale |
| Labels, ParagraphLabels, Relations | F1 over exact marks: 2 * common / (marks of both) |
| RectangleLabels | F1 over boxes of one label that overlap by half or more (intersection over union) |
| TextArea, Ranker | the same words, the same order, or not |
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from apps.labeling.schema.parts import Config, Control

Region = Mapping[str, Any]
Answers = dict[str, list[Region]]  # the regions of a result by question

HALF = 0.5  # overlap from which two boxes are the same box (Everingham et al. 2010, PASCAL VOC, section 4.2)
ANSWER = "answer"  # free text differs always; of this question that is a disagreement


def by_question(config: Config, result: Sequence[Region]) -> Answers:
    """{question: its regions}; links between regions go to the question about relations, with what they link."""
    found: Answers = {}
    marks = {region.get("id"): region for region in result}
    relations = next((control.name for control in config.controls if control.kind == "Relations"), "")
    for region in result:
        if region.get("type") == "relation":
            ends = [marks.get(region.get(end), {}).get("value") for end in ("from_id", "to_id")]
            found.setdefault(relations, []).append({**region, "ends": ends})
        else:
            found.setdefault(str(region.get("from_name")), []).append(region)
    return found


def likeness(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float | None:
    """From 0 to 1; None when neither answered, unless to mark nothing is an answer too."""
    if not one and not other:
        return 1.0 if control.marks else None
    if not one or not other:
        return 0.0
    return _MEASURES.get(control.kind, _same)(control, one, other)


def differs(control: Control, answers: Sequence[Sequence[Region]]) -> bool:
    """Whether people disagree about a question."""
    if control.kind == "TextArea" and control.name != ANSWER:
        return False
    return any((likeness(control, one, other) or 0.0) < 1 for one, other in combinations(answers, 2) if one or other)


def between_people(control: Control, answers: Sequence[Sequence[Region]]) -> float | None:
    """The mean over all pairs of people; None when there is no pair."""
    found = [likeness(control, one, other) for one, other in combinations(answers, 2)]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None


def overall(config: Config, one: Answers, other: Answers) -> float | None:
    """The mean over the questions that tell something: free text other than the answer does not."""
    asked = [c for c in config.controls if c.kind != "TextArea" or c.name == ANSWER]
    found = [likeness(control, one.get(control.name, []), other.get(control.name, [])) for control in asked]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None


def is_same(config: Config, one: Answers, other: Answers) -> bool:
    """Whether two results say the same in everything."""
    return all(
        likeness(control, one.get(control.name, []), other.get(control.name, [])) in (None, 1.0)
        for control in config.controls
    )


def _same(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float:
    return float([region["value"] for region in one] == [region["value"] for region in other])


def _choices(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float:
    first, second = (set(regions[0]["value"].get("choices", [])) for regions in (one, other))
    return len(first & second) / len(first | second) if first | second else 1.0


def _number(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float:
    key = "rating" if control.kind == "Rating" else "number"
    low = 0.0 if control.kind == "Rating" else control.min
    high = float(control.max_rating) if control.kind == "Rating" else control.max
    apart = abs(float(one[0]["value"].get(key, 0)) - float(other[0]["value"].get(key, 0)))
    if low is None or high is None or high <= low:
        return float(apart == 0)
    return max(0.0, 1 - apart / (high - low))


def _text(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float:
    first, second = (" ".join(str(r[0]["value"].get("text", [""])[0]).split()) for r in (one, other))
    return float(first == second)


def _marks(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float:
    first, second = ({key_of(region) for region in regions} for regions in (one, other))
    return 2 * len(first & second) / (len(first) + len(second))


def key_of(region: Region) -> tuple[Any, ...]:
    """What makes a mark or a link the same as another: its place and its labels."""
    if region.get("type") == "relation":
        ends = sorted(map(str, region["ends"])) if region.get("direction") == "bi" else list(map(str, region["ends"]))
        return (*ends, region.get("direction"), *sorted(region.get("labels", [])))
    value = region["value"]
    place = tuple(value.get(name) for name in ("start", "end", "startOffset", "endOffset"))
    return (*place, *sorted(labels_of(region)))


def labels_of(region: Region) -> list[str]:
    return [str(label) for label in region["value"].get(str(region.get("type")), [])]


def _boxes(control: Control, one: Sequence[Region], other: Sequence[Region]) -> float:
    return 2 * len(matched(one, other)) / (len(one) + len(other))


def matched(one: Sequence[Region], other: Sequence[Region]) -> list[tuple[Region, Region]]:
    """Pairs of boxes of one label that overlap by half or more, the best first, each box once."""
    pairs = [(overlap(a["value"], b["value"]), i, j) for i, a in enumerate(one) for j, b in enumerate(other)
             if labels_of(a) == labels_of(b)]  # fmt: skip
    found: list[tuple[Region, Region]] = []
    used: set[tuple[str, int]] = set()
    for share, i, j in sorted(pairs, key=lambda pair: -pair[0]):
        if share >= HALF and not used & {("one", i), ("other", j)}:
            used |= {("one", i), ("other", j)}
            found.append((one[i], other[j]))
    return found


def overlap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Intersection over union of two upright boxes in percent of the picture."""
    sides = [
        min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at])
        for at, size in (("x", "width"), ("y", "height"))
    ]
    common = max(0.0, sides[0]) * max(0.0, sides[1])
    whole = one["width"] * one["height"] + other["width"] * other["height"] - common
    return common / whole if whole > 0 else 0.0


_MEASURES: dict[str, Callable[[Control, Sequence[Region], Sequence[Region]], float]] = {
    "Choices": _choices,
    "Rating": _number,
    "Number": _number,
    "TextArea": _text,
    "Labels": _marks,
    "ParagraphLabels": _marks,
    "Relations": _marks,
    "RectangleLabels": _boxes,
}
