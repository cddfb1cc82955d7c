"""The question of a project on its pages and by its API: templates, builder and XML, changed while it is a draft; pictures of tasks."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from apps.accounts.models import User
from apps.core.storage import storage
from apps.datasets.freezing import media_key
from apps.datasets.models import DatasetVersion
from apps.labeling import services
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.schema import builder, gallery
from apps.labeling.schema.label_config import parse_config
from tests.cast import Cast
from tests.labeling.conftest import CONFIG
from tests.labeling.test_builder import form_of
from tests.make import make_version

pytestmark = pytest.mark.django_db
Browsers = Callable[[User], Client]
PICTURE = "ab" * 32 + ".png"
OTHER = (
    '<View><Text name="t" value="$prompt"/><Choices name="quality" toName="t"><Choice value="good"/></Choices></View>'
)


@pytest.fixture
def draft(cast: Cast, version: DatasetVersion) -> LabelProject:
    return services.create_project(
        actor=cast.curator, workspace=cast.workspace, name="Draft", label_config=CONFIG, dataset_version=version,
        keep={"quality": ["good", "bad"]},
    )  # fmt: skip


def built(xml: str, **more: str) -> dict[str, Any]:
    form = form_of(builder.held(xml))
    return {**{name: form.getlist(name) for name in form}, "view": "builder", "builder": "1", **more}


def test_new__gallery__is_grouped_in_three_levels(cast: Cast, browser_of: Browsers) -> None:
    text = browser_of(cast.curator).get("/label/new/").content.decode()
    assert text.count("data-level") == 3 and text.count('name="template"') == len(gallery.GALLERY)


def test_new__from_the_builders_fields__is_the_config_they_say(cast: Cast, browser_of: Browsers) -> None:
    form = built(gallery.RUBRIC, name="Rubric", label_config="<View>old</View>")
    answer = browser_of(cast.curator).post("/label/new/", form)
    made = LabelProject.objects.get()
    assert answer.status_code == 302 and made.config.parts == parse_config(gallery.RUBRIC).parts


def test_preview__step_of_the_builder__answers_with_items_and_xml(cast: Cast, browser_of: Browsers) -> None:
    browser = browser_of(cast.curator)
    text = browser.post("/label/preview/", built(OTHER, do="add:Rating")).content.decode()
    assert "&lt;Rating name=&quot;rating&quot; toName=&quot;t&quot;" in text and 'name="q2.tag" value="Rating"' in text
    text = browser.post("/label/preview/", built(OTHER, do="template:boxes")).content.decode()
    assert 'name="q0.tag" value="Image"' in text


def test_preview__builder_with_an_error__names_the_item(cast: Cast, browser_of: Browsers) -> None:
    form = built(OTHER)
    form["q1.a.toName"] = ["nothing"]
    text = browser_of(cast.curator).post("/label/preview/", form).content.decode()
    assert 'data-line="3" data-item="1"' in text and "names nothing that is shown" in text


def test_preview__xml_that_the_builder_cannot_hold__says_so(cast: Cast, browser_of: Browsers) -> None:
    nested = OTHER.replace("<Text", "\n<View><Text").replace('$prompt"/>', '$prompt"/></View>')
    text = browser_of(cast.curator).post("/label/preview/", {"view": "xml", "label_config": nested}).content.decode()
    assert (
        "The builder cannot hold this config" in text
        and "Line 2, &lt;View&gt;" in text
        and "What people will see" in text
    )


def test_preview__row__is_the_one_asked_for_within_the_version(
    cast: Cast, browser_of: Browsers, version: DatasetVersion
) -> None:
    browser = browser_of(cast.curator)
    for row, said in (("3", "Question 2?"), ("999", "Question 5?"), ("x", "Question 0?"), ("-1", "Question 0?")):
        form = {"label_config": OTHER, "dataset_version": str(version.pk), "row": row}
        assert said in browser.post("/label/preview/", form).content.decode()


@pytest.mark.parametrize("template", gallery.GALLERY, ids=lambda one: one.slug)
def test_preview__each_template__is_pictured(cast: Cast, browser_of: Browsers, template: gallery.Template) -> None:
    text = browser_of(cast.curator).post("/label/preview/", {"do": f"template:{template.slug}"}).content.decode()
    assert "config cannot be used" not in text and "cannot hold" not in text and "What the answers become" in text


def test_config__of_a_draft__is_changed_by_page_and_program(
    cast: Cast, browser_of: Browsers, client_of: Callable[[str], Client], draft: LabelProject
) -> None:
    browser, address = browser_of(cast.curator), reverse("labeling:config", args=[draft.pk])
    assert b"Save the question" in browser.get(address).content
    assert browser.post(address, {"view": "xml", "label_config": OTHER}).status_code == 302
    draft.refresh_from_db()
    assert [control.name for control in draft.config.controls] == ["quality"] and draft.keep == {"quality": ["good"]}
    answer = browser.post(address, {"view": "xml", "label_config": OTHER.replace("$prompt", "$nowhere")})
    assert answer.status_code == 400 and b"$nowhere, which this task does not have" in answer.content
    url = f"/api/v1/label-projects/{draft.pk}/config/"
    client = client_of("curator")
    done = client.patch(url, json.dumps({"label_config": CONFIG}), content_type="application/json")
    assert done.status_code == 200 and "stars" in done.json()["label_config"]
    wrong = client.patch(url, json.dumps({"label_config": "<View>\n<script/></View>"}), content_type="application/json")
    assert wrong.status_code == 400 and "Line 2, <script>" in wrong.json()["error"]["message"]
    assert client.get(url).json()["fields"] == ["prompt", "answer"]


def test_config__once_open__is_frozen(
    cast: Cast, browser_of: Browsers, client_of: Callable[[str], Client], draft: LabelProject
) -> None:
    services.move_project(actor=cast.curator, project=draft, to=ProjectStatus.OPEN)
    address = reverse("labeling:config", args=[draft.pk])
    page = browser_of(cast.curator).get(address)
    assert page.status_code == 200 and b"Save the question" not in page.content
    assert browser_of(cast.curator).post(address, {"view": "xml", "label_config": OTHER}).status_code == 409
    body = json.dumps({"label_config": OTHER})
    answer = client_of("curator").patch(
        f"/api/v1/label-projects/{draft.pk}/config/", body, content_type="application/json"
    )
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "config_frozen"


@pytest.mark.parametrize(("role", "code"), [("stranger", 404), ("viewer", 403), ("annotator", 404)])
def test_config__by_others__is_refused(
    cast: Cast, browser_of: Browsers, draft: LabelProject, role: str, code: int
) -> None:
    answer = browser_of(cast.by_role(role)).post(reverse("labeling:config", args=[draft.pk]), {"label_config": OTHER})
    assert answer.status_code == code


EVIL = "&lt;img src=x onerror=alert(1)&gt;"


def test_preview__markup_in_every_attribute_that_holds_text__is_text(cast: Cast, browser_of: Browsers) -> None:
    config = (
        f'<View><Header value="{EVIL}"/><Text name="t" value="$prompt"/><List name="l" value="$answers" title="{EVIL}"/>'
        f'<Choices name="c" toName="t" requiredMessage="{EVIL}"><Choice value="{EVIL}" alias="{EVIL}2" hint="{EVIL}"/></Choices>'
        f'<Labels name="w" toName="t"><Label value="{EVIL}" hint="{EVIL}"/></Labels><Relations><Relation value="{EVIL}"/></Relations>'
        f'<TextArea name="a" toName="t" placeholder="{EVIL}"/><Number name="n" toName="t" hint="{EVIL}"/></View>'
    )
    browser = browser_of(cast.curator)
    for view in ("xml", "builder"):
        text = browser.post("/label/preview/", {"view": view, "label_config": config}).content.decode()
        assert "<img" not in text and "What the answers become" in text
    wrong = browser.post("/label/preview/", {"view": "xml", "label_config": config.replace("Header", "Headre")})
    assert b"<img" not in wrong.content and b"Headre" in wrong.content


@pytest.fixture
def picture(draft: LabelProject) -> str:
    """The address of a picture of the draft's dataset."""
    assert draft.dataset_version
    with storage().open(media_key(draft.dataset_version.dataset_id, PICTURE), "wb") as file:
        file.write(b"\x89PNG")
    return reverse("labeling:picture", args=[draft.pk, PICTURE])


