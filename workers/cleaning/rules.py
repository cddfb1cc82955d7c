"""Regular expressions: find and replace in texts, and rows that match kept or dropped.

Matched by RE2 (package google-re2), whose time grows with the length of the text and never faster, whatever the pattern. What it
lacks (look-around and back references) is told by name when the recipe is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workers.cleaning.base import Dropped, Facts, Option, RowStep, StepKind, register
from workers.cleaning.texts import WHICH, text_step, texts_read
from workers.failures import UserError
from workers.formats.chat import TrainingRow

MOST_LETTERS = 1_000  # of a pattern
_LACKING = (
    (re.compile(r"\(\?[=!]"), "look-ahead", "(?=...) or (?!...)"),
    (re.compile(r"\(\?<[=!]"), "look-behind", "(?<=...) or (?<!...)"),
    (re.compile(r"(?<!\\)(?:\\\\)*(?:\\[1-9]|\(\?P=)"), "back references", r"\1 within the pattern"),
    (re.compile(r"\(\?>|[*+?}]\+"), "atomic groups and possessive repeats", "(?>...) or a++"),
)
_PART = re.compile(r"\\(\\|n|t|[0-9]|g<(\w+)>)")
_ESCAPES = {"\\": "\\", "n": "\n", "t": "\t"}


def compiled(pattern: str, *, ignores_case: bool = False) -> Any:
    """The pattern for RE2. Raises UserError that says what is wrong with it, and what RE2 lacks."""
    import re2

    options = re2.Options()
    options.case_sensitive = not ignores_case
    options.log_errors = False
    options.max_mem = 8 << 20  # bytes that one pattern may use
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        for lacking, name, how in _LACKING:
            if lacking.search(pattern):
                told = f"The pattern uses {name}, which RE2 has not: {how}."
                hint = "Match what stands around too, and put it back with \\1 in the replacement."
                raise UserError(told, hint, "pattern") from None
        said = error.args[0] if error.args else ""
        said = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise UserError(
            f"The pattern cannot be read: {said[:200]}.", "The rules are those of RE2.", "pattern"
        ) from None


def template_parts(replacement: str, pattern: Any) -> list[str | int]:
    """The replacement as texts and numbers of groups; \\0 is the whole match. Raises UserError for a group that is not there."""
    parts, place = list[str | int](), 0
    for match in _PART.finditer(replacement):
        parts.append(replacement[place : match.start()])
        place = match.end()
        what, name = match.group(1), match.group(2)
        if what in _ESCAPES:
            parts.append(_ESCAPES[what])
            continue
        group = int(name or what) if (name or what).isdigit() else pattern.groupindex.get(name, -1)
        if not 0 <= group <= pattern.groups:
            told = f"The replacement names the group {match.group()}, which the pattern has not."
            raise UserError(told, f"The pattern has {pattern.groups} groups.", "replacement")
        parts.append(group)
    return [part for part in [*parts, replacement[place:]] if part != ""]


def _check_replace(options: Mapping[str, Any]) -> None:
    template_parts(options["replacement"] or "", _pattern(options))


def _check_rows(options: Mapping[str, Any]) -> None:
    _pattern(options)


def _pattern(options: Mapping[str, Any]) -> Any:
    return compiled(options["pattern"], ignores_case=options["ignore_case"])


def _make_replace(options: Mapping[str, Any], facts: Facts) -> RowStep:
    pattern = _pattern(options)
    parts = template_parts(options["replacement"] or "", pattern)

    def filled(match: Any) -> str:
        return "".join(part if isinstance(part, str) else match.group(part) or "" for part in parts)

    return text_step(lambda text: pattern.sub(filled, text), options, facts)


def _make_rows(options: Mapping[str, Any], facts: Facts) -> RowStep:
    pattern, which, keeps = _pattern(options), options["texts"], options["action"] == "keep"

    def step(row: TrainingRow) -> TrainingRow | Dropped:
        matches = any(pattern.search(text) is not None for text in texts_read(row, which))
        return row if matches == keeps else Dropped()

    return step


_PATTERN = Option(
    "pattern", "text", "Pattern", "", least=1, most=MOST_LETTERS, help="A regular expression of RE2.", is_required=True
)
_IGNORE_CASE = Option("ignore_case", "bool", "Upper and lower case are the same", False)

register(
    StepKind(
        "regex",
        "Find and replace",
        "What matches a regular expression becomes something else; \\1 stands for the first group.",
        "text",
        (_PATTERN, Option("replacement", "text", "Becomes", "", most=5_000), _IGNORE_CASE, WHICH),
        _make_replace,
        check=_check_replace,
    )
)
register(
    StepKind(
        "matching",
        "Rows that match",
        "Rows in which a regular expression is found go, or are all that stays.",
        "rows",
        (
            _PATTERN,
            Option(
                "action", "choice", "Such rows", "drop", ("drop", "keep"), choice_labels=("go", "are all that stays")
            ),
            _IGNORE_CASE,
            WHICH,
        ),
        _make_rows,
        check=_check_rows,
    )
)
