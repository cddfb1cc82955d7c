"""Passages of a plain text: between blank lines, or one a line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from workers.formats.lines import LINE_CAP, read_lines, too_long
from workers.formats.problems import Problem, RowFault
from workers.formats.rows import Row
from workers.formats.values import check_storable

_BLANK_LINE = re.compile(r"\S[ \t]*\r?\n[ \t]*\r?\n|\S[ \t]*\r[ \t]*\r")


def has_blank_lines(text: str) -> bool:
    """Whether a text has blank lines between others, so that they part its passages."""
    return bool(_BLANK_LINE.search(text))


def read_text_lines(stream: io.BufferedReader) -> Iterator[Row | Problem | None]:
    """Yield each line as a passage, or a Problem; None for a blank one."""
    for item in read_lines(stream):
        if isinstance(item, Problem):
            yield item
        else:
            yield _passage(item[0], item[1]) if item[1].strip() else None


def read_passages(stream: io.BufferedReader, *, cap: int = LINE_CAP) -> Iterator[Row | Problem | None]:
    """Yield each run of lines between blank ones as a passage with its first line, or a Problem; a longer one than `cap` bytes is one."""
    held, begins, size = list[bytes](), 0, 0
    for item in read_lines(stream):
        if isinstance(item, Problem):
            yield item
            continue
        number, line = item
        if line.strip():
            begins = begins if size else number
            size += len(line)
            if size <= cap:
                held.append(line)
        elif size:
            yield _whole(begins, held, size, cap)
            held, size = [], 0
    if size:
        yield _whole(begins, held, size, cap)


def _whole(line: int, held: list[bytes], size: int, cap: int) -> Row | Problem:
    return _passage(line, b"".join(held)) if size <= cap else too_long(line, held[0], cap)


def _passage(line: int, data: bytes) -> Row | Problem:
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").strip()
    try:
        if not text.isascii() or "\0" in text:
            check_storable(text)
    except RowFault as fault:
        return fault.at(line, text)
    return Row(line, {"text": text}, text)
