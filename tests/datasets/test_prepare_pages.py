"""The Prepare page, the list of versions and the way back: what people see, and what is refused where."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet
from django.test import Client

from apps.accounts.models import User
from apps.datasets import services
from apps.datasets.differences import LEAD, SHOWN, Piece, differences
from apps.datasets.models import DatasetVersion, SavedRecipe
from apps.jobs.models import Job, Status
from tests.cast import Cast
from tests.make import as_jsonl, make_version

Browser = Callable[[User], Client]
ROWS = [
    {"prompt": f"<b>Q{n % 18}</b> schÃ¶n", "completion": f"A{n % 18}  <i>x</i>", "customer": n % 6} for n in range(20)
]
SHARES = {"share-train": "70", "share-validation": "15", "share-test": "15", "seed": "42"}


@pytest.fixture
def version(cast: Cast) -> DatasetVersion:
    return make_version(cast.workspace, as_jsonl(ROWS))


@pytest.fixture
def page(cast: Cast, browser_of: Browser) -> Client:
    return browser_of(cast.curator)


def prepare_url(version: DatasetVersion) -> str:
    return f"/datasets/{version.dataset_id}/v{version.number}/prepare/"


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_prepare__opened__shows_what_the_usual_recipe_would_do(page: Client, version: DatasetVersion) -> None:
    text = text_of(page.get(prepare_url(version)))
    assert "Make v2" in text and "20 changed" in text and "the first changes in 20 rows" in text
    assert "<del>&lt;b&gt;</del>" in text and "<ins>schön</ins>" in text
    assert "Goes: Drop exact duplicates" in text and '<option value="customer">customer</option>' in text
    assert "<dt>Train</dt><dd>13</dd>" in text and "disabled" not in text.split("Make v2")[0].rsplit("<button", 1)[1]


def test_prepare__steps_switched_off__tells_the_rest_only(page: Client, version: DatasetVersion) -> None:
    text = text_of(page.get(prepare_url(version), {"sent": "1", "step-whitespace": "1", **SHARES}))
    assert text.count("20 changed") == 1 and "<dt>Train</dt>" not in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, ""),
        ({"has-split": "1", **SHARES, "share-test": "10"}, "sum to 0.95"),
        ({"has-split": "1", **SHARES, "share-test": "many"}, "The fraction of test"),
        (
            {"has-split": "1", **SHARES, "share-train": "99", "share-test": "1", "share-validation": ""},
            "test split would be empty",
        ),
        ({"has-split": "1", **SHARES, "seed": "-1"}, "The seed is a whole number"),
        ({"has-split": "1", **SHARES, "group_by": "nobody"}, "no column|No row has a column"),
        ({"step-length": "1"}, "needs a least or a greatest"),
        ({"step-length": "1", "min": "9", "max": "3"}, "9, is above the greatest"),
        ({"step-length": "1", "min": "x"}, "“Least characters” must be a whole number"),
        ({"step-length": "1", "min": "999"}, "leaves no row"),
    ],
    ids=[
        "nothing",
        "sum",
        "share",
        "empty-split",
        "seed",
        "column",
        "no-limit",
        "min-above-max",
        "no-number",
        "no-row",
    ],
)
def test_prepare__bad_settings__are_told_before_and_refused_after_the_click(
    wrong: dict[str, str], said: str, page: Client, version: DatasetVersion
) -> None:
    shown: Any = page.get(prepare_url(version), {"sent": "1", **wrong})
    sent: Any = page.post(prepare_url(version), {"sent": "1", **wrong})
    assert shown.status_code == 200 and sent.status_code == 400
    for text in (text_of(shown), text_of(sent)):
        assert any(part in text for part in said.split("|"))
        assert "disabled" in text.split("Make v2")[0].rsplit("<button", 1)[1]
    assert not Job.objects.filter(kind="datasets.prepare").exists()


def test_prepare__sent__starts_the_job_and_shows_it_among_the_versions(page: Client, version: DatasetVersion) -> None:
    form = {
        "sent": "1",
        "step-html": "1",
        "step-length": "1",
        "length-of": "conversation",
        "max": "900",
        "has-split": "1",
        **SHARES,
    }
    sent: Any = page.post(prepare_url(version), {**form, "group_by": "customer"})
    assert sent.status_code == 302 and sent.url == f"/datasets/{version.dataset_id}/versions/"
    job = Job.objects.get(kind="datasets.prepare")
    length = job.settings["steps"][1]
    assert (length["step"], length["of"], length["min_characters"], length["max_characters"]) == (
        "length", "conversation", None, 900,
    )  # fmt: skip
    assert job.settings["split"]["fractions"]["train"] == 0.7 and job.settings["split"]["group_by"] == "customer"
    assert "Preparing now" in text_of(page.get(sent.url))
    partial = text_of(page.get(sent.url, headers={"HX-Request": "true"}))
    assert "Preparing now" in partial and "<html" not in partial
    assert text_of(page.post(prepare_url(version), form)).count("prepared already") == 1
    page.post(f"/datasets/{version.dataset_id}/prepare/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.status == Status.CANCELLED and "Preparing now" not in text_of(page.get(sent.url))


def test_versions__job_that_failed__says_why_until_a_version_is_made(page: Client, version: DatasetVersion) -> None:
    services.prepare_version(actor=None, version=version, steps=["html"], split=None)
    Job.objects.filter(kind="datasets.prepare").update(status=Status.FAILED, failure_message="Too few groups.")
    url = f"/datasets/{version.dataset_id}/versions/"
    assert "Too few groups." in text_of(page.get(url))
    services.freeze_rows(actor=None, dataset=version.dataset, rows=ONE, step="label")
    assert "Too few groups." not in text_of(page.get(url))


def form_of(*steps: str, **values: Any) -> dict[str, Any]:
    """The page's form: steps that are on, by name, numbered as they come."""
    on = {f"{uid}.on": "1" for uid, _name in enumerate(steps)}
    typed = {name.replace("_", ".", 1).removeprefix("s"): value for name, value in values.items()}
    return {"recipe-form": "1", "step": [f"{uid}:{name}" for uid, name in enumerate(steps)], **SHARES, **on, **typed}


