"""Label Studio's JSON there and back: skips, accepted answers, gold and predictions come in as they went out."""

import json
from typing import Any

import pytest

from apps.accounts.models import User
from apps.datasets.models import DatasetVersion
from apps.labeling import exchange, queue
from apps.labeling.golden import gold
from apps.labeling.models import (
    Annotation,
    Assignment,
    AssignmentStatus,
    Gold,
    LabelProject,
    Share,
    Suggester,
    SuggesterKind,
    Suggestion,
    Verdict,
)
from apps.labeling.queueing import counting
from apps.labeling.reviewing import deciding
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, region, says
from tests.labeling.test_imports import bring, made, said, written
from tests.labeling.test_queue import is_sound

pytestmark = pytest.mark.django_db
COUNTED = ("added", "repeated", "accepted", "gold", "skipped", "suggested", "unfit", "refused")


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in COUNTED if report[name]}


@pytest.fixture
def decided(cast: Cast, project: LabelProject, people: list[User]) -> LabelProject:
    """Task 1 accepted and gold, task 2 decided by a reviewer's own answer, task 3 skipped by one person; two models suggest."""
    for person in people[:2]:
        for number in (1, 2, 3):
            held = queue.take_next(actor=person, project=project)
            assert held and held.task.number == number
            if number == 3 and person == people[1]:
                queue.skip(actor=person, assignment=held, reason="unclear")
            else:
                queue.submit(actor=person, assignment=held, result=says("good" if person == people[0] else "bad"))
    first = project.annotations.get(task__number=1, annotator=people[0])
    deciding.accept(actor=cast.curator, annotation=first)
    gold.mark(actor=cast.curator, task=first.task)
    deciding.adjudicate(actor=cast.curator, task=project.tasks.get(number=2), result=says("bad"))
    for name, version, score in (("Words", 2, 0.75), ("Model", 1, None)):
        suggester = Suggester.objects.create(
            workspace=cast.workspace, project=project, name=name, kind="words", spec={}, version=version
        )
        for number in (1, 2):
            task = project.tasks.get(number=number)
            Suggestion.objects.create(suggester=suggester, version=version, task=task, result=says("good"), score=score)
    return project


def test_json__holds_decisions_skips_and_predictions(decided: LabelProject, people: list[User]) -> None:
    one, two, three, *_rest = json.loads(written(decided, "json"))
    assert [(a["ground_truth"], a["accepted"]) for a in one["annotations"]] == [(True, True), (False, False)]
    assert [(a["accepted"], a.get("by_reviewer", False)) for a in two["annotations"]] == [
        (False, False), (False, False), (True, True),
    ]  # fmt: skip
    skip = three["annotations"][-1]
    assert (skip["was_cancelled"], skip["completed_by"], skip["result"]) == (True, {"email": people[1].email}, [])
    assert [(p["model_version"], p["score"]) for p in one["predictions"]] == [("Words 2", 0.75), ("Model 1", None)]
    assert one["predictions"][0]["result"] == says("good") and three["predictions"] == []


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json__into_a_fresh_project__brings_all_of_it_once(
    cast: Cast, decided: LabelProject, version: DatasetVersion, people: list[User], format: str
) -> None:
    content, fresh = written(decided, format), made(cast, "Fresh", CONFIG, version, overlap=2)
    row = bring(cast, fresh, content, f"labels.{format}")
    all_of_it = {"added": 5, "accepted": 2, "gold": 1, "skipped": 1, "suggested": 4}
    assert counts(row.report) == all_of_it == counts(row.preview["report"]), row.report
    assert said(fresh) == said(decided) and set(
        Gold.objects.filter(project=fresh).values_list("task__number", flat=True)
    ) == {1}
    accepted = dict(fresh.tasks.filter(accepted__isnull=False).values_list("number", "accepted__assignment__status"))
    assert accepted == {1: AssignmentStatus.SUBMITTED, 2: AssignmentStatus.REVIEW}
    skip = Assignment.objects.get(project=fresh, status=AssignmentStatus.SKIPPED)
    assert (skip.task.number, skip.annotator) == (3, people[1])
    suggesters = Suggester.objects.filter(project=fresh)
    assert {one.model_version for one in suggesters} == {"Words 2", "Model 1"}
    assert {(one.kind, one.suggested, one.is_shown) for one in suggesters} == {(SuggesterKind.IMPORTED, 2, False)}
    verdicts = Verdict.objects.filter(project=fresh)
    assert verdicts.count() == Verdict.objects.filter(project=decided).count() == 4
    assert counts(bring(cast, fresh, written(fresh, format), "again").report) == {"repeated": 6}
    assert written(fresh, format).count(b'"accepted": true') == 2


