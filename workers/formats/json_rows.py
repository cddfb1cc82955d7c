"""Rows of JSON Lines and of a JSON array, streamed, each with its line."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from workers.formats.lines import LINE_CAP, lines_of_piece, read_lines
from workers.formats.problems import FileRefused, Problem, RowFault
from workers.formats.rows import Row
from workers.formats.values import MAX_COLUMNS, JsonReader, check_storable, check_text, kind_of

_SPACE = re.compile(r"[ \t\r\n]*")


def read_jsonl(stream: io.BufferedReader, *, first: int = 0) -> Iterator[Row | Problem | None]:
    """Yield a Row or a Problem for each line, None for a blank one. `first`: the number of the first line of a piece of a file."""
    reader = JsonReader()
    for item in lines_of_piece(stream, first) if first else read_lines(stream):
        if isinstance(item, Problem):
            yield item
            continue
        number, line = item
        text = line.decode("utf-8", "surrogateescape").strip(" \t\r\n")
        if not text:
            yield None
            continue
        try:
            yield Row(number, _object(_line_value(reader, text)), text)
        except RowFault as fault:
            yield fault.at(number, text)


def _line_value(reader: JsonReader, text: str) -> Any:
    if not text.isascii():
        check_storable(text)
    try:
        return reader.read(text)
    except json.JSONDecodeError as error:
        raise _explain(reader, text, error) from None


def _explain(reader: JsonReader, text: str, error: json.JSONDecodeError) -> RowFault:
    """A fault that says what a person did, not what the parser saw."""
    if "\0" in text:
        return RowFault("nul", f"The line holds a NUL character at column {text.index(chr(0)) + 1}.")
    if text in ("[", "]", "],", "{", "}", "},"):
        return RowFault("not_one_line", f"“{text}” alone is no row. JSON Lines has one whole object on each line.")
    if text.endswith(",") and _parses(reader, text[:-1]):
        return RowFault(
            "trailing_comma",
            "There is a comma after the object. JSON Lines has one object a line, with no commas between.",
        )
    if error.msg == "Extra data":
        return RowFault(
            "extra_data",
            f"There is more behind the object, from column {error.colno}. Put each object on its own line.",
        )
    if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
        return RowFault("truncated", f"The JSON ends too early, at column {len(text)}.")
    return RowFault("bad_json", f"Not JSON at column {error.colno}: {error.msg}.")


def _parses(reader: JsonReader, text: str) -> bool:
    try:
        reader.read(text)
    except (ValueError, RowFault):
        return False
    return True


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowFault("not_an_object", f'A row must be an object such as {{"prompt": …}}; this is {kind_of(value)}.')
    if len(value) > MAX_COLUMNS:
        raise RowFault("too_many_columns", f"The row has {len(value)} columns; {MAX_COLUMNS} is the most.")
    return value


class _Window:
    """A sliding piece of the text that always holds a whole row of the largest size, and knows the line of each place."""

    def __init__(self, stream: io.BufferedReader, size: int) -> None:
        self._stream, self._size = stream, size
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.at, self.ended = "", 0, False
        self._line, self._counted = 1, 0

    def fill(self) -> None:
        """Read on until one largest row fits behind `at`, or the file ends."""
        if self.ended or len(self.text) - self.at > self._size:
            return
        self._count(self.at)
        parts = [self.text[self.at :]]
        held = len(parts[0])
        while not self.ended and held <= 2 * self._size:
            block = self._stream.read(self._size)
            self.ended = not block
            parts.append(self._decoder.decode(block, final=self.ended))
            held += len(parts[-1])
        self.text, self.at, self._counted = "".join(parts), 0, 0

    def skip_space(self) -> str:
        """Move behind white space; the character there, or "" at the end."""
        while True:
            self.fill()
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]

    def line(self, place: int | None = None) -> int:
        """The 1-based line of `place` (default: here), which must not lie before the last one asked for."""
        self._count(self.at if place is None else place)
        return self._line

    def _count(self, place: int) -> None:
        self._line += self.text.count("\n", self._counted, place)
        self._counted = max(place, self._counted)


def read_json_array(stream: io.BufferedReader, *, cap: int = LINE_CAP) -> Iterator[Row | Problem | None]:
    """Yield a Row or a Problem for each element of the one array in the file, with the line on which it begins.

    A row with a bad value is a Problem; broken syntax refuses the file with its line and column, because behind it
    nobody can tell where the next row begins. Memory: about three times `cap` characters.
    """
    window, reader = _Window(stream, cap), JsonReader()
    if window.skip_space() != "[":
        raise FileRefused("not_an_array", "The file does not begin with “[”.", line=window.line())
    window.at += 1
    if window.skip_space() == "]":
        return _end(window)
    while True:
        window.skip_space()
        yield _element(window, reader, cap)
        mark = window.skip_space()
        if mark == "]":
            return _end(window)
        if mark != ",":
            raise _between(window, mark)
        window.at += 1
        if window.skip_space() == "]":
            raise FileRefused("trailing_comma", f"Line {window.line()}: there is a comma before the closing “]”.",
                              hint="Remove the comma behind the last row.", line=window.line())  # fmt: skip


def _element(window: _Window, reader: JsonReader, cap: int) -> Row | Problem:
    start, line = window.at, window.line()
    try:
        value, window.at, fault = reader.read_at(window.text, start)
    except RecursionError:
        raise FileRefused("too_deep", f"The row on line {line} is nested too deeply to be read.", line=line) from None
    except json.JSONDecodeError as error:
        raise _broken(window, error, line, cap) from None
    raw = window.text[start : window.at]
    try:
        if fault:
            raise fault
        if len(raw) > cap:
            raise RowFault("line_too_long", f"The row is longer than {cap // 2**20} MiB.")
        check_text(raw)
        if not raw.isascii():
            check_storable(raw)
        return Row(line, _object(value), raw)
    except RowFault as found:
        return found.at(line, raw)


def _broken(window: _Window, error: json.JSONDecodeError, line: int, cap: int) -> FileRefused:
    text = window.text
    column = error.pos - text.rfind("\n", 0, error.pos)
    here = window.line(error.pos)
    if error.pos - window.at > cap and not window.ended:
        return FileRefused("line_too_long", f"The row on line {line} is longer than {cap // 2**20} MiB.", line=line)
    early = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    if early and not window.ended:
        return FileRefused("line_too_long", f"The row on line {line} is longer than {cap // 2**20} MiB.", line=line)
    if early:
        return truncated(f"in the row that begins on line {line} (line {here}, column {column})", here)
    return FileRefused("bad_json", f"Not JSON at line {here}, column {column}: {error.msg}.", line=here)


def _between(window: _Window, mark: str) -> FileRefused:
    line = window.line()
    if not mark:
        return truncated(f"on line {line}, before the closing “]”", line)
    return FileRefused("bad_json", f"Not JSON at line {line}: “,” or “]” expected, “{mark}” found.", line=line)


def truncated(where: str, line: int) -> FileRefused:
    """The refusal of a file that stops in the middle."""
    hint = "The upload or the export was cut off. Make the file again."
    return FileRefused("truncated", f"The file ends too early, {where}.", hint=hint, line=line)


def _end(window: _Window) -> None:
    window.at += 1
    if window.skip_space():
        line = window.line()
        raise FileRefused("extra_data", f"Line {line}: there is more text behind the closing “]”.", line=line)