def steps_of(text: str) -> list[str]:
    return re.findall(r'name="step" value="(\d+:\w+)"', text)


@pytest.mark.parametrize(
    ("act", "wanted"),
    [
        ("add:case", ["0:html", "1:length", "2:case"]),
        ("remove:0", ["1:length"]),
        ("copy:0", ["0:html", "2:html", "1:length"]),
        ("up:1", ["1:length", "0:html"]),
        ("down:0", ["1:length", "0:html"]),
        ("up:0", ["0:html", "1:length"]),
        ("remove:9", ["0:html", "1:length"]),
        ("add:magic", ["0:html", "1:length"]),
        ("dance", ["0:html", "1:length"]),
    ],
    ids=str,
)
def test_recipe__button__changes_the_list_alone(
    act: str, wanted: list[str], page: Client, version: DatasetVersion
) -> None:
    form = form_of("html", "length", s1_max_characters="77")
    answer = page.post(
        f"{prepare_url(version)}recipe/", {**form, "act": act}, headers={"HX-Request": "true", "HX-Target": "recipe"}
    )
    text = text_of(answer)
    assert steps_of(text) == wanted and "<html" not in text
    assert ('value="77"' in text) == ("1:length" in wanted)
    typed = page.post(
        f"{prepare_url(version)}recipe/", {**form, "act": act}, headers={"HX-Request": "true", "HX-Target": "outcome"}
    )
    assert steps_of(text_of(typed)) == ["0:html", "1:length"] and 'id="outcome"' in text_of(typed)
    whole = text_of(page.post(f"{prepare_url(version)}recipe/", {**form, "act": act}))
    assert steps_of(whole) == wanted and "Before and after" in whole


