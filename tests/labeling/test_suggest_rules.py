"""Rules and word lists: what they find, what they refuse, their time, and the job that writes what they suggest."""

import time
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.jobs import services as jobs
from apps.labeling import exchange, services
from apps.labeling.models import LabelProject, ProjectStatus, Suggester, Suggestion
from apps.labeling.suggesting import previewing, suggesters
from tests.cast import Cast
from tests.labeling.suggesting import GOOD, claimed, context_of, made, ran, work
from workers import suggest_rules, suggesting
from workers.failures import UserError
from workers.suggesting import Clock, Question, TooSlow

pytestmark = pytest.mark.django_db
SINGLE = Question("Choices", ("good", "bad"))
TURNS = """<View><Paragraphs name="talk" value="$messages" nameKey="role" textKey="content"/>
  <ParagraphLabels name="found" toName="talk"><Label value="City"/><Label value="Sum"/></ParagraphLabels></View>"""


def rules(way: str, ignores_case: bool = True, **lines: list[str]) -> list[suggesting.Rule]:
    return suggesting.read_rules(way, lines, tuple(lines), ignores_case=ignores_case)


def said(question: Question, some: list[suggesting.Rule], *texts: str) -> Any:
    found = suggesting.suggest(question, some, texts, Clock())
    return found.value if found else None


def test_patterns__of_one_choice__the_one_with_most_lines__a_tie_says_nothing() -> None:
    some = rules("rules", good=["thank", "great"], bad=["broken"])
    assert said(SINGLE, some, "Thank you, GREAT") == ["good"]
    found = suggesting.suggest(SINGLE, some, ["thank you, great, but broken"], Clock())
    assert found and found.value == ["good"] and found.score == pytest.approx(2 / 3)
    assert said(SINGLE, some, "thank you, it is broken") is None and said(SINGLE, some, "nothing") is None


def test_patterns__case_that_matters__is_kept() -> None:
    assert said(SINGLE, rules("rules", False, good=["US"], bad=["x"]), "tell us") is None


def test_patterns__of_several_choices__all_that_match() -> None:
    several = Question("Choices", ("good", "bad"), multiple=True)
    assert said(several, rules("rules", good=["a"], bad=["b"]), "b a") == ["good", "bad"]


@pytest.mark.parametrize("before", ["", "日本 ", "😀é "])
def test_spans__in_any_script__count_characters(before: str) -> None:
    text = f"{before}from Berlin to Rome"
    [one, two] = said(Question("Labels", ("City",)), rules("rules", City=["Berlin|Rome"]), text)
    assert [text[span["start"] : span["end"]] for span in (one, two)] == ["Berlin", "Rome"]


def test_spans__that_overlap__the_first_and_longest_of_a_label_stays() -> None:
    found = said(Question("Labels", ("A", "B")), rules("rules", A=["new", "new york"], B=["york"]), "new york")
    assert [(span["label"], span["start"], span["end"]) for span in found] == [("A", 0, 8), ("B", 4, 8)]


def test_words__stand_alone__and_phrases_are_found() -> None:
    some = rules("words", good=["well done"], bad=["ass"])
    assert said(SINGLE, some, "A class, well  done") is None
    assert said(SINGLE, some, "Well done!") == ["good"]


@pytest.mark.parametrize(
    ("way", "lines", "field", "words"),
    [
        ("rules", {"good": ["fine", "("]}, "lines.good.2", "Line 2 of “good”"),
        ("rules", {"good": ["(?=x)"]}, "lines.good.1", "look-ahead"),
        ("rules", {"good": ["a" * 501]}, "lines.good.1", "500 characters"),
        ("rules", {"good": []}, "lines", "Nothing is looked for"),
        ("rules", {"other": ["x"]}, "lines.other", "no option"),
        ("rules", {"good": ["x"] * 201}, "lines", "at most 200"),
        ("words", {"good": ["x"] * 10_001}, "lines", "10000"),
        ("functions", {"good": ["words: , "]}, "lines.good.1", "lists no word"),
    ],
)
def test_lines__that_cannot_be_used__are_refused_with_their_place(
    way: str, lines: dict[str, list[str]], field: str, words: str
) -> None:
    with pytest.raises(UserError) as caught:
        suggesting.read_rules(way, lines, ("good", "bad"), ignores_case=True)
    assert caught.value.field == field and words in caught.value.message


def test_patterns__made_to_explode__take_no_longer_than_a_row_may() -> None:
    evil = rules("rules", good=["(a+)+$", "(a|aa)+$", "(a|a?)+$"], bad=["x"])
    began = time.monotonic()
    said(SINGLE, evil, "a" * 100_000 + "!")
    assert time.monotonic() - began < 2


def test_row__over_its_time__is_left_out() -> None:
    with pytest.raises(TooSlow):
        suggesting.suggest(SINGLE, rules("rules", good=["a"]), ["a"], Clock(-1))


# ---- in a project


