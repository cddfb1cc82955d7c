"""Steps that change every text of a row, or those of one side of the conversation, each by itself."""

# ruff: noqa: RUF001
from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workers.cleaning.base import Dropped, Facts, Option, RowStep, StepKind, register
from workers.failures import UserError
from workers.formats.chat import TrainingRow
from workers.formats.forms import content_of_row, texts_of, with_texts
from workers.formats.problems import RowFault
from workers.texts import CODE, repair_unicode, strip_html, tidy_spaces

EMPTIED = "empty"  # why a row goes of which a step left nothing to learn from
SIDES = {"questions": "user", "answers": "assistant"}
WHICH = Option(
    "texts",
    "choice",
    "Texts",
    "all",
    ("all", *SIDES),
    choice_labels=("all texts", "questions only", "answers only"),
)
TextChange = Callable[[str], str]


def roles_of(row: TrainingRow) -> list[str]:
    """The role of each of `texts_of(row)`; "" for a text that is no turn."""
    roles = [message.role for message in row.messages]
    if row.content:
        roles += [turn["role"] for turn in content_of_row(row).get("rejected", ())]
    return roles


def texts_read(row: TrainingRow, which: str = "all") -> list[str]:
    """The texts of a row to judge it by: those of `texts_of`, and the text of ner, which may be read but not changed."""
    texts = texts_of(row)
    if which != "all":
        return [text for text, role in zip(texts, roles_of(row), strict=False) if role == SIDES[which]]
    content = content_of_row(row) if row.content and not texts else {}
    return [*texts, content["text"]] if "spans" in content else texts


def changed(row: TrainingRow, change: TextChange, which: str, form: str) -> TrainingRow | Dropped:
    """The row with the chosen texts changed; dropped when that leaves nothing to learn from."""
    before = texts_of(row)
    if which == "all":
        after = [change(text) for text in before]
    else:
        roles, wanted = roles_of(row), SIDES[which]
        roles += [""] * (len(before) - len(roles))
        after = [change(text) if role == wanted else text for text, role in zip(before, roles, strict=True)]
    if after == before:
        return row
    try:
        return with_texts(row, after, form=form)
    except RowFault:
        return Dropped(EMPTIED)


def text_step(change: TextChange, options: Mapping[str, Any], facts: Facts) -> RowStep:
    """A step that makes each chosen text another."""
    which, form = options.get("texts") or "all", facts.form
    return lambda row: changed(row, change, which, form)


def outside_code(change: TextChange) -> TextChange:
    """The change, without what stands between back ticks."""

    def careful(text: str) -> str:
        if "`" not in text:
            return change(text)
        return "".join(part if number % 2 else change(part) for number, part in enumerate(CODE.split(text)))

    return careful


def _plain(name: str, label: str, help: str, change: TextChange) -> None:
    make = lambda options, facts: text_step(change, options, facts)  # noqa: E731
    register(StepKind(name, label, help, "text", (WHICH,), make))


_plain(
    "html",
    "Strip HTML",
    "Tags, comments and scripts go, entities become characters. Code between back ticks stays.",
    strip_html,
)
_plain(
    "unicode",
    "Repair Unicode",
    "Letters that were decoded wrongly come back, control characters go.",
    repair_unicode,
)
_plain(
    "whitespace",
    "Tidy white space",
    "Runs of spaces and empty lines become one; odd spaces become plain ones.",
    tidy_spaces,
)


# Special characters

_PICTURES = (
    "\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u25fd\u25fe\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f000-\U0001f1ff\U0001f200-\U0001f2ff\U0001f300-\U0001faff"
)
_MARKS = "\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
_SHOWN = (  # of the older blocks, what is a picture even without the mark that makes it one
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4"
    "\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f000-\U0001f1ff\U0001f200-\U0001f2ff\U0001f300-\U0001faff"
)


def _emoji(beginnings: str) -> re.Pattern[str]:
    joined = rf"(?:\u200d[{_PICTURES}][{_MARKS}]*)*"
    return re.compile(
        rf"[0-9#*]\ufe0f?\u20e3|[{beginnings}][{_MARKS}]*{joined}|[{_PICTURES}]\ufe0f[{_MARKS}]*{joined}|[©®™‼⁉ℹ↔-↪]\ufe0f"
    )


_EMOJI, _SHOWN_EMOJI = _emoji(_PICTURES), _emoji(_SHOWN)
CLASSES = ("control", "emoji", "private", "symbols")
_CATEGORIES = {"control": ("Cc", "Cf"), "private": ("Co",), "symbols": ("So", "Sk", "Sm", "Sc")}
_NEEDED = frozenset("\n\t\u200c\u200d")  # line ends, and the joiners that scripts of India and Persia are written with


class _Removal(dict[int, int | None]):
    """A table for str.translate that looks a character's category up when it first meets it."""

    def __init__(self, categories: frozenset[str], kept: frozenset[str]) -> None:
        self._categories, self._kept = categories, kept

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        goes = unicodedata.category(character) in self._categories and character not in self._kept
        self[code] = None if goes else code
        return self[code]


