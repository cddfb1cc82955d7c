"""How well people agree, for the pages that are watched while they work: by question, class, pair of people, and person.

Every page and door that tells a figure of agreement asks here, so that there is one number.
At most `SAMPLE` tasks are read, in runs of neighbours drawn over all of them by chance (a cluster sample); how many is told.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils.translation import gettext as _

from apps.labeling import agreement
from apps.labeling.agreement import Box, Coefficient, Span
from apps.labeling.models import LabelProject
from apps.labeling.queueing.counting import counts
from apps.labeling.reviewing.reading import Answered, TaskLine, answered, decided_answers
from apps.labeling.schema import alike
from apps.labeling.schema.parts import Control

SAMPLE = 800  # tasks
CLASSES = ("Choices", "Rating", "Pairwise")  # answers that are few enough to be held against each other
_RUN = 50
_SHORT = 0.05  # seconds: figures that took less are made anew for every change, others are shown again for ten times what they took
_MOST_KEPT = 64


@dataclass
class Mean:
    """A mean that grows. `value` is None without anything to take it of."""

    total: float = 0.0
    n: int = 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.total, self.n = self.total + value, self.n + 1

    @property
    def value(self) -> float | None:
        return self.total / self.n if self.n else None


@dataclass(frozen=True)
class Question:
    """The figure of one question, and which of its classes people mix up: {(one said, another said): times}. `overlapping`: of spans the
    figure where those that share a character count as the same; far above the other one, people mean the same and cut it differently."""

    control: Control
    measure: str
    coefficient: Coefficient
    confusion: Mapping[tuple[str, str], int]
    overlapping: Coefficient | None = None


@dataclass
class Figures:
    """All of a project. `pairs` are {question ("" for all): {(person, person): mean}}; persons are keys of `names`."""

    questions: list[Question]
    names: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, dict[tuple[str, str], Mean]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Mean))
    )
    with_rest: dict[str, Mean] = field(default_factory=lambda: defaultdict(Mean))
    with_decided: dict[str, Mean] = field(default_factory=lambda: defaultdict(Mean))
    looked: int = 0

    @property
    def is_sample(self) -> bool:
        return self.looked >= SAMPLE


_kept: dict[UUID, tuple[float, Any, Figures]] = {}
_lock = threading.Lock()


def figures(project: LabelProject) -> Figures:
    """The figures now, or those of a moment ago while answers pour in."""
    last = project.shares.aggregate(last=Max("last_at"))["last"]
    state = (counts(project)["annotations"], last, project.verdicts.count(), project.golds.count())
    kept = _kept.get(project.pk)
    if kept and (kept[1] == state or time.monotonic() < kept[0]):
        return kept[2]
    began = time.monotonic()
    found = measure(project)
    took = time.monotonic() - began
    until = time.monotonic() + (10 * took if took > _SHORT else 0.0)
    with _lock:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[project.pk] = (until, state, found)
    return found


def measure(project: LabelProject) -> Figures:
    """The figures of what stands in the database."""
    tasks = [task for task in answered(project, sample(project)) if len(task.given) >= 2]
    controls = [c for c in project.config.controls if c.kind != "TextArea" or c.name == alike.ANSWER]
    found = Figures([_question(control, tasks) for control in controls], looked=len(tasks))
    decided = decided_answers(project, tasks)
    for task in tasks:
        _compare(found, controls, task)
        if right := decided.get(task.pk):
            for one in task.given:
                if one.annotation != task.accepted:
                    found.with_decided[one.person].add(alike.overall(project.config, one.answers, right))
    return found


def sample(project: LabelProject) -> list[TaskLine]:
    """Tasks with two answers or more: all, or a sample that is the same as long as the tasks are."""
    rows = project.tasks.filter(submitted__gte=2, gold=None).order_by("number")
    values = ("pk", "number", "accepted_id")
    lines: list[TaskLine] = list(rows.values_list(*values)[: SAMPLE + 1])
    if len(lines) <= SAMPLE:
        return lines
    last = rows.reverse().values_list("number", flat=True)[0]
    drawn, found = random.Random(project.pk.int), dict[UUID, TaskLine]()  # noqa: S311 - a sample, no secret
    for _run in range(2 * SAMPLE // _RUN):
        start = drawn.randint(1, last)
        found.update({line[0]: line for line in rows.filter(number__gte=start).values_list(*values)[:_RUN]})
        if len(found) >= SAMPLE:
            break
    return sorted(found.values(), key=lambda line: line[1])[:SAMPLE]


def _compare(found: Figures, controls: Sequence[Control], task: Answered) -> None:
    """Every pair of people of one task, question by question."""
    for one, other in combinations(task.given, 2):
        found.names[one.person], found.names[other.person] = one.name, other.name
        pair = (min(one.person, other.person), max(one.person, other.person))
        whole = Mean()
        for control in controls:
            share = alike.likeness(control, one.answers.get(control.name, []), other.answers.get(control.name, []))
            whole.add(share)
            if share is not None:
                found.pairs[control.name][pair].add(share)
        found.pairs[""][pair].add(whole.value)
        for person in pair:
            found.with_rest[person].add(whole.value)


# ---- one question


def _question(control: Control, tasks: Sequence[Answered]) -> Question:
    by_person = [{one.person: one.answers.get(control.name, []) for one in task.given} for task in tasks]
    if control.kind in ("Labels", "ParagraphLabels", "Relations"):
        spans: list[dict[Hashable, list[Span]]] = [
            {p: [_span(region) for region in regions] for p, regions in marked.items()} for marked in by_person
        ]
        exact, mixed_places = agreement.span_agreement(spans), _mixed_places(by_person)
        loose = agreement.span_agreement(spans, match="overlap") if control.kind != "Relations" else None
        return Question(control, _("span F1, exact"), exact, mixed_places, loose)
    if control.kind == "RectangleLabels":
        boxes: list[dict[Hashable, list[Box]]] = [
            {p: [_box(region) for region in regions] for p, regions in marked.items()} for marked in by_person
        ]
        name = _("box F1 at IoU 0.5")
        return Question(control, name, agreement.box_agreement(boxes, measure="f1"), _mixed_boxes(by_person))
    said = [{p: _value(control, regions) for p, regions in answers.items()} for answers in by_person]
    level = {"Rating": "ordinal", "Number": "interval"}.get(control.kind, "nominal")
    name = _("Krippendorff's alpha, %(level)s") % {"level": level}
    mixed = _mixed(said) if control.kind in CLASSES else {}
    return Question(control, name, _alpha(control, said, level), mixed)


def _span(region: alike.Region) -> Span:
    if region.get("type") == "relation":
        return Span(0, 1, alike.key_of(region))
    value = region["value"]
    if "startOffset" in value:
        return Span(value["startOffset"], value["endOffset"], (value["start"], value["end"], *alike.labels_of(region)))
    return Span(value["start"], value["end"], tuple(alike.labels_of(region)))


def _box(region: alike.Region) -> Box:
    value = region["value"]
    return Box(value["x"], value["y"], value["width"], value["height"], tuple(alike.labels_of(region)))


def _value(control: Control, regions: Sequence[alike.Region]) -> Any:
    """An answer as a category; None for none."""
    if not regions:
        return None
    value = regions[0]["value"]
    if control.kind in ("Rating", "Number"):
        return value.get("rating", value.get("number"))
    if control.kind == "Choices":
        return " + ".join(sorted(map(str, value.get("choices", []))))
    if control.kind == "Ranker":
        return " > ".join(map(str, next(iter(value.get("ranker", {}).values()), [])))
    return str(value.get("selected") or (value.get("text") or [""])[0])


def _alpha(control: Control, said: Sequence[Mapping[str, Any]], level: Any) -> Coefficient:
    people = sorted({person for answers in said for person in answers})
    ratings = [[answers.get(person) for person in people] for answers in said]
    used = {value for row in ratings for value in row if value is not None}
    if control.kind == "Rating":
        categories: list[Hashable] = list(range(control.max_rating + 1))
    elif control.kind == "Number":
        categories = sorted(used)
    else:
        categories = sorted(used | set(() if control.multiple else control.stored))
    if not any(sum(value is not None for value in row) >= 2 for row in ratings):
        return agreement.undefined(_("no task has two answers yet"), 0, len(people))
    if len(categories) < 2:
        return agreement.undefined(agreement.NO_VARIATION, len(ratings), len(people))
    return agreement.krippendorff_alpha(ratings, categories, level=level)


# ---- which classes are mixed up: counted both ways, so that the table is the same from either side

NOTHING = "∅"


def _mixed(said: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for answers in said:
        for one, other in combinations([str(value) for value in answers.values() if value is not None], 2):
            found.update([(one, other), (other, one)])
    return found


def _mixed_places(by_person: Iterable[Mapping[str, Sequence[alike.Region]]]) -> Counter[tuple[str, str]]:
    """What one person called a place that another called something else, or did not mark."""
    found: Counter[tuple[str, str]] = Counter()
    for marked in by_person:
        called = [
            {_place(region): ", ".join(alike.labels_of(region)) for region in rs if "value" in region}
            for rs in marked.values()
        ]
        for one, other in combinations(called, 2):
            for place in one.keys() | other.keys():
                first, second = one.get(place, NOTHING), other.get(place, NOTHING)
                found.update([(first, second), (second, first)])
    return found


def _place(region: alike.Region) -> tuple[Any, ...]:
    return tuple(region["value"].get(name) for name in ("start", "end", "startOffset", "endOffset"))


def _mixed_boxes(by_person: Iterable[Mapping[str, Sequence[alike.Region]]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for drawn in by_person:
        for one, other in combinations(list(drawn.values()), 2):
            left = list(other)
            for box in one:
                best = max(left, key=lambda two: alike.overlap(box["value"], two["value"]), default=None)
                is_met = best is not None and alike.overlap(box["value"], best["value"]) >= alike.HALF
                if best is not None and is_met:
                    left.remove(best)
                second = ", ".join(alike.labels_of(best)) if best is not None and is_met else NOTHING
                first = ", ".join(alike.labels_of(box))
                found.update([(first, second), (second, first)])
            for box in left:
                found.update([(NOTHING, ", ".join(alike.labels_of(box))), (", ".join(alike.labels_of(box)), NOTHING)])
    return found