def test_suggester__that_ran__has_checked_suggestions_for_each_task(cast: Cast, project: LabelProject) -> None:
    spec = {"question": "marks", "lines": {"Word": [r"\b\w{4,}\b"], "Sign": [r"\?"]}}
    suggester = ran(cast.curator, project, spec)
    assert (suggester.version, suggester.looked_at) == (1, 6)
    found = suggester.suggestions.exclude(result=[]).select_related("task").first()
    assert found and found.result[0]["type"] == "labels" and found.result[0]["id"]
    region = found.result[0]["value"]
    assert found.task.data["prompt"][region["start"] : region["end"]] == region["text"]
    assert suggester.suggested == suggester.suggestions.exclude(result=[]).count() > 0


def test_suggester__of_turns__marks_places_in_the_right_turn(cast: Cast) -> None:
    made_project = services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="Turns", label_config=TURNS, dataset_version=None
    )
    turns = [{"role": "user", "content": "I am in Rome"}, {"role": "assistant", "content": "Rome? 20 euro"}]
    turns.append({"role": "user", "content": "Fine"})
    exchange.import_tasks(actor=cast.curator, project=made_project, items=[{"data": {"messages": turns}}])
    suggester = ran(
        cast.curator, made_project, {"question": "found", "lines": {"City": ["rome"], "Sum": [r"\d+ euro"]}}
    )
    values = [region["value"] for region in suggester.suggestions.get().result]
    assert [(v["start"], v["text"]) for v in values] == [("0", "Rome"), ("1", "Rome"), ("1", "20 euro")]


def test_run__again__replaces_what_was_suggested_at_once(cast: Cast, project: LabelProject) -> None:
    suggester = ran(cast.curator, project, GOOD)
    suggesters.change_suggester(actor=cast.curator, suggester=suggester, spec={**GOOD, "lines": {"bad": ["."]}})
    suggesters.run_suggester(actor=cast.curator, suggester=suggester)
    job = claimed(suggester)
    assert set(suggester.suggestions.values_list("version", flat=True)) == {1}
    with pytest.raises(Conflict):
        suggesters.run_suggester(actor=cast.curator, suggester=suggester)
    work(job)
    suggester.refresh_from_db()
    assert suggester.version == 2 and suggester.suggested == 6
    assert set(suggester.suggestions.values_list("version", flat=True)) == {2}


def test_job__killed_while_it_writes__goes_on_and_writes_each_once(cast: Cast, project: LabelProject) -> None:
    suggester = made(cast.curator, project, GOOD)
    suggesters.run_suggester(actor=cast.curator, suggester=suggester)
    job = claimed(suggester)
    result = suggest_rules.main(context_of(job))
    first = project.tasks.get(number=1)
    Suggestion.objects.create(suggester=suggester, version=1, task=first, result=[])  # what the dead attempt left
    work(job)
    suggester.refresh_from_db()
    assert suggester.suggestions.count() == result["looked_at"] == 6


def test_job__cancelled__leaves_what_was_there(cast: Cast, project: LabelProject) -> None:
    suggester = ran(cast.curator, project, GOOD)
    suggesters.run_suggester(actor=cast.curator, suggester=suggester)
    suggesters.cancel(actor=cast.curator, suggester=suggester)
    suggester.refresh_from_db()
    assert suggester.job and suggester.job.status == "cancelled" and suggester.version == 1
    with pytest.raises(Conflict):
        suggesters.cancel(actor=cast.curator, suggester=suggester)
    assert jobs.cancel(actor=cast.curator, job=suggester.job).status == "cancelled"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"kind": "magic"}, "kind"),
        ({"spec": []}, "spec"),
        ({"spec": {"question": "answer", "lines": {"x": ["x"]}}}, "question"),
        ({"spec": {"question": "quality", "lines": {"good": "x"}}}, "lines"),
        ({"spec": {"question": "quality", "lines": {"good": ["["]}}}, "lines.good.1"),
        ({"spec": {"question": "quality", "lines": {"good": ["x"]}, "ignores_case": 1}}, "ignores_case"),
    ],
)
def test_make_suggester__with_wrong_settings__says_where(
    cast: Cast, project: LabelProject, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Problem) as caught:
        suggesters.make_suggester(
            **{"actor": cast.curator, "project": project, "name": "A", "kind": "rules", "spec": GOOD, **change}
        )
    assert caught.value.field == field


def test_names__of_a_project__are_given_once(cast: Cast, project: LabelProject) -> None:
    made(cast.curator, project, GOOD, name="A")
    with pytest.raises(Conflict):
        made(cast.curator, project, GOOD, name="A")


def test_delete__takes_its_suggestions_along(cast: Cast, project: LabelProject) -> None:
    suggester = ran(cast.curator, project, GOOD)
    suggesters.delete_suggester(actor=cast.curator, suggester=suggester)
    assert not Suggester.objects.exists() and not Suggestion.objects.exists()


def test_preview__of_the_first_ten__stores_nothing(cast: Cast, project: LabelProject) -> None:
    lines = previewing.preview(project, "rules", {"question": "quality", "lines": {"bad": ["."]}})
    assert len(lines) == 6 and lines[0].said == ["bad"] and lines[0].matched[0].startswith("bad: . → “")
    assert not Suggestion.objects.exists()


def test_suggestions__reach_every_task__whatever_became_of_it(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    """Else none beside a task would tell that it is decided, or gold."""
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.PAUSED)
    suggester = ran(cast.curator, project, GOOD)
    assert suggester.suggestions.count() == project.tasks.count()
