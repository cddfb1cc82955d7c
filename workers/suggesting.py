"""What rules say of a text: patterns and word lists, each for one option of a question. Torch-free; the page's preview runs the same code.

Patterns are matched by RE2 (package google-re2) and words by one automaton (Aho and Corasick 1975): both take time that grows with the
length of the text and never faster, whatever is asked for. Between two of them the clock of the row is looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.cleaning.rules import compiled
from workers.cleaning.words import finder
from workers.failures import UserError

RULES, WORDS, FUNCTIONS = "rules", "words", "functions"
MOST_LINES = 200  # patterns or functions of a suggester
MOST_PATTERN = 500  # characters
MOST_WORDS = 10_000  # of a suggester
MOST_SPANS = 200  # of a task
ROW_SECONDS = 2.0
ABSTAINS = -1
WORDS_MARK = "words:"  # what a function begins with that is a list of words and no pattern
MARKED = ("Labels", "ParagraphLabels")
Find = Callable[[str], Iterator[tuple[int, int]]]


class TooSlow(Exception):
    """The rules took longer than a row may take."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something to look for, and the option that it speaks for. `said` is the line as it was written; of a word list, which is one rule,
    how long it is (`is_listed`)."""

    option: str
    said: str
    find: Find
    is_listed: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A place in one of the texts of a task; offsets count characters."""

    turn: int
    start: int
    end: int
    label: str

    def as_dict(self) -> dict[str, Any]:
        return {"turn": self.turn, "start": self.start, "end": self.end, "label": self.label}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the kind of a Label Studio control, its options in order, and whether several may be chosen."""

    kind: str
    options: tuple[str, ...]
    multiple: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What the rules suggest: options, or spans. `score` is the share of the matching lines that speak for it."""

    value: list[Any]
    score: float


class Clock:
    """Raises TooSlow when a row has taken too long."""

    def __init__(self, seconds: float = ROW_SECONDS) -> None:
        self._until = time.monotonic() + seconds

    def look(self) -> None:
        if time.monotonic() > self._until:
            raise TooSlow


def read_rules(
    way: str, lines: Mapping[str, Sequence[str]], options: Sequence[str], *, ignores_case: bool
) -> list[Rule]:
    """The rules of a suggester, in the order of the options. Raises UserError that names the option and the line."""
    for option in lines:
        if option not in options:
            known = ", ".join(options[:12])
            raise UserError(f"There is no option “{str(option)[:64]}”.", f"There is: {known}.", f"lines.{option}")
    rules: list[Rule] = []
    for option in options:
        told = [line.strip() for line in lines.get(option, ()) if line.strip()]
        rules += _of_words(option, told) if way == WORDS else _of_lines(option, told, way, ignores_case)
    if not rules:
        raise UserError("Nothing is looked for yet.", "Write a line for an option at least.", "lines")
    if way != WORDS and len(rules) > MOST_LINES:
        raise UserError(f"There are {len(rules)} lines; at most {MOST_LINES} are taken.", "Join some with |.", "lines")
    if sum(len(lines.get(option, ())) for option in options) > MOST_WORDS:
        raise UserError(f"At most {MOST_WORDS} lines are taken.", "Leave the rarest words out.", "lines")
    return rules


def _of_words(option: str, words: Sequence[str]) -> list[Rule]:
    if not words:
        return []
    long = next((word for word in words if len(word) > MOST_PATTERN), None)
    if long is not None:
        raise UserError(f"A word has at most {MOST_PATTERN} characters.", long[:60], f"lines.{option}")
    return [Rule(option, f"{len(words)} words", _places(finder(words)), is_listed=True)]


def _of_lines(option: str, lines: Sequence[str], way: str, ignores_case: bool) -> list[Rule]:
    return [Rule(option, line, _find(option, number, line, way, ignores_case)) for number, line in enumerate(lines, 1)]


def _find(option: str, number: int, line: str, way: str, ignores_case: bool) -> Find:
    place = f"lines.{option}.{number}"
    if way == FUNCTIONS and line.casefold().startswith(WORDS_MARK):
        words = [word.strip() for word in line[len(WORDS_MARK) :].split(",") if word.strip()]
        if not words:
            raise UserError(f"Line {number} of “{option}” lists no word.", "words: parcel, delivery", place)
        return _places(finder(words))
    if len(line) > MOST_PATTERN:
        message = f"Line {number} of “{option}” has more than {MOST_PATTERN} characters."
        raise UserError(message, "Write several lines.", place)
    try:
        pattern = compiled(line, ignores_case=ignores_case)
    except UserError as error:
        raise UserError(f"Line {number} of “{option}”: {error.message}", error.hint, place) from None
    return lambda text: (match.span() for match in pattern.finditer(text))


def _places(find: Callable[[str], Iterator[tuple[int, int, str]]]) -> Find:
    return lambda text: ((start, end) for start, end, _word in find(text))


def votes(rules: Sequence[Rule], texts: Sequence[str], clock: Clock) -> list[Rule]:
    """The rules that find something. Raises TooSlow."""
    found = []
    for rule in rules:
        clock.look()
        if any(next(rule.find(text), None) is not None for text in texts):
            found.append(rule)
    return found


def words_found(rule: Rule, texts: Sequence[str], most: int = 3) -> list[str]:
    """The first words that a rule finds in these texts, each once however it is written; a match of nothing is left out."""
    found: dict[str, str] = {}
    for text in texts:
        for start, end in rule.find(text):
            if text[start:end].strip():
                found.setdefault(text[start:end].casefold(), text[start:end])
            if len(found) == most:
                return list(found.values())
    return list(found.values())


def suggest(question: Question, rules: Sequence[Rule], texts: Sequence[str], clock: Clock) -> Said | None:
    """What the rules suggest for a task with these texts; None where they say nothing, or as much for one option as for another."""
    if question.kind in MARKED:
        spans = _spans(rules, texts, clock)
        return Said([span.as_dict() for span in spans], 1.0) if spans else None
    counts = Counter(rule.option for rule in votes(rules, texts, clock))
    if not counts:
        return None
    if question.multiple:
        return Said([option for option in question.options if option in counts], 1.0)
    (best, most), *others = counts.most_common()
    if others and others[0][1] == most:
        return None
    return Said([best], most / counts.total())


def _spans(rules: Sequence[Rule], texts: Sequence[str], clock: Clock) -> list[Span]:
    """All places that are found; of those with one label that overlap, the first and longest."""
    found: list[Span] = []
    for turn, text in enumerate(texts):
        places: list[tuple[int, int, str]] = []
        for rule in rules:
            clock.look()
            places += [(start, -end, rule.option) for start, end in rule.find(text) if end > start]
        ends: dict[str, int] = {}
        for start, minus_end, label in sorted(places):
            if start >= ends.get(label, 0):
                ends[label] = -minus_end
                found.append(Span(turn, start, -minus_end, label))
    return found[:MOST_SPANS]
