"""Labels taken away: every format holds what was said, and what Label Studio's own converter would have written."""

import asyncio
import csv
import io
import json
import re
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from django.http import StreamingHttpResponse
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.core.errors import Problem
from apps.labeling import exchange, queue
from apps.labeling.exchange import boxes, conll
from apps.labeling.models import LabelProject
from apps.labeling.reviewing import deciding
from tests.cast import Cast
from tests.labeling.conftest import region, says

TEXT = "Ana 住在北京 since 2019, ok?"


def read(answer: StreamingHttpResponse) -> bytes:
    async def whole() -> bytes:
        return b"".join([piece async for piece in answer])

    return asyncio.run(whole())


@pytest.fixture
def labelled(project: LabelProject, people: list[User]) -> LabelProject:
    """Six tasks; the first two are answered by two people, the third by one."""
    for person, until in ((people[0], 3), (people[1], 2)):
        for number in range(1, until + 1):
            held = queue.take_next(actor=person, project=project)
            assert held and held.task.number == number
            text = held.task.data["prompt"]
            span = region("marks", start=0, end=3, text=text[:3], labels=["Word"])
            result = [*says("good" if number < 3 else "bad", region("stars", rating=number)), span]
            queue.submit(actor=person, assignment=held, result=result)
    return project


@pytest.mark.django_db(transaction=True)
class TestExport:
    def test_jsonl__holds_what_json_holds(self, labelled: LabelProject) -> None:
        whole = json.loads(read(exchange.export(labelled, "json", partial=True)))
        lines = read(exchange.export(labelled, "jsonl", partial=True)).decode().splitlines()
        assert [json.loads(line) for line in lines] == whole and len(whole) == 6
        assert [len(task["annotations"]) for task in whole] == [2, 2, 1, 0, 0, 0]

    def test_csv__a_row_for_each_answer__formulas_are_text(self, labelled: LabelProject) -> None:
        task = labelled.tasks.get(number=1)
        labelled.tasks.filter(pk=task.pk).update(data={**task.data, "prompt": '=HYPERLINK("x")', "note": "n"})
        content = read(exchange.export(labelled, "csv", partial=True)).decode()
        rows = list(csv.DictReader(io.StringIO(content)))
        assert [(row["task"], row["quality"], row["stars"]) for row in rows] == [
            ("1", "good", "1"), ("1", "good", "1"), ("2", "good", "2"), ("2", "good", "2"), ("3", "bad", "3"),
        ]  # fmt: skip
        assert rows[0]["prompt"] == '\'=HYPERLINK("x")' and json.loads(rows[0]["data"])["note"] == "n"
        assert json.loads(rows[0]["marks"])[0]["labels"] == ["Word"] and rows[0]["annotator"] == "anton@example.com"
        tabs = read(exchange.export(labelled, "tsv", partial=True)).decode()
        assert len(list(csv.reader(io.StringIO(tabs), delimiter="\t"))) == 6

    def test_parquet__has_typed_columns(self, labelled: LabelProject) -> None:
        table = pq.read_table(io.BytesIO(read(exchange.export(labelled, "parquet", partial=True))))
        assert table.column("stars").to_pylist() == [1.0, 1.0, 2.0, 2.0, 3.0]
        assert table.column("quality").to_pylist() == ["good"] * 4 + ["bad"]
        assert table.column("accepted").to_pylist() == [False] * 5 and table.schema.field("task").type == "int64"

    def test_conll__one_answer_a_task(self, labelled: LabelProject) -> None:
        content = read(exchange.export(labelled, "conll2003", partial=True)).decode()
        documents = content.split("\n\n")
        assert documents[0] == "-DOCSTART- -X- O" and len([d for d in documents if d.strip()]) == 4
        assert "B-Word" in documents[1]

    @pytest.mark.parametrize("name", ["coco", "yolo", "voc"])
    def test_boxes__of_a_project_without_boxes__is_a_problem_that_names_what_fits(
        self, labelled: LabelProject, name: str
    ) -> None:
        with pytest.raises(Problem) as found:
            exchange.export(labelled, name, partial=True)
        assert found.value.field == "format" and "conll2003" in found.value.hint

    def test_reviewers_own_answer__stands_while_it_is_the_accepted_one(
        self, cast: Cast, labelled: LabelProject
    ) -> None:
        task = labelled.tasks.get(number=1)
        deciding.adjudicate(actor=cast.curator, task=task, result=says("bad"))

        def told() -> list[tuple[bool, str]]:
            first = json.loads(read(exchange.export(labelled, "json", partial=True)))[0]["annotations"]
            return [(one["accepted"], one["result"][0]["value"]["choices"][0]) for one in first]

        assert told() == [(False, "good"), (False, "good"), (True, "bad")]
        assert "B-Word" not in read(exchange.export(labelled, "conll2003", partial=True)).decode().split("\n\n")[1]
        labelled.tasks.filter(pk=task.pk).update(accepted=None)
        assert told() == [(False, "good"), (False, "good")]

    def test_empty_project__is_an_empty_list(self, labelled: LabelProject) -> None:
        labelled.tasks.all().delete()
        assert json.loads(read(exchange.export(labelled, "json", partial=True))) == []


