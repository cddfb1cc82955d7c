"""A model as a suggester: which ones a workspace has, what is refused, and what becomes of its answers."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import Problem
from apps.jobs import kinds, protocol
from apps.labeling import services
from apps.labeling.models import LabelProject, Suggester
from apps.labeling.suggesting import models_asked, suggesters
from tests.cast import Cast
from tests.labeling.suggesting import claimed, made

pytestmark = pytest.mark.django_db


class Known:
    """One model that can be asked."""

    def known(self, workspace: Any) -> list[tuple[str, str]]:
        return [("base:small", "Small")]

    def folders(self, workspace: Any, name: str) -> dict[str, Any] | None:
        return {"model": {"folder": "/small"}, "tuned": None} if name == "base:small" else None


KNOWN = Known()
ASKED = {"question": "quality", "model": "base:small"}


@pytest.fixture(autouse=True)
def one_model(settings: Any) -> None:
    settings.SUGGESTING_MODELS = "tests.labeling.test_suggest_model.KNOWN"


def answered(suggester: Suggester, actor: Any, *lines: dict[str, Any]) -> dict[str, Any]:
    """Run, with these lines for its answers. What the program was given."""
    suggesters.run_suggester(actor=actor, suggester=suggester)
    job = claimed(suggester)
    inputs = kinds.get(job.kind).prepare(job)
    path = job.folder / "artifacts" / "suggestions.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = {"file": "artifacts/suggestions.jsonl", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    result = {"looked_at": len(lines), "suggested": len(lines), "unread": 0, **facts}
    kinds.get(job.kind).verify(job, result)
    protocol.succeed(job=job, epoch=job.epoch, result=result)
    suggester.refresh_from_db()
    return inputs


def line(number: int, value: Any, score: float | None = 0.8) -> dict[str, Any]:
    return {"number": number, "value": [value], "score": score, "uncertainty": 0.5}


def test_model__that_answered__suggests_what_the_question_takes(cast: Cast, project: LabelProject) -> None:
    suggester = made(cast.curator, project, {**ASKED, "first": 3}, kind="model")
    inputs = answered(suggester, cast.curator, line(1, "good"), line(2, "bad"), line(3, "neither"))
    assert inputs["model"] == {"folder": "/small"} and inputs["tuned"] is None
    assert len(Path(inputs["tasks"]).read_text().splitlines()) == 3
    assert suggester.suggested == 2 and suggester.looked_at == 3
    assert suggester.suggestions.get(task__number=2).result[0]["value"] == {"choices": ["bad"]}
    assert suggester.suggestions.get(task__number=3).uncertainty == 1.0


def test_model__of_a_text_and_a_rating__makes_their_regions(cast: Cast, project: LabelProject) -> None:
    text = made(cast.curator, project, {**ASKED, "question": "answer"}, kind="model", name="Text")
    answered(text, cast.curator, line(1, "Soon.", None))
    assert text.suggestions.get().result[0]["value"] == {"text": ["Soon."]}
    stars = made(cast.curator, project, {**ASKED, "question": "stars"}, kind="model", name="Stars")
    answered(stars, cast.curator, line(1, "4"))
    assert stars.suggestions.get().result[0]["value"] == {"rating": 4}


MANY = """<View><Text name="p" value="$prompt"/><Text name="a" value="$answer"/>
  <Choices name="faults" toName="p" choice="multiple"><Choice value="rude"/><Choice value="long"/></Choices>
  <Number name="overall" toName="p" min="0" max="5" step="1"/><Number name="weight" toName="p"/>
  <Labels name="marks" toName="p"><Label value="Word"/></Labels></View>"""


@pytest.fixture
def many(cast: Cast, version: Any) -> LabelProject:
    return services.create_project(
        actor=cast.curator, workspace=cast.workspace, dataset_version=version, name="Many", label_config=MANY
    )


@pytest.mark.parametrize(
    ("question", "value", "region"),
    [
        ("faults", ["rude", "long"], {"choices": ["rude", "long"]}),
        ("overall", ["4"], {"number": 4}),
        ("weight", [2.5], {"number": 2.5}),
        ("marks", [{"turn": 0, "start": 0, "end": 2, "label": "Word"}], {"start": 0, "end": 2, "labels": ["Word"]}),
    ],
)
def test_model__of_other_questions__makes_their_regions(
    cast: Cast, many: LabelProject, question: str, value: Any, region: dict[str, Any]
) -> None:
    suggester = made(cast.curator, many, {**ASKED, "question": question}, kind="model")
    answered(suggester, cast.curator, {**line(1, ""), "value": value})
    said = suggester.suggestions.get().result[0]["value"]
    assert said | region == said


def test_model__of_several_choices__needs_a_prompt_for_each(cast: Cast, many: LabelProject) -> None:
    with pytest.raises(Problem) as caught:
        made(cast.curator, many, {**ASKED, "question": "faults", "template": "{text} {options}"}, kind="model")
    assert caught.value.field == "template" and "{option}" in caught.value.message


def test_prompt__that_names_another_field__is_given_its_words(cast: Cast, many: LabelProject) -> None:
    spec = {**ASKED, "question": "marks", "template": "{prompt} was answered by {answer}: {options}"}
    inputs = answered(made(cast.curator, many, spec, kind="model"), cast.curator, {**line(1, ""), "value": []})
    told = json.loads(Path(inputs["tasks"]).read_text().splitlines()[0])
    first = many.tasks.get(number=1).data
    assert told["fields"] == {name: first[name] for name in ("prompt", "answer")} and told["plain"] == [first["prompt"]]


def test_prompts__to_start_from__are_offered_for_texts(cast: Cast, project: LabelProject, client: Client) -> None:
    client.force_login(cast.curator)
    page = reverse("labeling:suggester-new", args=[project.pk])
    html = client.get(page, {"kind": "model", "question": "answer", "ready": "summary"}).content.decode()
    assert "Sum up this text" in html and "ready=translation" in html


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": "base:other"}, "model"),
        ({"template": "without the text"}, "template"),
        ({"first": -1}, "first"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"question": "other"}, "question"),
        ({"template": "{other}"}, "template"),
    ],
)
def test_model__with_wrong_settings__says_where(
    cast: Cast, project: LabelProject, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Problem) as caught:
        made(cast.curator, project, {**ASKED, **change}, kind="model")
    assert caught.value.field == field


def test_models__of_a_workspace__are_those_of_its_own(cast: Cast, settings: Any) -> None:
    settings.SUGGESTING_MODELS = "console.suggesting.MODELS"
    assert models_asked.known(cast.other_workspace) == []
    for name in ("base:none", "checkpoint:none", "checkpoint:316f6e8a-7a3a-4450-9e57-e60d8111504f", "x"):
        with pytest.raises(Problem):
            models_asked.folders(cast.workspace, name)
