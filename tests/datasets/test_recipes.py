"""Saved recipes: editions, files, and the steps that are off."""

from typing import Any

import pytest

from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.datasets import preparing, services
from apps.datasets.models import DatasetVersion, SavedRecipe
from apps.datasets.recipes import saving
from apps.datasets.rehearsing import rehearse, run
from apps.jobs.models import Job
from tests.cast import Cast
from tests.make import as_jsonl, make_version

STEPS: list[Any] = ["html", {"step": "length", "min_characters": 3, "off": True}]
SPLIT = {"fractions": {"train": 0.8, "validation": 0.1, "test": 0.1}, "seed": 7}


def save(cast: Cast, name: str = "usual", **values: Any) -> SavedRecipe:
    said = {"steps": STEPS, "split": None, **values}
    return saving.save_recipe(actor=cast.curator, workspace=cast.workspace, name=name, **said)


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, as_jsonl([{"prompt": f"<b>Q{n}</b>", "completion": "A"} for n in range(8)]))


def test_save__new_name__keeps_every_option_and_what_is_off(cast: Cast) -> None:
    saved = save(cast, split=SPLIT, description=" For tests ")
    assert (saved.number, saved.description, saved.created_by) == (1, "For tests", cast.curator)
    assert [step["step"] for step in saved.steps] == ["html", "length"] and saved.steps[0]["texts"] == "all"
    assert saved.steps[1]["off"] is True and saved.split and saved.split["seed"] == 7
    assert LedgerEntry.objects.get(verb="recipe.saved").object_label == "usual"


def test_save__name_that_is_taken__is_the_next_edition(cast: Cast) -> None:
    first, second = save(cast), save(cast, "Usual", steps=["unicode"])
    assert second.line == first.line and (first.number, second.number) == (1, 2)
    third = saving.save_recipe(
        actor=None, workspace=cast.workspace, name="renamed", steps=["html"], split=None, line=first.line
    )
    assert list(SavedRecipe.objects.newest()) == [third] and saving.editions_of(first) == [third, second, first]
    other = save(cast, "other")
    with pytest.raises(Conflict, match="already"):
        saving.save_recipe(actor=None, workspace=cast.workspace, name="renamed", steps=[], split=None, line=other.line)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": None}, "name"),
        ({"steps": [{"step": "magic"}]}, "steps.0"),
        ({"steps": [{"step": "length", "off": True}]}, "steps.0.min_characters"),
        ({"steps": "html"}, "steps"),
        ({"split": {"seed": -1}}, "split.seed"),
    ],
    ids=["blank", "long", "none", "step", "off-but-wrong", "no-list", "split"],
)
def test_save__bad_recipe__is_refused(values: dict[str, Any], field: str, cast: Cast) -> None:
    with pytest.raises(Problem) as caught:
        save(cast, **values)
    assert caught.value.field == field and not SavedRecipe.objects.exists()


def test_delete__recipe__takes_its_editions_along(cast: Cast) -> None:
    save(cast)
    saving.delete_recipe(actor=cast.curator, saved=save(cast))
    assert not SavedRecipe.objects.exists() and LedgerEntry.objects.filter(verb="recipe.deleted").count() == 1


@pytest.mark.parametrize("format", saving.FORMATS)
def test_file__written_and_read__is_the_same_recipe(format: str, cast: Cast) -> None:
    steps = [{"step": "words", "words": ["坏", "yes", "1", "a: b"], "action": "mask"}, {"step": "html", "off": True}]
    saved = save(cast, "Größe 名", steps=steps, split=SPLIT, description="x: y")
    read = saving.read_file(saving.written(saved, format).encode())
    assert read == {"name": saved.name, "description": saved.description, "steps": saved.steps, "split": saved.split}
    assert save(cast, **read).steps == saved.steps


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "neither YAML nor JSON"),
        (b"\xff\xfe\x00", "neither YAML nor JSON"),
        (b"a: &x [1]\nsteps: [*x, *x]", "neither YAML nor JSON"),
        (b"steps: !!python/object/apply:os.system ['true']", "neither YAML nor JSON"),
        (b"[" * 20_000, "neither YAML nor JSON"),
        (b"- html", "no steps"),
        (b"name: x", "no steps"),
        (b"tuneloop_recipe: 9\nsteps: []", "later release"),
        (b" " * 600_000, "at most"),
    ],
    ids=["open", "bytes", "reference", "object", "deep", "list", "no-steps", "later", "large"],
)
def test_file__that_is_no_recipe__is_told(content: bytes, said: str) -> None:
    with pytest.raises(Problem, match=said):
        saving.read_file(content)


def test_prepare__step_that_is_off__does_not_run_and_keeps_its_number_in_errors(version: DatasetVersion) -> None:
    steps = [{"step": "length", "min_characters": 999, "off": True}, {"step": "html"}]
    job = services.prepare_version(actor=None, version=version, steps=steps, split=None)
    assert [step["step"] for step in job.settings["steps"]] == ["html"]
    wrong = [{"step": "html", "off": True}, {"step": "length", "max_tokens": 5}]
    with pytest.raises(Problem, match="choose the base model") as caught:
        preparing.attempt(version, preparing.read(wrong, None))
    assert caught.value.field == "steps.1.model"


def test_prepare__saved_recipe__is_told_with_the_version(version: DatasetVersion, cast: Cast) -> None:
    saved = save(cast)
    services.prepare_version(actor=None, version=version, steps=saved.steps, split=None, saved=saved)
    assert Job.objects.get(kind="datasets.prepare").settings["saved"] == {
        "id": str(saved.pk), "name": "usual", "number": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("model", "said"), [("nobody", "no base model"), ("", "choose the base model")], ids=["unknown", "none"]
)
def test_prepare__tokens_without_a_base_model__is_told(model: str, said: str, version: DatasetVersion) -> None:
    with pytest.raises(Problem, match=said) as caught:
        preparing.attempt(version, preparing.read([{"step": "length", "max_tokens": 5, "model": model}], None))
    assert caught.value.field == "steps.0.model"


def test_rehearsal__real_process__answers_and_is_limited(
    version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.datasets.rehearsing.run", run)
    told = preparing.attempt(version, preparing.read(["html", "spelling"], None)).as_dict()
    assert (told["rows"], told["kept"], told["changed"]) == (8, 8, {"html": 8})
    monkeypatch.setattr("apps.datasets.rehearsing.TIMEOUT", 0.01)
    with pytest.raises(Problem, match="limits of time"):
        rehearse({})