def test_conll__cuts_at_spans__and_between_characters_of_chinese() -> None:
    spans = [
        {"start": 0, "end": 3, "labels": ["PER"]},
        {"start": 6, "end": 8, "labels": ["LOC CITY"]},
        {"start": 7, "end": 8, "labels": ["X"]},
        {"start": 15, "end": 17, "labels": ["DATE"]},
    ]
    lines = [line.split(" ") for line in conll.document(TEXT, spans).splitlines() if line]
    assert [(line[0], line[3]) for line in lines] == [
        ("Ana", "B-PER"), ("住", "O"), ("在", "O"), ("北", "B-LOC_CITY"), ("京", "I-LOC_CITY"), ("since", "O"),
        ("20", "B-DATE"), ("19", "O"), (",", "O"), ("ok", "O"), ("?", "O"),
    ]  # fmt: skip


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=5))
def test_conll__loses_no_character_of_a_word(text: str, marks: list[tuple[int, int]]) -> None:
    cuts = frozenset(place for start, length in marks for place in (start, start + length))
    found = [text[start:end] for start, end in conll.tokens(text, cuts)]
    assert "".join(found) == "".join(re.findall(r"\S", text))


def rectangle(label: str, x: float, y: float, w: float, h: float, **more: Any) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": w, "height": h, "rotation": 0, "rectanglelabels": [label], **more}
    return {
        "id": f"{label}{x}", "from_name": "boxes", "to_name": "image", "type": "rectanglelabels",
        "original_width": 640, "original_height": 480, "value": value,
    }  # fmt: skip


RESULT = [rectangle("cat", 10, 20, 30, 40), rectangle("dog", 0, 0, 100, 100), rectangle("cat", 50, 50, 12.5, 25)]
LABELS = ("cat", "dog")


def test_boxes__are_those_of_label_studios_converter(tmp_path: Path) -> None:
    make: Any = import_module("label_studio_sdk.converter").Converter
    tasks = [{"id": 7, "data": {"image": "shop.png"}, "annotations": [{"id": 1, "completed_by": 1, "result": RESULT}]}]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    config = (
        '<View><Image name="image" value="$image"/><RectangleLabels name="boxes" toName="image">'
        '<Label value="cat"/><Label value="dog"/></RectangleLabels></View>'
    )
    converter = make(config, str(tmp_path), download_resources=False)
    for format in ("COCO", "YOLO", "VOC"):
        converter.convert(str(tmp_path / "tasks.json"), str(tmp_path / format), format, is_dir=False)
    image = boxes.boxed(7, "shop.png", RESULT)

    ours = json.loads("".join(boxes.coco(iter([image]), iter([image]), LABELS)))
    theirs = json.loads((tmp_path / "COCO" / "result.json").read_text())
    names = {c["id"]: c["name"] for c in theirs["categories"]}, {c["id"]: c["name"] for c in ours["categories"]}
    assert [(names[1][a["category_id"]], a["bbox"], a["area"]) for a in ours["annotations"]] == [
        (names[0][a["category_id"]], a["bbox"], a["area"]) for a in theirs["annotations"]
    ]
    assert (ours["images"][0]["width"], ours["images"][0]["height"]) == (640, 480)

    [label_file] = (tmp_path / "YOLO" / "labels").glob("*.txt")
    classes = (tmp_path / "YOLO" / "classes.txt").read_text().split()
    told = [[float(n) for n in line.split()] for line in label_file.read_text().splitlines()]
    mine = [[float(n) for n in line.split()] for line in boxes.yolo(image, classes).splitlines()]
    assert [row == pytest.approx(other, abs=1e-6) for row, other in zip(mine, told, strict=True)] == [True] * 3

    [xml_file] = (tmp_path / "VOC" / "Annotations").glob("*.xml")
    theirs_voc, ours_voc = ElementTree.parse(xml_file).getroot(), ElementTree.fromstring(boxes.voc(image))
    for path in ("size/width", "size/height", "object/name", "object/bndbox/xmax", "object/bndbox/ymax"):
        assert [e.text for e in ours_voc.findall(path)] == [e.text for e in theirs_voc.findall(path)], path
    minima = [[int(e.text or 0) - 1 for e in ours_voc.findall(f"object/bndbox/{n}")] for n in ("xmin", "ymin")]
    assert minima == [[int(e.text or 0) for e in theirs_voc.findall(f"object/bndbox/{n}")] for n in ("xmin", "ymin")]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/files/9f.png", "000003-9f.png"),
        ("https://x/../../etc/passwd", "000003.jpg"),
        ("..%2f..%2fevil.png?x=/../a", "000003-2f..-2fevil.png"),
        ("", "000003.jpg"),
        ("/a/" + "n" * 300 + ".jpeg", "000003-" + "n" * 75 + ".jpeg"),
    ],
)
def test_file_name__never_leads_out_of_a_folder(address: str, name: str) -> None:
    assert boxes.file_name(3, address) == name


def test_box__turned__is_the_upright_box_around_it() -> None:
    [box] = boxes.boxed(1, "a.png", [rectangle("cat", 50, 50, 10, 20, rotation=90)]).boxes
    assert (box.x * 640, box.y * 480, box.width * 640, box.height * 480) == pytest.approx((224, 240, 96, 64))


def test_zip__is_sent_whole() -> None:
    from apps.labeling.exchange.sending import _zipped

    content = b"".join(_zipped((f"labels/{n}.txt", "0 1\n" * n) for n in range(200)))
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None and len(archive.namelist()) == 200 and archive.read("labels/3.txt") == b"0 1\n" * 3
