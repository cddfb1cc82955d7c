"""What a model is asked about a task, and what its answer says: prompts filled in, numbers read, quotes found in the text. Pure.

Models miscount characters, so none is ever asked for a place: it lists labelled quotes, and where they stand is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from workers.suggesting import MARKED, MOST_SPANS, Question, Span

TEXT, OPTIONS, OPTION = "text", "options", "option"
WEIGH, EACH, NUMBER, WRITE, MARK = "weigh", "each", "number", "write", "mark"
YES_NO = ("yes", "no")
MOST_QUOTE = 500  # characters
_BULLET = re.compile(r"^\s*(?:[-*•·]+|\d{1,3}[.)])?\s*")
_QUOTES = "\"'`“”„‘’«»「」* \t"  # noqa: RUF001 - what models put around words
_END = ".,;:!?。，；：！？"  # noqa: RUF001
_NOTHING = {"", "none", "n/a", "-", "no", "nothing"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def way_of(question: Question) -> str:
    """How a question is put to a model: its options weighed against each other, each by itself, or an answer written and read."""
    if question.kind in MARKED:
        return MARK
    if question.options:
        return EACH if question.multiple else WEIGH
    return NUMBER if question.kind == "Number" else WRITE


def filled(template: str, words: Mapping[str, str]) -> str:
    """The template with each {name} of `words` replaced, all at once: nothing in a task's text is taken for a part of the template."""
    names = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.sub(rf"\{{({names})\}}", lambda found: words[found[1]], template)


def number_said(answer: str) -> float | None:
    """The first number of an answer ("4/5" says 4), None without one."""
    found = _NUMBER.search(answer)
    return float(found[0]) if found else None


def quotes_said(answer: str, labels: Sequence[str]) -> tuple[list[tuple[str, str]], int]:
    """([(label, quote)], lines with a label that is none of these). A line each, "label: quote"; "quote: label" and "quote (label)" are
    read too. Lines without a colon or brackets are talk and say nothing."""
    said, unknown = list[tuple[str, str]](), 0
    for line in answer.splitlines():
        told = _BULLET.sub("", line).strip().replace("**", "")
        pair = _pair(told, labels)
        if pair is None:
            unknown += bool(re.search(r":\s*\S", told)) and told.rpartition(":")[2].strip().casefold() not in _NOTHING
        elif pair[1].casefold() not in _NOTHING:
            said.append(pair)
    return said, unknown


def _pair(line: str, labels: Sequence[str]) -> tuple[str, str] | None:
    for label in sorted(labels, key=len, reverse=True):
        low = re.escape(label)
        if found := re.match(rf"[{_QUOTES}\[]*{low}[{_QUOTES}\]]*[:=]\s*", line, re.IGNORECASE):
            return label, line[found.end() :].strip(_QUOTES)
        if found := re.search(rf"[{_QUOTES}]*(?:[:=]|\()\s*[{_QUOTES}]*{low}[{_QUOTES}]*\)?\.?$", line, re.IGNORECASE):
            return label, line[: found.start()].strip(_QUOTES)
    return None


def spans_of(said: Sequence[tuple[str, str]], texts: Sequence[str]) -> tuple[list[Span], int]:
    """(where the quotes stand in the texts, quotes that stand nowhere). A quote that is listed again is its next place; of one label no two
    places overlap. White space and, where nothing else fits, upper and lower case may differ; the offsets are those of the text."""
    found, unfound = list[Span](), set[str]()
    for label, quote in said:
        for piece in _pieces(quote, texts):
            place = next(_free(label, piece, texts, found), None)
            if place is not None:
                found.append(place)
            elif next(_places(piece, texts), None) is None:
                unfound.add(piece)
    return sorted(found, key=lambda one: (one.turn, one.start, one.end))[:MOST_SPANS], len(unfound)


def _pieces(quote: str, texts: Sequence[str]) -> list[str]:
    """The quote, without its full stop where it stands only so; or what it lists with commas."""
    for whole in (quote, quote.rstrip(_END)):
        if next(_places(whole, texts), None) is not None:
            return [whole]
    listed = [piece.strip(_QUOTES).rstrip(_END) for piece in re.split(r"[,;、，]", quote)]  # noqa: RUF001
    return [piece for piece in listed if piece] if len(listed) > 1 else [quote]


def _free(label: str, quote: str, texts: Sequence[str], taken: Sequence[Span]) -> Iterator[Span]:
    for turn, start, end in _places(quote, texts):
        mine = (one for one in taken if one.label == label and one.turn == turn)
        if all(end <= one.start or start >= one.end for one in mine):
            yield Span(turn, start, end, label)


def _places(quote: str, texts: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """(turn, start, end) of a quote. Words of scripts with spaces stand alone: “US” is not in “USED”."""
    words = quote.split()
    if not words or len(quote) > MOST_QUOTE:
        return
    body = r"\s+".join(map(re.escape, words))
    pattern = rf"(?<![A-Za-z0-9_]){body}(?![A-Za-z0-9_])" if quote.isascii() else body
    for how in (re.compile(pattern), re.compile(pattern, re.IGNORECASE)):
        found = [(turn, one.start(), one.end()) for turn, text in enumerate(texts) for one in how.finditer(text)]
        if found:
            yield from found
            return
