"""A file as a table: its format and encoding found out, its rows streamed."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workers.formats.archives import holds_images
from workers.formats.csv_pieces import Cutter
from workers.formats.csv_rows import read_below, read_csv, read_header, sniff_delimiter
from workers.formats.encodings import Encoding, detect_encoding, open_utf8
from workers.formats.json_rows import read_json_array, read_jsonl
from workers.formats.lines import LINE_CAP, has_cr_only, pieces
from workers.formats.pieces import Piece
from workers.formats.problems import FileRefused, Problem
from workers.formats.rows import Row
from workers.formats.signatures import refuse_known_binary, refuse_unknown_binary
from workers.formats.text_rows import has_blank_lines, read_passages, read_text_lines

FORMATS: dict[str, str] = {
    "csv": "CSV", "tsv": "TSV", "json": "JSON", "jsonl": "JSON Lines", "parquet": "Parquet", "arrow": "Arrow",
    "txt": "Text, passages between blank lines", "lines": "Text, a passage a line", "images": "Images in a zip or tar",
}  # fmt: skip
TEXTS = ("txt", "lines")
_OTHER_SUFFIXES = {
    "tab": "tsv", "ndjson": "jsonl", "pq": "parquet", "feather": "arrow", "ipc": "arrow", "arrows": "arrow", "text": "txt", "md": "txt",
    "zip": "images", "tar": "images", "tgz": "images", "gz": "images",
}  # fmt: skip
_HEAD = 65536


@dataclass(slots=True)
class FileFacts:
    """How to read a file. `notes` are things a person should know before the import."""

    format: str
    encoding: Encoding
    delimiter: str = ""
    notes: list[str] = field(default_factory=list)


def inspect_file(path: Path, *, name: str = "", format: str = "", encoding: str = "") -> FileFacts:
    """Find format, encoding and delimiter by content first and by the name's ending second.

    `format` and `encoding` are what a person said; both are checked against the content.
    Raises FileRefused for an empty file, a known binary, an unknown format, or one that the content contradicts.
    """
    if format and format not in FORMATS:
        hint = f"Choose one of: {', '.join(FORMATS)}."
        raise FileRefused("unknown_format", f"There is no format “{format[:40]}”.", hint=hint, field="format")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FileRefused("empty", "The file is empty.")
    if binary := _binary_format(path, head):
        return _binary(binary, format)
    refuse_known_binary(head)
    if (wanted := format or _suffix(name)) in _BINARIES:
        raise FileRefused(f"not_{wanted}", _BINARIES[wanted], field="format")
    found = detect_encoding(path, encoding)
    if not found.certain:
        refuse_unknown_binary(head)
    return _text_facts(path, found, format, _suffix(name))


def _suffix(name: str) -> str:
    suffix = Path(name.replace("\0", "")).suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else _OTHER_SUFFIXES.get(suffix, "")


_BINARIES = {
    "parquet": "This is not a Parquet file: its first bytes are not “PAR1”.",
    "arrow": "This is not an Arrow file or stream: its first bytes are neither “ARROW1” nor those of a message.",
    "images": "This is no zip, tar or tar.gz archive.",
}


def _binary_format(path: Path, head: bytes) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1\x00\x00", b"\xff\xff\xff\xff")):
        return "arrow"
    return "images" if holds_images(path, head) else ""


def _binary(found: str, format: str) -> FileFacts:
    if format not in ("", found):
        what = {"parquet": "a Parquet file", "arrow": "an Arrow file", "images": "an archive of images"}[found]
        raise FileRefused("wrong_format", f"This is {what}, not {FORMATS[format]}.", field="format")
    return FileFacts(found, Encoding("utf-8"))


def _text_facts(path: Path, encoding: Encoding, format: str, suffix: str) -> FileFacts:
    text = _head_text(path, encoding)
    if not text:
        raise FileRefused("empty", "The file holds nothing but white space.")
    kind = _json_kind(text, format or suffix)
    chosen = _choose(format, suffix, kind, text)
    facts = FileFacts(chosen, encoding)
    if chosen in ("csv", "tsv"):
        facts.delimiter = sniff_delimiter(text.partition("\n")[0], "\t" if chosen == "tsv" else ",")
        facts.format = "tsv" if facts.delimiter == "\t" else "csv"
    facts.notes = _notes(facts, format or suffix)
    return facts


def _head_text(path: Path, encoding: Encoding) -> str:
    """The first text of the file behind leading white space."""
    stream, _ = open_utf8(path, encoding)
    with stream:
        read = 0
        while block := stream.read(_HEAD):
            read += len(block)
            if text := block.decode("utf-8", "replace").lstrip(" \t\r\n\ufeff"):
                return text
            if read > LINE_CAP:
                break
    return ""


def _json_kind(text: str, expected: str) -> str:
    """ "json" for an array, "jsonl" for one value a line, "object" for one object over many lines, "" for no JSON."""
    first, _, rest = text.partition("\n")
    first = first.strip()
    if text[0] == "[":
        is_row = _is_json(first) and rest.lstrip()[:1] == "[" and expected == "jsonl"
        return "jsonl" if is_row else "json"
    if text[0] != "{":
        return ""
    if _is_json(first) or _is_json(first.rstrip(",")) or expected == "jsonl" or len(first) >= _HEAD // 2:
        return "jsonl"
    return "object" if re.match(r'\{\s*("|$)', first) else "jsonl"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _choose(format: str, suffix: str, kind: str, text: str) -> str:
    wanted = format or suffix
    if kind == "object" and wanted in ("", "json"):
        raise FileRefused("one_object", "The file holds one object, not a list of rows.", line=1,
                          hint="Upload a list, such as [{…}, {…}], or one object a line.")  # fmt: skip
    if format in ("json", "jsonl") and kind and format != kind:
        said, is_ = (
            ("JSON Lines", "one JSON array") if kind == "json" else ("a JSON array", "JSON Lines: one object a line")
        )
        hint = f"Choose {FORMATS[kind]}, or leave the format open."
        raise FileRefused("wrong_format", f"The file is {is_}, not {said}.", hint=hint, field="format")
    if kind in ("json", "jsonl") and format not in ("csv", "tsv", *TEXTS):
        return kind
    if wanted == "json":
        raise FileRefused(
            "not_json",
            f"This is not JSON: it begins with “{text[:20].partition(chr(10))[0].strip()}”.",
            hint="JSON begins with “[”.",
            line=1,
        )
    if wanted == "txt" and not format:
        return _text_kind(text)
    if wanted:
        return wanted
    return "tsv" if "\t" in text.partition("\n")[0] else "csv"


def _text_kind(text: str) -> str:
    """ "tsv" for lines with equally many tabs, "txt" for passages between blank lines, else "lines"."""
    tabs = [line.count("\t") for line in text.splitlines()[:6] if line.strip()]
    if len(tabs) > 1 and tabs[0] and tabs.count(tabs[0]) == len(tabs):
        return "tsv"
    return "txt" if has_blank_lines(text) else "lines"


def _notes(facts: FileFacts, expected: str) -> list[str]:
    notes = []
    if expected and expected != facts.format:
        notes.append(
            f"Read as {FORMATS[facts.format]}, because of what the file holds; the name says {FORMATS[expected]}."
        )
    if facts.delimiter not in ("", ",", "\t"):
        notes.append(f"Values are separated by “{facts.delimiter}”.")
    encoding = facts.encoding
    if encoding.name != "utf-8" and encoding.certain:
        notes.append(f"Read as {encoding.label}.")
    elif encoding.bad_lines:
        lines = "1 line holds" if encoding.bad_lines == 1 else f"{encoding.bad_lines} lines hold"
        notes.append(f"{lines} bytes that are not UTF-8, the first on line {encoding.first_bad_line}.")
    return notes


class _Reader(Protocol):
    """What reads a file that is no text."""

    left_out: list[str]

    def rows(self) -> Iterator[Row | Problem | None]: ...
    def position(self) -> int: ...


def _open_reader(path: Path, format: str, media: Path | None) -> _Reader | None:
    """The reader of a file that is no text; imported here, because each takes a quarter of a second that text need not wait."""
    if format == "parquet":
        from workers.formats.parquet_rows import ParquetTable

        return ParquetTable(path)
    if format == "arrow":
        from workers.formats.arrow_rows import ArrowTable

        return ArrowTable(path)
    if format == "images":
        from workers.formats.images import ImageTable

        return ImageTable(path, media)
    return None


class Table:
    """The rows of a file, in order, with what was skipped and how far the reading has come. Images of an archive go to `media`."""

    def __init__(self, path: Path, facts: FileFacts, *, media: Path | None = None) -> None:
        self._path, self.facts = path, facts
        self.size = path.stat().st_size
        self.blank_lines = 0
        self._reader = _open_reader(path, facts.format, media)
        self._position: Callable[[], int] = self._reader.position if self._reader else int
        if self._reader and self._reader.left_out:
            facts.notes.append(
                f"Columns left out, because they hold no text or numbers: {', '.join(self._reader.left_out)[:500]}."
            )
        facts.notes += getattr(self._reader, "notes", [])

    @property
    def position(self) -> int:
        """Bytes read so far, of `size` (in Parquet, in proportion to the rows)."""
        return min(self._position(), self.size)

    def rows(self) -> Iterator[Row | Problem]:
        """Yield each row, or the problem with it. Raises FileRefused and nothing else for bad content."""
        yield from self._counted(self._items())

    @property
    def has_pieces(self) -> bool:
        """Whether the file can be cut into pieces that are read apart from each other."""
        if self._reader:
            return hasattr(self._reader, "batches")
        if self.facts.format not in ("jsonl", "csv", "tsv"):
            return False
        stream, raw = open_utf8(self._path, self.facts.encoding)
        with stream, raw:
            return not has_cr_only(stream)

    def pieces(self) -> Iterator[Piece | Row | Problem]:
        """The file in pieces; behind them single rows where a file can only be read by one process from some place on."""
        if self._reader:
            yield from itertools.starmap(Piece, self._reader.batches())  # type: ignore[attr-defined]
            return
        stream, raw = open_utf8(self._path, self.facts.encoding)
        with stream, raw:
            self._position = lambda: self.size if raw.closed else raw.tell()
            if self.facts.format == "jsonl":
                yield from itertools.starmap(Piece, pieces(stream))
            else:
                yield from self._records(stream)

    def _records(self, stream: io.BufferedReader) -> Iterator[Piece | Row | Problem]:
        names, first = read_header(stream, self.facts.delimiter)
        cutter = Cutter(stream, self.facts.delimiter, first)
        for line, data in cutter.pieces():
            yield Piece(line, data, names, self.facts.delimiter)
        yield from self._counted(read_below(cutter.rest(), self.facts.delimiter, names, cutter.line))

    def _counted(self, items: Iterator[Row | Problem | None]) -> Iterator[Row | Problem]:
        for item in items:
            if item is None:
                self.blank_lines += 1
            else:
                yield item

    def _items(self) -> Iterator[Row | Problem | None]:
        if self._reader:
            yield from self._reader.rows()
            return
        stream, raw = open_utf8(self._path, self.facts.encoding)
        with stream, raw:
            self._position = lambda: self.size if raw.closed else raw.tell()
            yield from self._read(stream)

    def _read(self, stream: io.BufferedReader) -> Iterator[Row | Problem | None]:
        read = {"jsonl": read_jsonl, "json": read_json_array, "txt": read_passages, "lines": read_text_lines}.get(
            self.facts.format
        )
        return read(stream) if read else read_csv(stream, self.facts.delimiter)
