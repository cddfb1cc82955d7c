"""Two texts as one, with what was taken out and what came in marked: for the preview of a cleaning. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

SHOWN = 400  # characters of each text, around the first difference
LEAD = 60  # of them before it
_VISIBLE = str.maketrans(
    {" ": "\N{MIDDLE DOT}", "\t": "\N{RIGHTWARDS ARROW}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}\n"}
)
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: `kind` is "same", "out" or "in". White space that goes is shown by signs."""

    kind: str
    text: str


def differences(before: str, after: str) -> list[Piece]:
    """The texts around their first difference, word by word; an ellipsis where something was left out."""
    pairs = enumerate(zip(before, after, strict=False))
    start = max(next((place for place, (a, b) in pairs if a != b), min(len(before), len(after))) - LEAD, 0)
    lead, tail = "…" if start else "", "…" if max(len(before), len(after)) > start + SHOWN else ""
    pieces = list(_pieces(before[start : start + SHOWN], after[start : start + SHOWN]))
    return [*([Piece("same", lead)] if lead else []), *pieces, *([Piece("same", tail)] if tail else [])]


def _pieces(before: str, after: str) -> Iterator[Piece]:
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(old[a:b]))
            continue
        gone, come = "".join(old[a:b]), "".join(new[c:d])
        if gone:
            yield Piece("out", gone if gone.strip() else gone.translate(_VISIBLE))
        if come:
            yield Piece("in" if come.strip() else "same", come)
