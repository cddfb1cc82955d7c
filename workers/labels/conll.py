"""CoNLL: a token a line with its tag last; a blank line ends a text. Tags are IOB, BIO or BIOES."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from workers.formats.lines import read_lines
from workers.formats.problems import FileRefused, Problem
from workers.labels.found import Found

MOST_TOKENS = 100_000  # of one text
_TAG = re.compile(r"O|[BIESLU]-\S+")
DOCUMENT = "-DOCSTART-"


def is_conll(head: str) -> bool:
    """Whether a text begins as CoNLL: the first lines are tokens with a tag."""
    lines = [line.split() for line in head.splitlines()[:20] if line.strip()][:-1] or [head.split()]
    rows = [words for words in lines if words and words[0] != DOCUMENT]
    is_tagged = all(len(words) >= 2 and _TAG.fullmatch(words[-1]) for words in rows)
    return head.lstrip("\ufeff").startswith(DOCUMENT) or (bool(rows) and is_tagged)


def read_conll(stream: io.BufferedReader) -> Iterator[Found]:
    """A record for each text, with its tokens and tags."""
    tokens: list[list[str]] = []
    begin, fault = 0, ""
    for item in read_lines(stream):
        if isinstance(item, Problem):
            raise FileRefused(item.code, f"Line {item.line}: {item.reason}", line=item.line)
        number, words = item[0], item[1].decode("utf-8", "replace").lstrip("\ufeff").split()
        if not words or words[0] == DOCUMENT:
            if tokens or fault:
                yield _text(begin, tokens, fault)
            tokens, begin, fault = [], 0, ""
            continue
        begin = begin or number
        if len(words) < 2 or not _TAG.fullmatch(words[-1]):
            fault = fault or f"Line {number}: a token and, last, a tag such as O or B-LABEL are expected."
        elif len(tokens) >= MOST_TOKENS:
            fault = fault or f"A text has at most {MOST_TOKENS} tokens."
        else:
            tokens.append([words[0], words[-1]])
    if tokens or fault:
        yield _text(begin, tokens, fault)


def _text(line: int, tokens: list[list[str]], fault: str) -> Found:
    place = f"line {line}"
    if fault:
        return Found(place, fault=fault)
    words = "".join(token for token, _tag in tokens)
    return Found(place, words=words, answers=[{"tokens": tokens, "person": "", "seconds": 0.0, "created": ""}])


def squeezed(text: str) -> str:
    """A text without its white space, as its tokens joined are."""
    return re.sub(r"\s+", "", text)


def spans(text: str, tokens: Sequence[Sequence[str]]) -> list[tuple[int, int, str]]:
    """(start, end, label) of each tagged run of tokens, in characters of the text; the tokens are those of this text, in order."""
    found: list[tuple[int, int, str]] = []
    at, before = 0, ""
    for token, tag in tokens:
        start = text.index(token[0], at)
        at = start
        for letter in token:
            at = text.index(letter, at) + 1
        mark, _dash, label = tag.partition("-")
        if mark in ("I", "E", "L") and label == before and found:
            found[-1] = (found[-1][0], at, label)
        elif label:
            found.append((start, at, label))
        before = "" if mark in ("E", "L", "S", "U") else label
    return found
