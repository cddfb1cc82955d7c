"""CoNLL-2003: a token a line with its BIO tag. Pure.

Tokens are runs of letters and digits, single signs, and single characters of scripts written without spaces. A span that begins or
ends within a token cuts it there, so that no marked character is lost.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BEGIN = "-DOCSTART- -X- O\n\n"
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+|[^\w\s]")


def tokens(text: str, cuts: frozenset[int] = frozenset()) -> Iterator[tuple[int, int]]:
    """Where each token of a text begins and ends, in characters; also cut at the places `cuts`."""
    for found in _TOKEN.finditer(text):
        start = found.start()
        for end in sorted({place for place in cuts if found.start() < place < found.end()} | {found.end()}):
            yield start, end
            start = end


def document(text: str, spans: Sequence[Mapping[str, Any]]) -> str:
    """A text as CoNLL. Where spans overlap, the one that begins first counts, and of those the longest."""
    flat = _without_overlap(spans)
    cuts = frozenset(place for span in flat for place in (span["start"], span["end"]))
    lines, before = [], None
    for start, end in tokens(text, cuts):
        span = next((span for span in flat if span["start"] <= start < span["end"]), None)
        lines.append(f"{text[start:end]} -X- _ {_tag(span, is_first=span is not before)}\n")
        before = span
    return "".join(lines) + "\n"


def _without_overlap(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    kept: list[Mapping[str, Any]] = []
    for span in sorted(spans, key=lambda span: (span["start"], -span["end"])):
        if not kept or span["start"] >= kept[-1]["end"]:
            kept.append(span)
    return kept


def _tag(span: Mapping[str, Any] | None, *, is_first: bool) -> str:
    if span is None:
        return "O"
    label = re.sub(r"\s+", "_", span["labels"][0])
    return f"B-{label}" if is_first else f"I-{label}"