def drop_characters(classes: list[str], keep: str = "") -> TextChange:
    """A change that removes the characters of some CLASSES but for those in `keep`. Emoji go whole: with their skin tones and
    joiners. Line ends, tabs and the joiners of scripts always stay."""
    kept = frozenset(keep) | _NEEDED
    table = _Removal(frozenset(code for name in classes for code in _CATEGORIES.get(name, ())), kept)

    def picture(match: re.Match[str]) -> str:
        return match.group() if any(character in keep for character in match.group()) else ""

    def change(text: str) -> str:
        if "emoji" in classes and not text.isascii():
            text = _EMOJI.sub(picture, text)
        elif "symbols" in classes and not text.isascii():
            return "".join(_apart(text, table))
        return text.translate(table)

    return change


def _apart(text: str, table: _Removal) -> Iterator[str]:
    """The text without its symbols but with its emoji, which are symbols too."""
    place = 0
    for match in _SHOWN_EMOJI.finditer(text):
        yield text[place : match.start()].translate(table)
        yield match.group()
        place = match.end()
    yield text[place:].translate(table)


register(
    StepKind(
        "characters",
        "Drop special characters",
        "Characters of the chosen classes go, wherever they stand.",
        "text",
        (
            Option(
                "classes",
                "choices",
                "Classes",
                ["control", "private"],
                CLASSES,
                is_required=True,
                choice_labels=("control characters", "emoji", "private use", "symbols"),
            ),
            Option("keep", "text", "But keep", "", most=1000, help="Characters that stay, such as €°."),
            WHICH,
        ),
        lambda options, facts: text_step(drop_characters(options["classes"], options["keep"] or ""), options, facts),
    )
)


# Case

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE = re.compile(r"(?:\A|(?<=[.!?。！？\n]))([\s\"'“‘(\[]*)([^\W\d_])")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_WIDE_WORDS = {code: plain for code, plain in _WIDE.items() if chr(plain).isalnum()}
CASES: dict[str, TextChange] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": lambda text: _WORD.sub(lambda word: word.group()[0].upper() + word.group()[1:].lower(), text),
    "sentence": lambda text: _SENTENCE.sub(lambda start: start.group(1) + start.group(2).upper(), text.lower()),
    "half_width": lambda text: text.translate(_WIDE_WORDS),
    "half_width_all": lambda text: text.translate(_WIDE),
}


def _make_case(options: Mapping[str, Any], facts: Facts) -> RowStep:
    change = CASES[options["to"]]
    return text_step(change if options["to"].startswith("half") else outside_code(change), options, facts)


register(
    StepKind(
        "case",
        "Change case",
        "Upper and lower case, or the full-width letters of Chinese input as plain ones. Code between back ticks keeps its case.",
        "text",
        (
            Option(
                "to",
                "choice",
                "To",
                "lower",
                tuple(CASES),
                choice_labels=(
                    "lower case",
                    "UPPER CASE",
                    "Title Case",
                    "Sentence case",
                    "half-width letters and digits",
                    "half-width, punctuation too",
                ),
            ),
            WHICH,
        ),
        _make_case,
    )
)


# Length

MAX_CHARACTERS = 10_000_000
_LIMITS = ("min_characters", "max_characters", "min_tokens", "max_tokens")


def _check_limits(options: Mapping[str, Any]) -> None:
    if all(options[name] is None for name in _LIMITS):
        raise UserError("The length filter needs a least or a greatest length.", "", "min_characters")
    for unit in ("characters", "tokens"):
        least, most = options[f"min_{unit}"], options[f"max_{unit}"]
        if least is not None and most is not None and least > most:
            told = f"The least length, {least}, is above the greatest, {most}."
            raise UserError(told, "Exchange them.", f"min_{unit}")


def _counter(facts: Facts) -> Callable[[str], int]:
    """Counts tokens as the tokenizer of a base model does, without the marks of its chat template. Raises UserError."""
    if facts.model_dir is None:
        raise UserError("To count tokens, choose the base model that counts them.", "", "model")
    from tokenizers import Tokenizer

    path = facts.model_dir / "tokenizer.json"
    if not path.is_file():
        raise UserError("This base model has no tokenizer.json.", "Choose another, or limit characters.", "model")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))


def _make_length(options: Mapping[str, Any], facts: Facts) -> RowStep:
    of, checks = options["of"], list[tuple[Callable[[str], int], int, float]]()
    for unit in ("characters", "tokens"):
        least, most = options[f"min_{unit}"], options[f"max_{unit}"]
        if least is not None or most is not None:
            count = len if unit == "characters" else _counter(facts)
            checks.append((count, least or 0, float("inf") if most is None else most))

    def step(row: TrainingRow) -> TrainingRow | Dropped:
        texts = [row.messages[-1].content] if of == "answer" and row.messages else texts_read(row)
        fits = all(least <= sum(map(count, texts)) <= most for count, least, most in checks)
        return row if fits else Dropped()

    return step


register(
    StepKind(
        "length",
        "Filter by length",
        "Rows that are too short or too long go. Tokens are counted by the base model that is to learn from them.",
        "rows",
        (
            Option(
                "of",
                "choice",
                "Length of",
                "answer",
                ("answer", "conversation"),
                choice_labels=("the last answer", "the whole row"),
            ),
            Option("min_characters", "integer", "Least characters", least=0, most=MAX_CHARACTERS),
            Option("max_characters", "integer", "Most characters", least=0, most=MAX_CHARACTERS),
            Option("min_tokens", "integer", "Least tokens", least=0, most=MAX_CHARACTERS),
            Option("max_tokens", "integer", "Most tokens", least=0, most=MAX_CHARACTERS),
            Option("model", "text", "Counted by", "", most=200, help="The base model whose tokens are counted."),
        ),
        _make_length,
        check=_check_limits,
    )
)