def test_picture__for_who_labels__only_while_there_is_something_to_label(
    cast: Cast, browser_of: Browsers, draft: LabelProject, picture: str
) -> None:
    annotator = browser_of(cast.annotator)
    assert annotator.get(picture).status_code == 404  # a draft does not exist for who labels
    services.move_project(actor=cast.curator, project=draft, to=ProjectStatus.OPEN)
    shown = annotator.get(picture)
    assert shown.status_code == 200 and shown.content == b"\x89PNG" and shown["Content-Type"] == "image/png"
    assert shown["X-Content-Type-Options"] == "nosniff" and "sandbox" in shown["Content-Security-Policy"]
    services.move_project(actor=cast.curator, project=draft, to=ProjectStatus.CLOSED)
    assert annotator.get(picture).status_code == 404
    assert browser_of(cast.viewer).get(picture).status_code == 200
    assert browser_of(cast.stranger).get(picture).status_code == 404
    assert Client().get(picture).status_code == 302


@pytest.mark.parametrize(
    "name", ["..%2f..%2fdb.sqlite3", "a.png", PICTURE.replace("png", "html"), "%00", PICTURE.upper()]
)
def test_picture__of_any_other_name__is_not_found(
    cast: Cast, browser_of: Browsers, draft: LabelProject, picture: str, name: str
) -> None:
    address = picture.replace(PICTURE, name)
    assert browser_of(cast.owner).get(address).status_code == 404


