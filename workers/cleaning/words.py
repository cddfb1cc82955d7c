"""Sensitive words: lists of words, Chinese and English, that drop a row, are masked, or are noted beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from workers.cleaning.base import Dropped, Facts, Option, RowStep, StepKind, register
from workers.cleaning.texts import WHICH, changed, texts_read
from workers.formats.chat import TrainingRow

MOST_WORDS = 10_000
FLAG = "flagged_words"  # the column beside the row
Finder = Callable[[str], Iterator[tuple[int, int, str]]]


def finder(words: Iterable[str]) -> Finder:
    """Where the words stand in a text: (start, end, the word as it was listed), the longest first of those that overlap.

    Letters of any case match. A word that begins or ends with a letter or digit of a script with spaces must stand alone there
    ("ass" is not in "class"); Chinese, Japanese and Korean words are found anywhere. Linear in the text (Aho and Corasick 1975).
    """
    import ahocorasick

    machine = ahocorasick.Automaton()
    for word in words:
        if plain := _lower(word.strip()):
            machine.add_word(plain, word.strip())
    if not len(machine):
        return lambda text: iter(())
    machine.make_automaton()

    def find(text: str) -> Iterator[tuple[int, int, str]]:
        lower, found = _lower(text), list[tuple[int, int, str]]()
        for last, word in machine.iter(lower):
            start, end = last + 1 - len(_lower(word)), last + 1
            if _stands_alone(lower, start, end):
                found.append((start, end, word))
        place = 0
        for start, end, word in sorted(found, key=lambda item: (item[0], -item[1])):
            if start >= place:
                yield start, end, word
                place = end

    return find


def _lower(text: str) -> str:
    """Lower case of the same length, so that places stay."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(map(_lower_one, text))


def _lower_one(character: str) -> str:
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = start > 0 and _is_spaced(text[start]) and _is_spaced(text[start - 1])
    after = end < len(text) and _is_spaced(text[end - 1]) and _is_spaced(text[end])
    return not before and not after


def _is_spaced(character: str) -> bool:
    """A letter or digit of a script that puts spaces between words."""
    if character.isascii():
        return character.isalnum() or character == "_"
    code = ord(character)
    is_east_asian = 0x2E80 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7AF or 0xF900 <= code <= 0xFAFF or code >= 0x20000
    return character.isalnum() and not is_east_asian and not 0xFF00 <= code <= 0xFFEF


def masked(text: str, find: Finder) -> str:
    """The text with a * for each character of a word that is found."""
    pieces, place = list[str](), 0
    for start, end, _word in find(text):
        pieces += [text[place:start], "*" * (end - start)]
        place = end
    return "".join([*pieces, text[place:]]) if place else text


def _make(options: Mapping[str, Any], facts: Facts) -> RowStep:
    find, which, action = finder(options["words"]), options["texts"], options["action"]
    if action == "mask":
        return lambda row: changed(row, lambda text: masked(text, find), which, facts.form)

    def step(row: TrainingRow) -> TrainingRow | Dropped:
        found = dict.fromkeys(word for text in texts_read(row, which) for _start, _end, word in find(text))
        if not found:
            return row
        return Dropped() if action == "drop" else _flagged(row, list(found))

    return step


def _flagged(row: TrainingRow, found: list[str]) -> TrainingRow:
    extra = json.loads(row.extra) if row.extra else {}
    said = [*extra.get(FLAG, []), *found] if isinstance(extra.get(FLAG), list) else found
    return row._replace(extra=json.dumps({**extra, FLAG: list(dict.fromkeys(said))}, ensure_ascii=False))


register(
    StepKind(
        "words",
        "Sensitive words",
        "Rows with a word of your list go, or the word is masked, or the row is noted. English words must stand alone.",
        "rows",
        (
            Option(
                "words",
                "words",
                "Words",
                [],
                least=1,
                most=MOST_WORDS,
                help="One a line, in any language; upper and lower case are the same.",
                is_required=True,
            ),
            Option(
                "action",
                "choice",
                "What happens",
                "drop",
                ("drop", "mask", "flag"),
                choice_labels=("the row goes", "the word becomes ***", "the row is noted in flagged_words"),
            ),
            WHICH,
        ),
        _make,
    )
)