def test_import__of_decisions__counts_as_if_they_were_made_here(
    cast: Cast, decided: LabelProject, version: DatasetVersion
) -> None:
    fresh = made(cast, "Fresh", CONFIG, version, overlap=2)
    bring(cast, fresh, written(decided, "json"), "labels.json")
    before = Share.objects.filter(project=fresh).totals()
    counting.recount(fresh)
    assert Share.objects.filter(project=fresh).totals() == before
    fresh.tasks.get(number=1).gold.delete()
    fresh.tasks.filter(number=1).update(open_slots=0)
    assert is_sound(fresh)


def test_import__decision_that_is_made_otherwise_here__stays_and_is_told(
    cast: Cast, decided: LabelProject, version: DatasetVersion
) -> None:
    fresh = made(cast, "Fresh", CONFIG, version, overlap=3)
    deciding.adjudicate(actor=cast.curator, task=fresh.tasks.get(number=2), result=says("good"))
    report = bring(cast, fresh, written(decided, "json"), "labels.json").report
    assert report["accepted"] == 1 and any("decided otherwise" in one["why"] for one in report["told"])
    accepted = fresh.tasks.get(number=2).accepted
    assert accepted and accepted.result[0]["value"] == {"choices": ["good"]}


def test_import__own_answer_of_who_brings_the_file__is_not_accepted(cast: Cast, project: LabelProject) -> None:
    task = project.tasks.get(number=1)
    mine = {"result": says("good"), "completed_by": cast.curator.email, "accepted": True}
    item = {"id": 1, "data": task.data, "meta": {"key": task.key}, "annotations": [mine]}
    report = bring(cast, project, json.dumps([item]).encode(), "labels.json").report
    assert (report["added"], report["accepted"]) == (1, 0) and "own answer" in report["told"][0]["why"]


def test_import__prediction_that_does_not_fit__is_left_out_and_told(cast: Cast, project: LabelProject) -> None:
    items = []
    for number, choice in ((1, "good"), (2, "awful"), (3, "bad")):
        task = project.tasks.get(number=number)
        result = [region("quality", choices=[choice])]
        told = [{"model_version": "bert-1", "score": 0.9, "result": result}]
        items.append({"id": number, "data": task.data, "meta": {"key": task.key}, "predictions": told})
    row = bring(cast, project, json.dumps(items).encode(), "labels.json")
    assert counts(row.report) == {"suggested": 2, "unfit": 1} == counts(row.preview["report"])
    assert row.report["told"][0]["place"].endswith("prediction 1") and "awful" in row.report["told"][0]["why"]
    suggester = Suggester.objects.get(project=project)
    assert (suggester.name, suggester.suggested) == ("bert-1", 2)
    assert sorted(s.uncertainty for s in suggester.suggestions.all()) == pytest.approx([0.1, 0.1])


def test_import_by_program__takes_the_same(cast: Cast, decided: LabelProject, version: DatasetVersion) -> None:
    fresh, items = made(cast, "Fresh", CONFIG, version, overlap=2), json.loads(written(decided, "json"))
    done = vars(exchange.import_tasks(actor=cast.curator, project=fresh, items=items))
    told = {name: done[name] for name in ("annotations", "skipped", "accepted", "gold", "suggested", "unfit")}
    assert told == {"annotations": 5, "skipped": 1, "accepted": 2, "gold": 1, "suggested": 4, "unfit": 0}
    again = vars(exchange.import_tasks(actor=cast.curator, project=fresh, items=items))
    assert {name: count for name, count in again.items() if count} == {"known": 6, "repeated": 6}
    assert Annotation.objects.filter(project=fresh).count() == 6
