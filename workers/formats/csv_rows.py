"""Rows of CSV and TSV, streamed, each with its line; an unclosed quote is found instead of swallowing the rest (B21-B23)."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from workers.formats.lines import LINE_CAP, lines_of_piece, read_lines
from workers.formats.problems import FileRefused, Problem, RowFault
from workers.formats.rows import Row
from workers.formats.values import MAX_COLUMNS, check_storable

FIELD_CAP = 131_072  # characters of one value, the default limit of Python's csv
HOW_TO_QUOTE = "Put a value with a quote, a delimiter or a line break in quotes, and double the quotes inside."
BROKEN_QUOTES = 1000  # so many records with broken quotes refuse the file: the quote character is not a quote here
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_QUOTED = re.compile(r'"[^"]*"')


def sniff_delimiter(header: str, default: str = ",") -> str:
    """The delimiter that occurs most often in the header line, outside quotes."""
    counts = Counter(_QUOTED.sub("", header))
    best = max(DELIMITERS, key=lambda mark: (counts[mark], mark == default))
    return best if counts[best] else default


def read_csv(stream: io.BufferedReader, delimiter: str) -> Iterator[Row | Problem | None]:
    """Yield a Row or a Problem for each record below the header, None for a blank line. Values are text.

    A record whose quotes are broken costs its first line; reading goes on behind that line. A quote that is still open at
    the end of the file, or after 4 MiB, refuses the file with the line on which it opened.
    """
    records = _records(_Feed(read_lines(stream)), delimiter)
    names = _names_in(records)
    for record in records:
        yield row_of(record, names) if isinstance(record, Record) else record


def read_header(stream: io.BufferedReader, delimiter: str) -> tuple[list[str], int]:
    """(names of the columns, number of the line below them), with the stream at that line; lines end with LF or CRLF."""
    feed = _Feed(lines_of_piece(stream, 1))
    names = _names_in(_records(feed, delimiter))
    return names, feed.taken[-1][0] + 1


def read_below(
    stream: io.BufferedReader, delimiter: str, names: Sequence[str], first: int
) -> Iterator[Row | Problem | None]:
    """Yield as `read_csv` does, of a stream that begins with the record on line `first`; lines end with LF or CRLF."""
    for record in _records(_Feed(lines_of_piece(stream, first)), delimiter):
        yield row_of(record, names) if isinstance(record, Record) else record


def _names_in(records: Iterator[Record | Problem | None]) -> list[str]:
    header = next((record for record in records if record is not None), None)
    if header is None:
        raise FileRefused("empty", "The file has no lines.")
    if isinstance(header, Problem):
        raise FileRefused(
            "bad_header", f"The header on line {header.line} cannot be read: {header.reason}", line=header.line
        )
    return _column_names(header)


class Record:
    """The values of one record, its first line and its text."""

    __slots__ = ("line", "raw", "values")

    def __init__(self, line: int, values: list[str], raw: str) -> None:
        self.line, self.values, self.raw = line, values, raw


class _Broken(Exception):
    """A line inside a record cannot be used at all."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class _Feed:
    """Feeds lines to csv.reader and remembers those of the present record, so that they can be read again."""

    def __init__(self, lines: Iterator[tuple[int, bytes] | Problem]) -> None:
        self._lines = lines
        self._again: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        self._size = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        number, text = self._again.popleft() if self._again else self._decoded()
        self.taken.append((number, text))
        self._size += len(text)
        if self._size > LINE_CAP + 1:
            raise csv.Error("unexpected end of data")
        return text

    def _decoded(self) -> tuple[int, str]:
        item = next(self._lines)
        if isinstance(item, Problem):
            raise _Broken(item)
        return item[0], item[1].decode("utf-8", "surrogateescape")

    def start_record(self) -> None:
        self.taken, self._size = [], 0

    def give_back_all_but_first(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))

    @property
    def raw(self) -> str:
        return "".join(text for _, text in self.taken).rstrip("\r\n")