def as_zip() -> bytes:
    """Two small pictures in folders that are their classes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for number, kind in enumerate(("cat", "dog")):
            picture = io.BytesIO()
            Image.new("RGB", (40 + number, 30), (number * 90, 20, 20)).save(picture, "PNG")
            file.writestr(f"{kind}/{number}.png", picture.getvalue())
    return packed.getvalue()


def as_lines(*rows: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


FILES: dict[str, tuple[str, bytes]] = {
    "preference": ("a.jsonl", as_lines({"prompt": "Boots?", "chosen": "Size 43.", "rejected": "No."})),
    "kto": ("a.jsonl", as_lines({"prompt": "Boots?", "completion": "Size 43.", "label": True})),
    "text": ("a.jsonl", as_lines({"text": "One text."}, {"text": "Another text."})),
    "classification": ("a.jsonl", as_lines({"text": "One text.", "label": "news"}, {"text": "Two.", "label": "sport"})),
    "image": ("a.zip", as_zip()),
}
ASKED = {"preference": gallery.PAIRWISE, "kto": gallery.QUALITY, "image": gallery.BOXES}


@pytest.mark.parametrize("form", FILES)
def test_project__from_rows_of_each_form__has_what_its_question_shows(
    cast: Cast, browser_of: Browsers, form: str
) -> None:
    name, content = FILES[form]
    version = make_version(cast.workspace, content, name=form, file=name)
    assert version.form == form
    config = ASKED.get(form) or gallery.fitted(gallery.find("intent"), ["text"])
    project = services.create_project(
        actor=cast.curator, workspace=cast.workspace, name=form, label_config=config, dataset_version=version
    )
    task = project.tasks.order_by("number").first()
    assert task and set(project.config.fields) <= set(task.data)
    if form == "image":
        picture = reverse("labeling:picture", args=[project.pk, task.data["image"]])
        assert browser_of(cast.viewer).get(picture).content.startswith(b"\x89PNG")
        shown = browser_of(cast.curator).get(reverse("labeling:config", args=[project.pk])).content.decode()
        assert f'src="/datasets/{version.dataset_id}/media/{task.data["image"]}"' in shown
