"""Lines of a byte stream at constant memory: a line longer than the cap is reported, skipped, never held."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np

from workers.formats.problems import Problem

LINE_CAP = 4 * 2**20  # bytes (B19)
PIECE = 2**20  # bytes of lines given to another process at once


def read_lines(stream: io.BufferedReader, *, cap: int = LINE_CAP) -> Iterator[tuple[int, bytes] | Problem]:
    """Yield (1-based number, line with its line end), or a Problem for a line longer than `cap` bytes.

    Lines end with LF or CRLF; in a file that has CR only (old Macintosh) they end with CR.
    """
    if has_cr_only(stream):
        yield from _split_at_cr(stream, cap)
    else:
        yield from lines_of_piece(stream, 1, cap=cap)


def has_cr_only(stream: io.BufferedReader) -> bool:
    """Whether lines end with CR alone, as the first of them tell."""
    head = stream.peek(65536)[:65536]
    return b"\r" in head and b"\n" not in head


def pieces(stream: io.BufferedReader, *, size: int = PIECE, cap: int = LINE_CAP) -> Iterator[tuple[int, bytes]]:
    """Cut a stream into (number of its first line, whole lines of about `size` bytes), for `lines_of_piece`."""
    number = 1
    while data := stream.read(size):
        if not data.endswith(b"\n"):
            data += stream.readline(cap + 1)
        yield number, data
        number += count_lines(data)
        if not data.endswith(b"\n"):  # a line longer than the cap, or the last one
            _skip_to_end(stream, cap)
            number += 1


def count_lines(data: bytes) -> int:
    """How many LF there are; at a tenth of the time that `bytes.count` takes."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def lines_of_piece(
    stream: io.BufferedReader, first: int, *, cap: int = LINE_CAP
) -> Iterator[tuple[int, bytes] | Problem]:
    """Yield as `read_lines` does, from line number `first` on; lines end with LF or CRLF."""
    number = first - 1
    while line := stream.readline(cap + 1):
        number += 1
        if len(line) <= cap or line.endswith(b"\n"):
            yield number, line
        else:
            yield too_long(number, line, cap)
            _skip_to_end(stream, cap)


def too_long(number: int, start: bytes, cap: int) -> Problem:
    """The problem of a line longer than `cap` bytes, with its beginning as the excerpt."""
    raw = start[:4096].decode("utf-8", "replace")
    return Problem(number, "line_too_long", f"The line is longer than {cap // 2**20} MiB.", raw)


def _skip_to_end(stream: io.BufferedReader, cap: int) -> None:
    while (rest := stream.readline(cap)) and not rest.endswith(b"\n"):
        pass


def _split_at_cr(stream: io.BufferedReader, cap: int) -> Iterator[tuple[int, bytes] | Problem]:
    number, held, skipping = 1, b"", False
    while block := stream.read(65536):
        *whole, held = (held + block).split(b"\r")
        for line in whole:
            if skipping:
                skipping = False
            else:
                yield number, line + b"\n"
            number += 1
        if len(held) > cap:
            if not skipping:
                yield too_long(number, held, cap)
            held, skipping = b"", True
    if held and not skipping:
        yield number, held
