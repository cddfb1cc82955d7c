"""Rules, forms, previews, few changes, and the freezing that comes by itself."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.datasets import services as datasets
from apps.datasets.amending import rows_at
from apps.datasets.making import freeze_made, write_made
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import StoredRow, each_row
from apps.labeling import queue, services
from apps.labeling.golden import gold
from apps.labeling.harvest.combining import TIE, combined
from apps.labeling.harvest.gathering import survey
from apps.labeling.harvest.records import ranks
from apps.labeling.harvest.services import freeze_labels
from apps.labeling.harvest.shapes import shape_of, shapes
from apps.labeling.models import HarvestPlan, LabelProject, ProjectStatus, Rule
from apps.labeling.schema.label_config import parse_config
from tests.cast import Cast
from tests.labeling.conftest import says
from workers.formats.forms import make_row

pytestmark = pytest.mark.django_db

CHOICE = """<View><Text name="shown" value="$text"/><Choices name="{name}" toName="shown" required="true">
  <Choice value="calm"/><Choice value="angry"/></Choices>{more}</View>"""
SPANS = (
    '<View><Labels name="found" toName="shown"><Label value="City"/></Labels><Text name="shown" value="$text"/></View>'
)
PAIR = """<View><Text name="asked" value="$prompt"/><Text name="a" value="$answer_a"/><Text name="b" value="$answer_b"/>
  <Pairwise name="better" toName="a,b"/></View>"""
PICTURE = """<View><Image name="photo" value="$image"/>
  <Choices name="what" toName="photo"><Choice value="boot"/><Choice value="tent"/></Choices>
  <RectangleLabels name="where" toName="photo"><Label value="dent"/></RectangleLabels></View>"""
NAME = "a" * 64 + ".png"


def said(name: str, to: str, kind: str, **value: Any) -> dict[str, Any]:
    return {"from_name": name, "to_name": to, "type": kind, "value": value}


def chosen(answer: str, name: str = "label", to: str = "shown") -> list[dict[str, Any]]:
    return [said(name, to, "choices", choices=[answer])]


@pytest.fixture
def version_of(workspace: Workspace, tmp_path: Any) -> Callable[..., DatasetVersion]:
    """A version of rows of any form: {"messages"?, and its content}."""

    def make(form: str, rows: Sequence[Mapping[str, Any]]) -> DatasetVersion:
        from workers.formats.chat import Message

        made = []
        for place, row in enumerate(rows):
            messages = [Message(**turn) for turn in row.get("messages", ())]
            content = {name: value for name, value in row.items() if name not in ("messages", "extra")}
            made.append(make_row(form, messages, content or None, source_line=place + 1, extra=row.get("extra")))
        dataset = datasets.create_dataset(actor=None, workspace=workspace, name=f"Rows of {form}")
        folder = tmp_path / form
        folder.mkdir()
        return freeze_made(
            actor=None,
            dataset=dataset,
            result=write_made(made, folder) | {"images": []},
            folder=folder,
            form=form,
            step="import",
            note="",
            provenance=("upload", dataset.pk),
            parent=None,
        )

    return make


@pytest.fixture
def open_project(cast: Cast) -> Callable[..., LabelProject]:
    def make(config: str, version: DatasetVersion | None, **values: Any) -> LabelProject:
        name = f"Project {LabelProject.objects.count()}"
        made = services.create_project(
            actor=cast.curator,
            workspace=cast.workspace,
            name=name,
            label_config=config,
            dataset_version=version,
            **values,
        )
        services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
        return made

    return make


def answer(person: User, project: LabelProject, *results: list[dict[str, Any]]) -> list[Any]:
    made = []
    for result in results:
        assignment = queue.take_next(actor=person, project=project)
        assert assignment
        made.append(queue.submit(actor=person, assignment=assignment, result=result))
    return made


def rows(version: DatasetVersion) -> list[StoredRow]:
    return list(each_row(version.shard_paths()))


# ---- rules


@pytest.fixture
def divided(cast: Cast, project: LabelProject, people: list[User]) -> LabelProject:
    """Two people, six tasks; three answered alike, one differently, one by one person, one by nobody."""
    answer(people[0], project, *[says(one) for one in ("good", "good", "bad", "good", "bad")])
    answer(people[1], project, *[says(one) for one in ("good", "good", "bad", "bad")])
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)
    return project


def counted(project: LabelProject) -> dict[str, tuple[int, dict[str, int]]]:
    found = {harvest.rule.value: harvest for harvest in survey(project, shape_of(project))}
    return {
        rule: (one.kept, {why: count for why, count in one.left_out.items() if count}) for rule, one in found.items()
    }


def test_rules__divided_people__each_counts_its_own(divided: LabelProject) -> None:
    assert counted(divided) == {
        "majority": (4, {"tied": 1, "unanswered": 1}),
        "adjudicated": (0, {"undecided": 5, "unanswered": 1}),
        "best": (5, {"unanswered": 1}),
        "single": (5, {"unanswered": 1}),
    }


@pytest.mark.parametrize("rule", [rule.value for rule in Rule if rule != Rule.ADJUDICATED])
def test_preview__before_the_click__is_what_the_click_gives(cast: Cast, divided: LabelProject, rule: str) -> None:
    expected = counted(divided)[rule][0]
    frozen = freeze_labels(actor=cast.curator, project=divided, rule=rule)
    assert frozen.row_count == expected and f"{expected} rows" in frozen.note
    assert (frozen.provenance_kind, frozen.provenance_id, frozen.parent) == (
        "labelproject",
        divided.pk,
        divided.dataset_version,
    )


def test_adjudicated__accepted_answers__are_the_only_rows(cast: Cast, divided: LabelProject) -> None:
    task = divided.tasks.get(number=4)
    services.accept_annotation(actor=cast.curator, annotation=task.annotations.order_by("-created_at")[0])
    [row] = rows(freeze_labels(actor=cast.curator, project=divided, rule="adjudicated"))
    assert row.extra["quality"] == "bad"
    first = freeze_labels(actor=cast.curator, project=divided, rule="single")
    assert [row.extra["quality"] for row in rows(first)][3] == "bad"  # accepted, though it came second


def test_single__two_answers__the_first(cast: Cast, divided: LabelProject) -> None:
    assert [row.extra["quality"] for row in rows(freeze_labels(actor=cast.curator, project=divided, rule="single"))] == [
        "good", "good", "bad", "good", "bad",
    ]  # fmt: skip


def test_best__without_gold__who_is_most_often_with_the_majority(
    cast: Cast, version: DatasetVersion, people: list[User], open_project: Callable[..., LabelProject]
) -> None:
    from tests.labeling.conftest import CONFIG

    project = open_project(CONFIG, version, overlap=3)
    for person, words in zip(
        people,
        ("bad good bad good good good", "good good bad good good bad", "good good bad good good good"),
        strict=True,
    ):
        answer(person, project, *[says(word) for word in words.split()])
    order = ranks(project)
    assert order[str(people[2].pk)] == 0
    frozen = freeze_labels(actor=cast.curator, project=project, rule="best")
    assert [row.extra["quality"] for row in rows(frozen)] == ["good", "good", "bad", "good", "good", "good"]


def test_best__with_gold__who_was_right_there(cast: Cast, project: LabelProject, people: list[User]) -> None:
    [first, _other] = answer(people[0], project, says("good"), says("good"))
    services.accept_annotation(actor=cast.curator, annotation=first)
    gold.mark(actor=cast.curator, task=first.task)
    from apps.labeling.models import GoldAnswer

    answer(people[1], project, says("bad"))
    for person, is_right in ((people[0], False), (people[1], True)):
        assignment = project.assignments.filter(annotator=person)[0]
        values = {"workspace_id": project.workspace_id, "gold": first.task.gold, "annotator": person}
        GoldAnswer.objects.create(project=project, assignment=assignment, is_right=is_right, **values)
    assert ranks(project) == {str(people[1].pk): 0, str(people[0].pk): 1}
    assert counted(project)["single"][0] == 1  # the gold row does not count, unless the plan says so


def test_combined__marks_boxes_numbers__more_than_half_and_the_mean() -> None:
    config = parse_config(PICTURE)
    box = {"x": 10.0, "y": 10.0, "width": 20.0, "height": 20.0, "rotation": 0, "labels": ["dent"]}
    near, far = {**box, "x": 12.0}, {**box, "x": 70.0}
    given: list[dict[str, Any]] = [{"where": [box]}, {"where": [near, far]}, {"what": ["boot"]}]
    [mean] = combined(config, given)["where"]
    assert mean["x"] == 11.0 and mean["labels"] == ["dent"]
    assert combined(config, given[:1])["where"] == [box]
    assert combined(config, [{"what": ["boot"]}, {"what": ["tent"]}])["what"] is TIE


# ---- forms


def test_text__a_choices_named_label__becomes_classes(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    version = version_of("text", [{"text": "All fine here."}, {"text": "I want my money back!"}])
    more = '<Choices name="sure" toName="shown"><Choice value="yes"/></Choices>'
    project = open_project(CHOICE.format(name="label", more=more), version)
    answer(people[0], project, [*chosen("calm"), *chosen("yes", "sure")], chosen("angry"))
    frozen = freeze_labels(actor=cast.curator, project=project)
    assert (frozen.form, frozen.parent, frozen.dataset.name) == ("classification", version, "Rows of text, labelled")
    first, second = rows(frozen)
    assert first.content == {"text": "All fine here.", "label": "calm"} and first.extra == {"sure": "yes"}
    assert (second.label, second.key) == ("angry", rows(version)[1].key)
    same = freeze_labels(actor=cast.curator, project=project, form="same")
    assert (same.form, same.dataset, same.number) == ("text", version.dataset, 2)
    assert rows(same)[0].extra == {"label": "calm", "sure": "yes"}


def test_text__a_chosen_question__is_the_class(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    project = open_project(CHOICE.format(name="mood", more=""), version_of("text", [{"text": "All fine here."}]))
    answer(people[0], project, chosen("calm", "mood"))
    assert shape_of(project).form == "text"
    frozen = freeze_labels(actor=cast.curator, project=project, form="classification", question="mood", name="Moods")
    assert [row.content for row in rows(frozen)] == [{"text": "All fine here.", "label": "calm"}]
    with pytest.raises(Problem) as found:
        freeze_labels(actor=cast.curator, project=project, form="classification", question="nothing")
    assert found.value.field == "question"
    with pytest.raises(Problem) as found:
        freeze_labels(actor=cast.curator, project=project, form="preference")
    assert found.value.field == "form" and "Pairwise" in found.value.message


def test_classes__one_choices__corrects_the_class(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    version = version_of("classification", [{"text": "All fine here.", "label": "angry"}])
    project = open_project(CHOICE.format(name="mood", more=""), version)
    answer(people[0], project, chosen("calm", "mood"))
    frozen = freeze_labels(actor=cast.curator, project=project)
    assert (frozen.form, frozen.dataset, frozen.number) == ("classification", version.dataset, 2)
    [row] = rows(frozen)
    assert (row.label, row.key, row.extra) == ("calm", rows(version)[0].key, {})


def test_entities__labels__are_the_spans(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    span = said("found", "shown", "labels", start=5, end=9, text="Oslo", labels=["City"])
    for form in ("text", "ner"):
        version = version_of(form, [{"text": "From Oslo.", **({"spans": []} if form == "ner" else {})}])
        project = open_project(SPANS, version)
        answer(people[0], project, [span])
        frozen = freeze_labels(actor=cast.curator, project=project)
        assert frozen.form == "ner"
        assert rows(frozen)[0].content == {"text": "From Oslo.", "spans": [{"start": 5, "end": 9, "label": "City"}]}


def test_preference__pairwise__the_preferred_answer_is_chosen(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    turns = [{"role": "user", "content": "Warm?"}, {"role": "assistant", "content": "Yes."}]
    rejected = {"rejected": [{"role": "assistant", "content": "No idea."}]}
    project = open_project(PAIR, version_of("preference", [{"messages": turns, **rejected}]), overlap=1)
    data = project.tasks.get().data
    side = "left" if data["answer_a"] == "No idea." else "right"
    region = {"from_name": "better", "to_name": "a", "type": "pairwise", "value": {"selected": side}}
    assignment = queue.take_next(actor=people[0], project=project)
    assert assignment
    queue.submit(actor=people[0], assignment=assignment, result=[region])
    [row] = rows(freeze_labels(actor=cast.curator, project=project))
    assert row.messages[-1]["content"] == "No idea." and row.content["rejected"][-1]["content"] == "Yes."
    assert row.extra == {}


def test_table_and_image__class_and_boxes__in_their_places(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    table = open_project(
        CHOICE.format(name="label", more=""), version_of("tabular", [{"values": {"size": 43, "place": "Oslo"}}])
    )
    answer(people[0], table, chosen("calm"))
    [row] = rows(freeze_labels(actor=cast.curator, project=table))
    assert row.content == {"values": {"size": 43, "place": "Oslo"}, "label": "calm"}
    images = open_project(PICTURE, version_of("image", [{"image": NAME, "width": 200, "height": 100}]))
    sides = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["dent"]}
    box = {**said("where", "photo", "rectanglelabels", **sides), "original_width": 200, "original_height": 100}
    answer(people[0], images, [*chosen("boot", "what", "photo"), box])
    [row] = rows(freeze_labels(actor=cast.curator, project=images))
    assert row.label == "boot"
    assert row.content["boxes"] == [{"label": "dent", "x": 20.0, "y": 20.0, "width": 60.0, "height": 40.0}]


def test_shapes__of_a_project__all_that_its_questions_make(
    version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], project: LabelProject
) -> None:
    made = [(shape.form, shape.question and shape.question.name) for shape in shapes(project)]
    assert made == [("chat", None), ("classification", "quality"), ("ner", "marks")]


def test_chat_to_classes__by_a_question__takes_the_text_it_was_about(cast: Cast, divided: LabelProject) -> None:
    frozen = freeze_labels(
        actor=cast.curator, project=divided, form="classification", question="quality", name="Prompts"
    )
    assert frozen.form == "classification" and rows(frozen)[0].content == {"text": "Question 0?", "label": "good"}


def test_unusable__a_row_that_says_nothing__is_counted_and_left_out(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    config = '<View><Text name="shown" value="$text"/><Choices name="label" toName="shown"><Choice value="calm"/></Choices></View>'
    project = open_project(config, version_of("text", [{"text": "One"}, {"text": "Two"}]))
    answer(people[0], project, [], chosen("calm"))
    frozen = freeze_labels(actor=cast.curator, project=project)
    assert frozen.row_count == 1 and "1 that nothing can be learned from" in frozen.note


# ---- few changes


def test_few_changes__corrections__keep_the_files_of_the_source(
    cast: Cast, version_of: Callable[..., DatasetVersion], open_project: Callable[..., LabelProject], people: list[User]
) -> None:
    turns = [
        [{"role": "user", "content": f"{place}?"}, {"role": "assistant", "content": "Yes."}] for place in range(10)
    ]
    version = version_of(
        "chat", [{"messages": own, "extra": json.dumps({"n": place})} for place, own in enumerate(turns)]
    )
    config = '<View><Text name="shown" value="$prompt"/><TextArea name="answer" toName="shown" value="$answer"/></View>'
    project = open_project(config, version)
    texts = ["Yes."] * 7 + ["No."] + ["Yes."]
    answer(people[0], project, *[[said("answer", "shown", "textarea", text=[text])] for text in texts])
    frozen = freeze_labels(actor=cast.curator, project=project, partial=True)
    assert frozen.shards == version.shards and frozen.patch and frozen.row_count == 9
    found = rows(frozen)
    assert [row.answer for row in found] == texts and found[7].extra == {"n": 7}
    assert found[7].key == rows(version)[7].key and (frozen.added_count, frozen.removed_count) == (1, 2)
    assert [row.row_id for row in rows_at(frozen, {8: None})] == [rows(version)[8].row_id]


# ---- doors


def test_api__preview_freeze_and_plan(client_of: Callable[[str], Client], divided: LabelProject) -> None:
    base, client = f"/api/v1/label-projects/{divided.pk}/", client_of("curator")
    told = client.get(f"{base}freeze/").json()
    assert (told["form"], told["question"]) == ("chat", None)
    gives = {one["rule"]: one for one in told["rules"]}
    assert gives["majority"]["rows"] == 4 and gives["majority"]["left_out"]["tied"] == 1
    assert {"form": "ner", "question": "marks"} in told["forms"]
    assert client.get(f"{base}freeze/?form=preference").status_code == 400
    made = client.post(f"{base}freeze/", {"rule": "single"}, content_type="application/json")
    assert made.status_code == 201 and made.json()["row_count"] == 5
    assert client.post(f"{base}freeze/", {"rule": "dice"}, content_type="application/json").status_code == 400
    plan = {"is_automatic": True, "rule": "best"}
    answer = client.put(f"{base}freeze-when-finished/", plan, content_type="application/json")
    assert answer.json() == client.get(f"{base}freeze-when-finished/").json()
    assert (answer.json()["is_automatic"], answer.json()["rule"]) == (True, "best")
    for role, code in (("viewer", 403), ("annotator", 403), ("stranger", 404)):
        for path in ("freeze/", "freeze-when-finished/"):
            assert client_of(role).get(f"{base}{path}").status_code == code


def test_page__harvest__shows_what_each_rule_gives(cast: Cast, client: Client, divided: LabelProject) -> None:
    client.force_login(cast.curator)
    address = reverse("labeling:harvest", args=[divided.pk])
    text = client.get(address).content.decode()
    assert "1 where people are divided" in text and "5 without an accepted answer" in text
    other = client.get(address, {"shape": "classification:quality"}).content.decode()
    assert 'value="classification:quality" selected' in other
    wrong = client.get(address, {"shape": "preference:"})
    assert wrong.status_code == 400 and "No question makes rows" in wrong.content.decode()
    none = client.post(reverse("labeling:freeze", args=[divided.pk]), {"rule": "adjudicated"})
    assert none.status_code == 400 and "No row is left" in none.content.decode()
    made = client.post(reverse("labeling:freeze", args=[divided.pk]), {"rule": "single", "shape": "same:"})
    assert made.status_code == 302 and made["Location"].endswith("/v2/")
    switched = client.post(
        reverse("labeling:harvest-automatic", args=[divided.pk]), {"rule": "best", "is_automatic": "1"}, follow=True
    )
    assert "will be frozen when the last task is finished" in switched.content.decode()
    assert HarvestPlan.objects.get(project=divided).rule == "best"