def test_recipe__options__are_read_as_they_are_declared(page: Client, version: DatasetVersion) -> None:
    form = form_of("words", "characters", "language", "regex")
    form |= {
        "0.words": "bad\r\n\r\n坏",
        "0.action": "flag",
        "0.texts": "answers",
        "1.classes": ["emoji", "symbols"],
        "1.keep": "€",
    }
    form |= {
        "2.keep": "en, zh",
        "2.least_probability": "0.25",
        "2.unsure": "drop",
        "3.pattern": "a+",
        "3.ignore_case": "1",
    }
    del form["3.on"]
    page.post(f"{prepare_url(version)}save/", {**form, "recipe-name": "mine"})
    steps = SavedRecipe.objects.get(name="mine").steps
    assert steps[0] == {"step": "words", "words": ["bad", "坏"], "action": "flag", "texts": "answers"}
    assert (steps[1]["classes"], steps[1]["keep"]) == (["emoji", "symbols"], "€")
    assert (steps[2]["keep"], steps[2]["least_probability"], steps[2]["unsure"]) == (["en", "zh"], 0.25, "drop")
    assert (steps[3]["pattern"], steps[3]["ignore_case"], steps[3]["off"]) == ("a+", True, True)
    again = text_of(page.get(prepare_url(version), {"recipe": str(SavedRecipe.objects.get().pk)}))
    assert steps_of(again) == ["0:words", "1:characters", "2:language", "3:regex"]
    assert "bad\n坏</textarea>" in again and 'value="0.25"' in again and "began as “mine”, edition 1" in again


def test_recipe__step_that_is_wrong__is_named_and_marked(page: Client, version: DatasetVersion) -> None:
    answer: Any = page.post(f"{prepare_url(version)}recipe/", form_of("html", "regex", s1_pattern="(?=a)"))
    text = text_of(answer)
    assert "Step 2, Find and replace:" in text and "look-ahead" in text
    assert 'data-wrong-step="1" data-wrong-field="1.pattern"' in text


@pytest.mark.parametrize(
    "wrong",
    [{"step": ["x:html", "1:", ":", "99999999:html", "1:magic"]}, {"step": ["0:regex"], "0.pattern": "\0"}, {"saved": "\0'x"},
     {"step": ["0:length"], "0.on": "1", "0.min_characters": "1e999"}, {"way": "sideways", "column": "x", "has-split": "1"}],
    ids=["numbers", "zero", "saved", "infinite", "way"],
)  # fmt: skip
def test_recipe__form_of_a_hostile_hand__is_answered(
    wrong: dict[str, Any], page: Client, version: DatasetVersion
) -> None:
    for url in (f"{prepare_url(version)}recipe/", prepare_url(version)):
        answer = page.post(url, {**form_of(), **wrong})
        assert answer.status_code in (200, 302, 400)
    for query in ({"recipe": "x"}, {"recipe": "0" * 36}, {"like": "v99999999999"}, {"like": "²"}):
        assert page.get(prepare_url(version), query).status_code == 200


def test_recipe__of_an_earlier_version__is_begun_with(page: Client, version: DatasetVersion) -> None:
    made = services.freeze_rows(actor=None, dataset=version.dataset, rows=ONE, step="recipe")
    recipe = {"steps": [{"step": "case", "to": "upper", "texts": "all"}], "split": None, "rows": 1, "counts": []}
    QuerySet(DatasetVersion).filter(pk=made.pk).update(recipe=recipe)
    text = text_of(page.get(prepare_url(version), {"like": "2"}))
    assert steps_of(text) == ["0:case"] and 'value="upper" selected' in text
    assert "Run this recipe on v2" in text_of(page.get(made.get_absolute_url()))


def test_recipes__list_page_and_file__go_round(
    page: Client, version: DatasetVersion, cast: Cast, browser_of: Browser
) -> None:
    assert "No recipe was saved yet" in text_of(page.get("/datasets/recipes/"))
    file = SimpleUploadedFile("r.yaml", b"name: usual\nsteps: [html, {step: length, max_characters: 9}]")
    opened: Any = page.post("/datasets/recipes/import/", {"file": file}, follow=True)
    assert "1. Strip HTML" in text_of(opened) and "2. Filter by length" in text_of(opened)
    saved = SavedRecipe.objects.get()
    told: Any = page.get(f"/datasets/recipes/{saved.pk}/export/?format=json")
    assert (
        told["Content-Disposition"] == 'attachment; filename="usual-1.json"' and b'"max_characters": 9' in told.content
    )
    assert page.get(f"/datasets/recipes/{saved.pk}/export/?format=exe").status_code == 400
    used: Any = page.get(f"/datasets/recipes/{saved.pk}/use/", {"dataset": str(version.dataset_id)})
    assert used.url == f"{prepare_url(version)}?recipe={saved.pk}"
    assert "usual" in text_of(page.get("/datasets/recipes/?q=USU")) and "usual" not in text_of(
        page.get("/datasets/recipes/?q=x")
    )
    viewer = browser_of(cast.viewer)
    assert viewer.get(f"/datasets/recipes/{saved.pk}/").status_code == 200
    assert viewer.post(f"/datasets/recipes/{saved.pk}/delete/").status_code == 403
    page.post(f"/datasets/recipes/{saved.pk}/delete/")
    assert not SavedRecipe.objects.exists()
    assert "The file is no recipe" in text_of(
        page.post("/datasets/recipes/import/", {"file": SimpleUploadedFile("r.yaml", b"- 1")}, follow=True)
    )


