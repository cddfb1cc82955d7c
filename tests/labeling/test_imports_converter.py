"""What Label Studio's own converter writes, as labels of a project here."""

import io
import json
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from apps.datasets.models import DatasetVersion
from apps.labeling import services
from apps.labeling.models import LabelProject
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, region, says
from tests.labeling.test_imports import BOXES, bring, made, rectangle, said

pytestmark = pytest.mark.django_db


def converted(folder: Path, config: str, tasks: list[dict[str, Any]], format: str) -> bytes:
    """The one file that the converter made, or all of them as a zip."""
    make: Any = import_module("label_studio_sdk.converter").Converter
    (folder / "tasks.json").write_text(json.dumps(tasks))
    target = folder / format
    make(config, str(folder), download_resources=False).convert(
        str(folder / "tasks.json"), str(target), format, is_dir=False
    )
    files = [path for path in target.rglob("*") if path.is_file()] if target.is_dir() else [target]
    if len(files) == 1 and format not in ("YOLO", "VOC"):
        return files[0].read_bytes()
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for path in files:
            archive.write(path, str(path.relative_to(target)))
    return held.getvalue()


def labels(project: LabelProject) -> list[dict[str, Any]]:
    """Two tasks with an answer of person 7, under numbers of their own."""
    tasks = []
    for number in (1, 2):
        data = project.tasks.get(number=number).data
        spans = [
            region("marks", start=a, end=b, text=data["prompt"][a:b], labels=["Word"]) for a, b in ((0, 8), (9, 10))
        ]
        result = [*says("good", region("stars", rating=4)), *({"id": f"s{n}", **one} for n, one in enumerate(spans))]
        shown = {"prompt": data["prompt"]}
        annotation = {"id": 900 + number, "completed_by": 7, "result": result, "lead_time": 2.5}
        tasks.append({"id": 500 + number, "data": shown, "annotations": [annotation]})
    return tasks


SIMPLE = CONFIG.replace('<TextArea name="answer" toName="prompt" value="$answer"/>', "")
SPANS = SIMPLE.replace('required="true"', "")


@pytest.mark.parametrize("format", ["JSON", "JSON_MIN", "CSV", "TSV", "CONLL2003"])
def test_converter__texts__come_in_as_they_were(
    cast: Cast, version: DatasetVersion, tmp_path: Path, format: str
) -> None:
    project = made(cast, "Texts", SPANS, version)
    content = converted(tmp_path, SPANS, labels(project), format)
    row = bring(cast, project, content, f"result.{format.lower()}", person="7")
    assert (row.report["added"], row.report["refused"], row.report["tasks"]) == (2, 0, 0), (row.report, content[:600])
    for (number, person), answers in said(project).items():
        assert person == "7" and number in (1, 2)
        assert [(one["start"], one["end"], one["labels"]) for one in answers["marks"]] == [
            (0, 8, ["Word"]),
            (9, 10, ["Word"]),
        ]
        if format != "CONLL2003":
            assert answers["quality"] == ["good"] and answers["stars"] == 4


@pytest.mark.parametrize(("format", "nearly"), [("COCO", 1e-6), ("YOLO", 1e-4), ("VOC", 0.5)])
def test_converter__boxes__come_in_at_their_places(cast: Cast, tmp_path: Path, format: str, nearly: float) -> None:
    project, name = made(cast, "Boxes", BOXES, None), f"{7:064x}.png"
    item = {"key": "p", "data": {"image": name, "width": 640, "height": 480}}
    services.add_tasks(actor=cast.curator, project=project, items=[item])
    project.refresh_from_db()
    boxes = [
        {"id": f"b{n}", "original_width": 640, "original_height": 480, **rectangle(*one)}
        for n, one in enumerate([("cat", 10.0, 20.0, 30.0, 40.0), ("small dog", 50.0, 50.0, 12.5, 25.0)])
    ]
    tasks = [{"id": 3, "data": {"image": name}, "annotations": [{"id": 1, "completed_by": 7, "result": boxes}]}]
    content = converted(tmp_path, BOXES, tasks, format)
    row = bring(cast, project, content, "export.bin")
    assert (row.format, row.report["added"]) == (format.lower(), 1), row.report
    found = said(project)[1, "unknown"]["boxes"]
    assert sorted(one["labels"][0] for one in found) == ["cat", "small dog"]
    cat = next(one for one in found if one["labels"] == ["cat"])
    assert [cat[side] for side in ("x", "y", "width", "height")] == pytest.approx([10, 20, 30, 40], abs=nearly)
