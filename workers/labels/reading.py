"""Which format a file of answers has, and its records one after the other in small memory."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile

from workers.formats.archives import ZIP_MARKS, Archive
from workers.formats.csv_rows import read_csv, sniff_delimiter
from workers.formats.json_rows import read_json_array, read_jsonl
from workers.formats.parquet_rows import ParquetTable
from workers.formats.problems import FileRefused, RowFault
from workers.labels import boxes, conll, records
from workers.labels.found import Found

MOST_BYTES = 2**30
MOST_RECORDS = 1_000_000
FORMATS = ("json", "jsonl", "csv", "tsv", "parquet", "conll2003", "coco", "yolo", "voc")
_HEAD = 2**18
_BOM = b"\xef\xbb\xbf"
_COCO = re.compile(r'"(?:images|categories|annotations)"\s*:\s*\[')
_HINT = "Label Studio's JSON, JSON Lines, CSV, TSV, Parquet, CoNLL-2003, COCO, or YOLO and Pascal VOC as a zip."


def detect(path: Path, name: str = "") -> str:
    """The format by the content; the name decides only between tables. Raises FileRefused when it is none of ours."""
    size = path.stat().st_size
    if size == 0:
        raise FileRefused("empty", "The file is empty.")
    if size > MOST_BYTES:
        message = f"A file of answers has at most {MOST_BYTES // 2**20} MiB."
        raise FileRefused("too_large", message, hint="Split it into several files.")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(ZIP_MARKS):
        kind = boxes.kind_of(path)
        if not kind:
            hint = "YOLO has a .txt for each image and classes.txt; Pascal VOC has an .xml for each image."
            raise FileRefused("unknown_format", "The archive holds no boxes.", hint=hint)
        return kind
    text = head.removeprefix(_BOM).decode("utf-8", "replace").lstrip()
    if text.startswith("["):
        return "json"
    if text.startswith("{"):
        return "coco" if _is_coco(text, name) else "jsonl"
    if conll.is_conll(text):
        return "conll2003"
    return _table(text, name)


def _is_coco(text: str, name: str) -> bool:
    """One object that lists images; a line of JSON Lines is a whole object and lists none."""
    first = text.splitlines()[0]
    is_line = first.rstrip().endswith("}") and len(text.splitlines()) > 1 and not name.lower().endswith(".json")
    return not is_line and len(_COCO.findall(text)) > 0 and '"data"' not in first


def _table(text: str, name: str) -> str:
    header = text.splitlines()[0] if text else ""
    if "\0" in text or not header:
        raise FileRefused("unknown_format", "The format of the file is not known.", hint=_HINT)
    default = "\t" if name.lower().endswith((".tsv", ".tab")) else ","
    mark = sniff_delimiter(header, default)
    if mark not in header:
        raise FileRefused("unknown_format", "The format of the file is not known.", hint=_HINT)
    return "tsv" if mark == "\t" else "csv"


def read(path: Path, format: str) -> Iterator[Found]:
    """The records of a file, at most MOST_RECORDS. Raises FileRefused."""
    for number, one in enumerate(_each(path, format), 1):
        if number > MOST_RECORDS:
            message = f"A file has answers to at most {MOST_RECORDS} tasks."
            raise FileRefused("too_many", message, hint="Split it into several files.")
        yield one


def about(path: Path, format: str) -> int:
    """About how many records there are, for a progress bar: rows, files of an archive, or lines."""
    if format == "parquet":
        return max(1, ParquetTable(path).count)
    with path.open("rb") as file:
        if format in ("voc", "yolo"):
            return max(1, sum(1 for _member in Archive(path).walk()))
        return max(1, sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b"")))


def first(path: Path, format: str, count: int) -> tuple[list[Found], bool]:
    """The first `count` records, and whether these are all."""
    with closing(_each(path, format)) as found:  # type: ignore[type-var]
        held = list(islice(found, count + 1))
    return held[:count], len(held) <= count


def _each(path: Path, format: str) -> Iterator[Found]:
    if format == "parquet":
        yield from records.of_table(ParquetTable(path).rows(), word="row", is_text=False)
    elif format == "coco":
        yield from _coco(path)
    elif format == "voc":
        yield from boxes.read_voc(path)
    elif format == "yolo":
        yield from boxes.read_yolo(path)
    else:
        with path.open("rb") as stream:
            if stream.read(3) != _BOM:
                stream.seek(0)
            yield from _text(stream, format)


def _text(stream: io.BufferedReader, format: str) -> Iterator[Found]:
    if format == "json":
        yield from records.of_json(read_json_array(stream))
    elif format == "jsonl":
        yield from records.of_json(read_jsonl(stream))
    elif format == "conll2003":
        yield from conll.read_conll(stream)
    else:
        header = stream.peek(65536)[:65536].decode("utf-8", "replace").splitlines()[:1]
        mark = "\t" if format == "tsv" else sniff_delimiter(header[0] if header else "")
        yield from records.of_table(read_csv(stream, mark), word="line", is_text=True)


def _coco(path: Path) -> Iterator[Found]:
    """COCO by itself, or the one JSON of an archive that also holds the images."""
    with path.open("rb") as file:
        is_zip = file.read(4).startswith(ZIP_MARKS)
    if not is_zip:
        yield from boxes.read_coco(path)
        return
    for member in Archive(path).walk():
        if member.name.endswith(".json"):
            with NamedTemporaryFile(suffix=".json") as copy:
                try:
                    copy.write(member.read(boxes.COCO_CAP))
                except RowFault as fault:
                    raise FileRefused(fault.code, fault.reason) from None
                copy.flush()
                yield from boxes.read_coco(Path(copy.name))
            return