ONE = [{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "split": "train"}]


def test_versions__list__has_changes_splits_and_the_way_back(page: Client, version: DatasetVersion) -> None:
    made = services.freeze_rows(actor=None, dataset=version.dataset, rows=ONE, step="label", note="Labels of Monday")
    url = f"/datasets/{version.dataset_id}/versions/"
    text = text_of(page.get(url))
    assert "Labels of Monday" in text and "+1" in text and "&minus;20" in text and "after v1" in text
    assert text.count("Roll back") == 1 and f"/v{version.number}/rollback/" in text
    back: Any = page.post(f"/datasets/{version.dataset_id}/v1/rollback/", follow=True)
    assert "v3 has the rows of v1" in text_of(back) and "Back to v1" in text_of(back)
    again: Any = page.post(f"/datasets/{version.dataset_id}/v1/rollback/")
    assert again.status_code == 409 and made.dataset.versions.count() == 3


def test_versions__parent_of_another_dataset__is_named_in_full(page: Client, version: DatasetVersion) -> None:
    other = services.create_dataset(actor=None, workspace=version.workspace, name="other")
    services.freeze_rows(actor=None, dataset=other, rows=ONE, step="label", parent=version)
    text = text_of(page.get(f"/datasets/{other.pk}/versions/"))
    assert "after support v1" in text and "&minus;20" in text
    assert "Against support v1" in text_of(page.get(f"/datasets/{other.pk}/"))
    assert page.post(f"/datasets/{version.dataset_id}/delete/", {"name": "support"}).status_code == 409


def test_rows__of_a_version_with_splits__can_be_narrowed(page: Client, version: DatasetVersion) -> None:
    rows = [
        {
            "messages": [{"role": "user", "content": f"{split} {n}"}, {"role": "assistant", "content": "a"}],
            "split": split,
        }
        for n in range(30)
        for split in ("train", "test")
    ]
    made = services.freeze_rows(actor=None, dataset=version.dataset, rows=rows, step="recipe")
    text = text_of(page.get(f"{made.get_absolute_url()}?split=test"))
    assert "test 0" in text and "train 0" not in text and "split=test&amp;cursor=" in text
    assert 'href="?split=train"' in text
    assert page.get(f"{made.get_absolute_url()}?split=validation").status_code == 400
    assert "?split=" not in text_of(page.get(version.get_absolute_url()))


@pytest.mark.parametrize(("role", "status"), [("stranger", 404), ("annotator", 404), ("viewer", 403)], ids=str)
def test_doors__who_may_not__are_closed(
    role: str, status: int, cast: Cast, browser_of: Browser, version: DatasetVersion
) -> None:
    browser, base = browser_of(cast.by_role(role)), f"/datasets/{version.dataset_id}"
    job = services.prepare_version(actor=None, version=version, steps=["html"], split=None)
    assert browser.get(prepare_url(version)).status_code == status
    for door in ("v1/prepare/", "v1/rollback/", f"prepare/{job.pk}/cancel/"):
        assert browser.post(f"{base}/{door}").status_code == status
    if role == "viewer":
        text = text_of(browser.get(f"{base}/versions/"))
        assert "Roll back" not in text and "/prepare/" not in text


def test_differences__texts__are_told_word_by_word_around_the_first() -> None:
    assert differences("<b>Hi</b> you", "Hi you") == [
        Piece("out", "<b>"),
        Piece("same", "Hi"),
        Piece("out", "</b>"),
        Piece("same", " you"),
    ]
    assert differences("a  b", "a b") == [
        Piece("same", "a"),
        Piece("out", "··"),
        Piece("same", " "),
        Piece("same", "b"),
    ]
    found = differences("x" * 1000 + " old " + "y" * 1000, "x" * 1000 + " new " + "y" * 1000)
    assert found[0].text == found[-1].text == "…" and sum(len(piece.text) for piece in found) < 2 * SHOWN + LEAD