def _records(feed: _Feed, delimiter: str) -> Iterator[Record | Problem | None]:
    csv.field_size_limit(LINE_CAP)  # of the whole process; our own cap per field is checked in row_of
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    broken = 0
    while True:
        feed.start_record()
        try:
            values = next(reader)
        except StopIteration:
            return
        except _Broken as found:
            yield found.problem
        except csv.Error as error:
            broken += 1
            yield _quote_fault(feed, error, delimiter, broken)
        else:
            yield Record(feed.taken[0][0], values, feed.raw) if any(values) else None


def _quote_fault(feed: _Feed, error: csv.Error, delimiter: str, broken: int) -> Problem:
    line, first = feed.taken[0]
    message = str(error)
    if message == "unexpected end of data":
        line = _line_of_open_quote(feed.taken, delimiter)
        raise FileRefused("unclosed_quote", f"The quote (\") opened on line {line} is never closed.", line=line,
                          hint="Close the quote, or double a quote that belongs to the text.")  # fmt: skip
    if broken > BROKEN_QUOTES:
        raise FileRefused("broken_quotes", f"More than {BROKEN_QUOTES} rows have broken quotes, the last on line {line}.", line=line,
                          hint=HOW_TO_QUOTE)  # fmt: skip
    feed.give_back_all_but_first()
    reason = "A quote in this row is not closed where the value ends. Double a quote that belongs to the text."
    if "expected after" not in message:
        reason = f"The row is not CSV: {message}."
    return Problem(line, "bad_quote", reason, first.rstrip("\r\n"))


def _line_of_open_quote(taken: list[tuple[int, str]], delimiter: str) -> int:
    """The line on which the quote opened that is open at the end of `taken`."""
    opened, inside, before = taken[0][0], False, delimiter
    for number, text in taken:
        for char in text:
            if char == '"' and inside:
                inside = False
            elif char == '"' and before == '"':  # doubled: still the same value
                inside = True
            elif char == '"' and before in (delimiter, "\n"):
                inside, opened = True, number
            before = char
    return opened


def _column_names(header: Record) -> list[str]:
    names = [name.strip() for name in header.values]
    while names and not names[-1]:
        names.pop()
    names = [name or f"column {index}" for index, name in enumerate(names, 1)]
    if len(names) > MAX_COLUMNS:
        raise FileRefused(
            "too_many_columns", f"The file has {len(names)} columns; {MAX_COLUMNS} is the most.", line=header.line
        )
    for name, count in Counter(names).items():
        _check_name(name, count, header.line)
    return names


def _check_name(name: str, count: int, line: int) -> None:
    if count > 1:
        message = f"The column “{name[:80]}” is there {count} times."
        raise FileRefused("duplicate_column", message, hint="Give each column its own name.", line=line)
    try:
        check_storable(name)
    except RowFault as fault:
        raise FileRefused(
            "bad_header", f"The header on line {line} cannot be used. {fault.reason}", line=line
        ) from None


def row_of(record: Record, names: Sequence[str]) -> Row | Problem:
    """The row that a record is under these names, or the problem with it."""
    values = record.values
    try:
        if len(values) != len(names):
            values = _fitted(values, names)
        for name, value in zip(names, values, strict=True):
            if len(value) > FIELD_CAP:
                raise RowFault(
                    "field_too_long", f"The value of “{name}” has {len(value)} characters; {FIELD_CAP} is the most."
                )
        if not record.raw.isascii() or "\0" in record.raw:
            check_storable(record.raw)
    except RowFault as fault:
        return fault.at(record.line, record.raw)
    return Row(record.line, dict(zip(names, values, strict=True)), record.raw)


def _fitted(values: list[str], names: Sequence[str]) -> list[str]:
    """Leave out empty values behind the last column; any other difference in number is a fault."""
    if len(values) > len(names) and not any(values[len(names) :]):
        return values[: len(names)]
    raise RowFault("column_count", f"The row has {len(values)} values; the header has {len(names)} columns.")
