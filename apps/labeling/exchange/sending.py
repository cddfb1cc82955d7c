"""Labels to take away: each format as an attachment that is made while it is sent, in constant memory."""

import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.labeling import services
from apps.labeling.exchange import boxes, conll, studio, tables
from apps.labeling.exchange.records import Answered, answered
from apps.labeling.exchange.sizes import size_of
from apps.labeling.models import LabelProject
from apps.labeling.schema.label_config import Config, Control

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

_PIECE = 64 * 1024  # bytes that are held until they are sent


@dataclass(frozen=True)
class Format:
    """One way to take labels away. `needs` is the kind of question it is made for, "" for all."""

    label: "StrPromise | str"
    says: "StrPromise"
    ending: str
    type: str
    make: Callable[[LabelProject], Iterator[bytes]]
    needs: str = ""

    def fits(self, config: Config) -> bool:
        return not self.needs or _question(config, self.needs) is not None


def export(project: LabelProject, wanted: str, *, partial: bool) -> StreamingHttpResponse:
    """All tasks with their annotations as an attachment. Raises Problem for an unknown format or one that the questions do not fit,
    Conflict while people label."""
    format = FORMATS.get(wanted)
    if format is None:
        raise Problem(_("There is no such format."), field="format", hint=", ".join(FORMATS))
    if not format.fits(project.config):
        message = _("%(format)s needs a question of the kind %(kind)s, which this project does not ask.")
        hint = ", ".join(name for name, one in FORMATS.items() if one.fits(project.config))
        raise Problem(message % {"format": format.label, "kind": format.needs}, field="format", hint=hint)
    services.require_settled(project, partial=partial, what="?partial=1")
    response = StreamingHttpResponse(_awaited(_gathered(format.make(project))), content_type=format.type)
    name = f"{slugify(project.name) or 'labels'}-{wanted}.{format.ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Piece by piece: a plain iterator would be read to its end into memory before the first byte is sent."""
    take = sync_to_async(lambda: next(pieces, None))  # the thread of this request
    while (piece := await take()) is not None:
        yield piece


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _text(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode() for piece in pieces)


class _Pipe(io.RawIOBase):
    """A file that is read while it is written: what a zip or Parquet writer says, to be sent on at once."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self._held)
        self._held.clear()
        return taken


def _zipped(files: Iterator[tuple[str, str]]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
            yield pipe.take()
    yield pipe.take()


def _parquet(project: LabelProject) -> Iterator[bytes]:
    pipe = _Pipe()
    for _group in tables.write_parquet(answered(project), project.config, pipe):
        yield pipe.take()
    yield pipe.take()


# ---- formats of one kind of question


def _question(config: Config, kind: str) -> Control | None:
    return next((control for control in config.controls if control.kind == kind), None)


def _spans(project: LabelProject) -> Iterator[str]:
    config = project.config
    question = _question(config, "Labels")
    shown = config.object(question.to) if question else None
    assert question and shown  # a format is made for questions that are there
    yield conll.BEGIN
    for task in answered(project):
        if task.decided:
            result = task.decided.result
            spans = [region["value"] for region in result if region.get("from_name") == question.name]
            yield conll.document(str(task.data.get(shown.field, "")), spans)


def _images(project: LabelProject) -> Iterator[boxes.Boxed]:
    """The images that somebody looked at."""
    config = project.config
    question = _question(config, "RectangleLabels")
    shown = config.object(question.to) if question else None
    assert question and shown
    for task in answered(project):
        if task.decided:
            mine = [region for region in task.decided.result if region.get("from_name") == question.name]
            picture = str(task.data.get(shown.field, ""))
            yield boxes.boxed(task.number, picture, mine, partial(size_of, project, task.data, picture))


def _labels(project: LabelProject) -> tuple[str, ...]:
    question = _question(project.config, "RectangleLabels")
    return question.stored if question else ()


def _yolo(project: LabelProject) -> Iterator[tuple[str, str]]:
    labels = _labels(project)
    yield "classes.txt", "".join(f"{label}\n" for label in labels)
    for image in _images(project):
        yield f"labels/{image.file.rpartition('.')[0]}.txt", boxes.yolo(image, labels)


def _voc(project: LabelProject) -> Iterator[tuple[str, str]]:
    left = ""
    for image in _images(project):
        if image.is_left_out:
            left += f"{image.file}: {boxes.LEFT_OUT}\n"
        else:
            yield f"Annotations/{image.file.rpartition('.')[0]}.xml", boxes.voc(image)
    if left:
        yield "left-out.txt", left


def _coco(project: LabelProject) -> Iterator[str]:
    return boxes.coco(_images(project), _images(project), _labels(project))


def _tasks(
    tell: Callable[[Iterator[Answered]], Iterator[str]], *, whole: bool = False
) -> Callable[[LabelProject], Iterator[bytes]]:
    return lambda project: _text(tell(answered(project, whole=whole)))


_JSON, _ZIP = "application/json", "application/zip"
FORMATS: dict[str, Format] = {
    "json": Format(
        "JSON", gettext_lazy("Label Studio's own: whole tasks with every answer; comes in again as it went out."), "json", _JSON,
        _tasks(lambda tasks: studio.as_list(tasks, short=False), whole=True),
    ),
    "json_min": Format(
        "JSON_MIN", gettext_lazy("A flat record for each answer, as Label Studio's short form."), "json", _JSON,
        _tasks(lambda tasks: studio.as_list(tasks, short=True)),
    ),
    "jsonl": Format(
        "JSONL", gettext_lazy("A whole task a line, for programs that read line by line."), "jsonl", "application/x-ndjson",
        _tasks(studio.as_lines, whole=True),
    ),
    "csv": Format(
        "CSV", gettext_lazy("A row for each answer, for spreadsheets; nothing in it runs as a formula."), "csv", "text/csv; charset=utf-8",
        lambda project: _text(tables.as_text(answered(project), project.config, ",")),
    ),
    "tsv": Format(
        "TSV", gettext_lazy("The same, separated by tabs."), "tsv", "text/tab-separated-values; charset=utf-8",
        lambda project: _text(tables.as_text(answered(project), project.config, "\t")),
    ),
    "parquet": Format(
        "Parquet", gettext_lazy("A row for each answer with typed columns, for pandas and DuckDB."), "parquet",
        "application/vnd.apache.parquet", _parquet,
    ),
    "conll2003": Format(
        "CoNLL-2003", gettext_lazy("A token a line with its BIO tag; the accepted answer of each task, else the first."), "conll",
        "text/plain; charset=utf-8", lambda project: _text(_spans(project)), "Labels",
    ),
    "coco": Format(
        "COCO", gettext_lazy("Boxes in pixels, one JSON file; the accepted answer of each image, else the first."), "json", _JSON,
        lambda project: _text(_coco(project)), "RectangleLabels",
    ),
    "yolo": Format(
        "YOLO", gettext_lazy("Boxes in parts of the image, a text file for each."), "zip", _ZIP,
        lambda project: _zipped(_yolo(project)), "RectangleLabels",
    ),
    "voc": Format(
        "Pascal VOC", gettext_lazy("Boxes in pixels, an XML file for each image."), "zip", _ZIP,
        lambda project: _zipped(_voc(project)), "RectangleLabels",
    ),
}  # fmt: skip
