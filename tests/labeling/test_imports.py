"""Labels brought in: every format that goes out comes in again, the same file twice adds nothing, what is wrong is told at its place."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.core.storage import storage
from apps.datasets.freezing import media_key
from apps.datasets.models import DatasetVersion
from apps.labeling import exchange, queue, services
from apps.labeling.exchange import receiving
from apps.labeling.models import Annotation, Gold, LabelImport, LabelProject, ProjectStatus
from apps.labeling.queueing.settings import delete_draft
from apps.labeling.schema.results import answers_of
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, region, says
from tests.labeling.test_queue import is_sound

pytestmark = pytest.mark.django_db

RELATED = CONFIG.replace("<Rating", '<Relations><Relation value="of"/></Relations><Rating')
SPANS = """<View><Text name="prompt" value="$prompt"/>
  <Labels name="marks" toName="prompt"><Label value="Word"/><Label value="Sign"/></Labels></View>"""
BOXES = """<View><Image name="image" value="$image"/>
  <RectangleLabels name="boxes" toName="image"><Label value="cat"/><Label value="small dog"/></RectangleLabels></View>"""


def written(project: LabelProject, format: str) -> bytes:
    return b"".join(exchange.FORMATS[format].make(project))


def bring(cast: Cast, project: LabelProject, content: bytes, name: str, **more: Any) -> LabelImport:
    row = receiving.receive(actor=cast.curator, project=project, file=SimpleUploadedFile(name, content), **more)
    return receiving.start(actor=cast.curator, row=row)


def said(project: LabelProject) -> dict[tuple[int, str], Any]:
    """{(task, person): answers}."""
    rows = Annotation.objects.filter(project=project).select_related("task", "assignment__annotator")
    return {(row.task.number, row.assignment.person): answers_of(row.result) for row in rows}


def made(cast: Cast, name: str, config: str, version: DatasetVersion | None, **more: Any) -> LabelProject:
    project = services.create_project(
        actor=cast.curator, workspace=cast.workspace, name=name, label_config=config, dataset_version=version, **more
    )
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.OPEN)
    return project


@pytest.fixture
def labelled(cast: Cast, version: DatasetVersion, people: list[User]) -> LabelProject:
    """Six tasks; the first two are answered by two people, the third by one; spans are related."""
    project = made(cast, "Related", RELATED, version, overlap=2)
    for person, until in ((people[0], 3), (people[1], 2)):
        for number in range(1, until + 1):
            held = queue.take_next(actor=person, project=project)
            assert held
            text = held.task.data["prompt"]
            spans = [
                {"id": f"s{n}", **region("marks", start=n, end=n + 3, text=text[n : n + 3], labels=[label])}
                for n, label in ((0, "Word"), (5, "Sign"))
            ]
            tie = {"type": "relation", "from_id": "s0", "to_id": "s5", "direction": "right", "labels": ["of"]}
            more = [region("stars", rating=number), region("answer", text=[f"=Better {number}\n'yes'"])]
            result = [*says("good" if number < 3 else "bad", *more), *spans, tie]
            queue.submit(actor=person, assignment=held, result=result, lead_time=2.5)
    return project


@pytest.mark.parametrize("format", ["json", "jsonl", "json_min", "csv", "tsv", "parquet"])
def test_round_trip__into_a_fresh_project__gives_the_same_answers(
    cast: Cast, labelled: LabelProject, version: DatasetVersion, format: str
) -> None:
    content, fresh = written(labelled, format), made(cast, "Fresh", RELATED, version, overlap=2)
    row = bring(cast, fresh, content, f"labels.{exchange.FORMATS[format].ending}")
    assert row.state == "finished" and row.report["added"] == 5 and not row.report["refused"], row.report
    assert said(fresh) == said(labelled) and len(said(fresh)) == 5 and is_sound(fresh)
    assert {a.lead_time for a in fresh.annotations.all()} == {a.lead_time for a in labelled.annotations.all()}
    if format != "json_min":
        dates = [sorted(p.annotations.values_list("created_at", flat=True)) for p in (fresh, labelled)]
        assert dates[0] == dates[1]
    again = bring(cast, fresh, content, "again.bin").report
    assert (again["added"], again["repeated"], again["tasks"]) == (0, 5, 0)


def test_round_trip__conll__gives_the_same_spans(cast: Cast, labelled: LabelProject, version: DatasetVersion) -> None:
    fresh = made(cast, "Fresh", SPANS, version)
    row = bring(cast, fresh, written(labelled, "conll2003"), "labels.conll", person="anton@example.com")
    assert row.format == "conll2003" and row.report["added"] == 3, row.report
    for (number, person), answers in said(fresh).items():
        assert person == "Anton" and answers["marks"] == said(labelled)[number, person]["marks"]
    assert bring(cast, fresh, written(fresh, "conll2003"), "x.txt", person="anton@example.com").report["repeated"] == 3


@pytest.fixture
def pictures(cast: Cast) -> tuple[LabelProject, LabelProject]:
    """Two projects of the same three images; the first image of the first has two boxes, the second none."""
    items = [
        {"key": f"p{n}", "data": {"image": f"{n:064x}.png", "width": 640, "height": 480, "path": f"shop/cat-{n}.png"}}
        for n in range(3)
    ]
    both = made(cast, "Boxes", BOXES, None), made(cast, "Boxes again", BOXES, None)
    for project in both:
        services.add_tasks(actor=cast.curator, project=project, items=items)
        project.refresh_from_db()
    for number in (1, 2):
        held = queue.take_next(actor=cast.annotator, project=both[0])
        assert held and held.task.number == number
        queue.submit(actor=cast.annotator, assignment=held, result=RECTANGLES if number == 1 else [])
    return both


def rectangle(label: str, *places: float) -> dict[str, Any]:
    value = dict(zip(("x", "y", "width", "height"), places, strict=True)) | {"rectanglelabels": [label]}
    return {"from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": value}


RECTANGLES = [rectangle("cat", 10, 20, 30.123, 40), rectangle("small dog", 0, 0, 100, 100)]


@pytest.mark.parametrize(("format", "nearly"), [("coco", 1e-3), ("yolo", 1e-3), ("voc", 0.3)])
def test_round_trip__boxes__are_in_the_same_places(
    cast: Cast, pictures: tuple[LabelProject, LabelProject], format: str, nearly: float
) -> None:
    one, other = pictures
    content = written(one, format)
    row = bring(cast, other, content, "labels.zip", person="Mara")
    assert row.format == format and (row.report["added"], row.report["blank"]) == (2, 1), row.report
    found = said(other)
    assert found[2, "Mara"] == {}
    for told, was in zip(found[1, "Mara"]["boxes"], said(one)[1, "Anton"]["boxes"], strict=True):
        assert told["labels"] == was["labels"] and (told["original_width"], told["original_height"]) == (640, 480)
        assert [told[s] for s in ("x", "y", "width", "height")] == pytest.approx(
            [was[s] for s in ("x", "y", "width", "height")], abs=nearly
        )
    assert bring(cast, other, content, "labels.zip", person="Mara").report["repeated"] == 2 and is_sound(other)


def test_coco__of_others__finds_images_by_the_names_they_came_with(
    cast: Cast, pictures: tuple[LabelProject, LabelProject]
) -> None:
    told = {
        "images": [
            {"id": 7, "file_name": "images/cat-2.png", "width": 640, "height": 480},
            {"id": 8, "file_name": "x.png"},
        ],
        "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "cow"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 0, "bbox": [64, 48, 64, 48]}],
    }
    report = bring(cast, pictures[1], json.dumps(told).encode(), "result.json").report
    assert (report["added"], report["refused"]) == (1, 1) and report["told"][0]["place"] == "image 2"
    assert said(pictures[1])[3, "unknown"]["boxes"][0]["x"] == 10
    told["annotations"][0] |= {"category_id": 1}
    assert "cow" in bring(cast, pictures[0], json.dumps(told).encode(), "result.json").report["told"][0]["why"]


def test_import__changed_answer_of_the_same_person__is_told_and_not_doubled(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    content = b"task,quality,annotator\n1,good,anton@example.com\n2,good,Mara\n"
    assert bring(cast, project, content, "a.csv").report["added"] == 2
    report = bring(cast, project, content.replace(b"good", b"bad"), "b.csv").report
    assert (report["added"], report["changed"]) == (0, 2) and "anton@example.com" in report["told"][0]["why"]
    assert {one["quality"][0] for one in said(project).values()} == {"good"} and is_sound(project)


def test_import__without_key_or_number__finds_tasks_by_what_they_show(cast: Cast, project: LabelProject) -> None:
    prompt = project.tasks.get(number=4).data["prompt"]
    lines = [
        {"prompt": prompt, "answer": "No.", "quality": "bad"},
        {"prompt": "Nowhere", "quality": "bad", "annotator": 1},
    ]
    report = bring(cast, project, "\n".join(map(json.dumps, lines)).encode(), "a.jsonl").report
    assert (report["added"], report["refused"]) == (1, 1) and report["told"][0]["place"] == "line 2"
    assert said(project) == {(4, "unknown"): {"quality": ["bad"], "answer": "No."}}


def test_import__two_tasks_that_show_the_same__is_ambiguous(cast: Cast, project: LabelProject) -> None:
    for number in (1, 2):
        task = project.tasks.get(number=number)
        project.tasks.filter(pk=task.pk).update(data={**task.data, "prompt": "Same"})
    report = bring(cast, project, b"prompt,quality\nSame,good\n", "a.csv").report
    assert report["refused"] == 1 and "More than one task" in report["told"][0]["why"]


def test_import__number_of_another_task__is_not_trusted(cast: Cast, project: LabelProject) -> None:
    prompt = project.tasks.get(number=4).data["prompt"]
    bring(cast, project, f"task,prompt,quality\n1,{prompt},good\n2,,bad\n".encode(), "a.csv")
    assert sorted(said(project)) == [(2, "unknown"), (4, "unknown")]


def test_import__whole_tasks__that_are_new_are_added__with_gold(cast: Cast, project: LabelProject) -> None:
    tasks = [
        {"data": {"prompt": "New?", "answer": ""}, "annotations": [{"result": says("good"), "completed_by": 3}]},
        {"data": {"answer": "lacks"}},
        {"prompt": "Bare?", "answer": "Yes."},
        {"data": {"prompt": "Gold?", "answer": ""}, "gold": says("bad"), "gold_explanation": "It is not."},
    ]
    content = json.dumps(tasks).encode()
    report = bring(cast, project, content, "tasks.json").report
    assert (report["tasks"], report["added"], report["refused"]) == (3, 1, 1) and project.tasks.count() == 9
    assert "prompt" in report["told"][0]["why"] and Gold.objects.filter(project=project).count() == 1
    assert bring(cast, project, content, "tasks.json").report["tasks"] == 0 and project.tasks.count() == 9


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return held.getvalue()


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "no format": (b"hello", "format of the file is not known"),
    "broken json": (b'[{"data": {"prompt": ', "too early"),
    "deep json": (b'[{"data": ' + b'{"a": ' * 100_000, "nested too deeply"),
    "no rows": (b"task,quality\n", "holds no answers"),
    "unclosed quote": (b'task,quality\n1,"good\n', "never closed"),
    "two columns": (b"task,task\n1,2\n", "is there 2 times"),
    "parquet": (b"PAR1 nothing", "end mark is missing"),
    "zip of others": (zipped(**{"a.md": b"x"}), "no boxes"),
    "zip bomb": (zipped(**{"classes.txt": b"cat", "a.txt": b"0" * 2**24}), ""),
    "path": (zipped(**{"..__a.txt": b"0 1 1 1 1", "classes.txt": b"cat"}), "leads outside"),
    "no classes": (zipped(**{"labels__a.txt": b"0 .5 .5 .1 .1"}), "does not name the classes"),
    "no coco": (b'{"images": [{"id": 1}], "annotations": [], "categories": []}', "no COCO"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD.keys())
def test_import__of_a_bad_file__is_a_problem_and_keeps_nothing(
    cast: Cast, project: LabelProject, content: bytes, words: str
) -> None:
    if not words:  # one bad member of an archive costs its image only
        assert "larger than 1 MiB" in bring(cast, project, content, "a.zip").report["told"][0]["why"]
        return
    with pytest.raises(Problem) as found:
        bring(cast, project, content, "a.bin")
    assert words in found.value.message and not LabelImport.objects.exists()


def test_import__of_xml_with_entities__is_refused_at_its_file(
    cast: Cast, pictures: tuple[LabelProject, LabelProject]
) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "yyyyyyyyyy">]><annotation><filename>&x;</filename></annotation>'
    report = bring(cast, pictures[1], zipped(**{"Annotations__a.xml": bomb}), "a.zip").report
    assert report["refused"] == 1 and report["told"][0]["place"] == "Annotations/a.xml"


def test_import__bad_rows__are_told_with_their_lines_and_the_rest_is_taken(cast: Cast, project: LabelProject) -> None:
    rows = ["task,quality,stars", "1,good,3", "2,great,", "99,good,", "3,good,7", "4", "5,,", "6,bad,"]
    report = bring(cast, project, "\n".join(rows).encode(), "a.csv").report
    assert (report["records"], report["added"], report["refused"]) == (7, 2, 5)
    assert [one["place"] for one in report["told"]] == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert is_sound(project)


def test_import__done__lets_the_file_go(
    cast: Cast, project: LabelProject, django_capture_on_commit_callbacks: Any
) -> None:
    file = SimpleUploadedFile("a.csv", b"task,quality\n1,good\n")
    row = receiving.receive(actor=cast.curator, project=project, file=file)
    key = row.key
    assert storage().exists(key)
    with django_capture_on_commit_callbacks(execute=True):
        receiving.start(actor=cast.curator, row=row)
    assert not storage().exists(key) and LabelImport.objects.get().key == ""


def test_look__changes_nothing_and_foresees_what_start_does(cast: Cast, project: LabelProject) -> None:
    rows = [f"{n},good,{who}" for n in (1, 2) for who in ("a", "b", "c")]
    file = SimpleUploadedFile("a.csv", "\n".join(["task,quality,annotator", *rows]).encode())
    row = receiving.receive(actor=cast.curator, project=project, file=file)
    assert row.state == "looked_at" and not Annotation.objects.exists() and is_sound(project)
    foreseen = row.preview["report"]
    assert (foreseen["added"], foreseen["surplus"], foreseen["people"]) == (4, 2, {"a": 2, "b": 2})
    assert receiving.start(actor=cast.curator, row=row).report == foreseen
    with pytest.raises(Conflict):
        receiving.start(actor=cast.curator, row=row)
    with pytest.raises(Conflict):
        receiving.drop(row=LabelImport.objects.get(pk=row.pk))


def test_import__into_a_closed_project__is_a_conflict(cast: Cast, project: LabelProject) -> None:
    services.move_project(actor=cast.curator, project=project, to=ProjectStatus.CLOSED)
    with pytest.raises(Conflict):
        bring(cast, project, b"task,quality\n1,good\n", "a.csv")


def test_import__of_a_draft_that_is_deleted__lets_its_file_go(
    cast: Cast, version: DatasetVersion, django_capture_on_commit_callbacks: Any
) -> None:
    draft = services.create_project(actor=cast.curator, workspace=cast.workspace, name="Away", label_config=CONFIG)
    content = json.dumps([{"data": {"prompt": "Hello?", "answer": "Yes."}}]).encode()
    row = receiving.receive(actor=cast.curator, project=draft, file=SimpleUploadedFile("tasks.json", content))
    assert storage().exists(row.key)
    with django_capture_on_commit_callbacks(execute=True):
        delete_draft(actor=cast.curator, project=draft, typed="Away")
    assert not storage().exists(row.key)


def test_boxes__of_pictures_whose_size_nobody_knows__are_left_out_and_told(
    image_project: LabelProject,
) -> None:
    project = image_project
    told = json.loads(written(project, "coco"))
    assert [(i["width"], i["height"]) for i in told["images"]] == [(20, 10)]
    assert [a["bbox"] for a in told["annotations"]] == [[2.0, 2.0, 6.0, 4.0]]
    assert [one["file_name"][:6] for one in told["left_out"]] == ["000002"]
    with zipfile.ZipFile(io.BytesIO(written(project, "voc"))) as archive:
        names = archive.namelist()
        assert len(names) == 2 and names[-1] == "left-out.txt" and "not known" in archive.read("left-out.txt").decode()


@pytest.fixture
def image_project(cast: Cast, version: DatasetVersion) -> LabelProject:
    """Two pictures of which no task says the size, each with a box; of the first there is the file."""
    project = made(cast, "Pictures", BOXES, None)
    names = [f"{n:064x}.png" for n in range(2)]
    items = [{"key": name, "data": {"image": name}} for name in names]
    services.add_tasks(actor=cast.curator, project=project, items=items)
    project.refresh_from_db()
    for _name in names:
        held = queue.take_next(actor=cast.annotator, project=project)
        assert held
        queue.submit(actor=cast.annotator, assignment=held, result=[rectangle("cat", 10, 20, 30, 40)])
    LabelProject.objects.filter(pk=project.pk).update(dataset_version=version)
    with storage().open(media_key(version.dataset_id, names[0]), "wb") as file:
        Image.new("RGB", (20, 10)).save(file, "PNG")
    project.refresh_from_db()
    return project
