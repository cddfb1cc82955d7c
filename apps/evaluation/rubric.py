"""What raters go by: criteria with a question and a sentence for each score from 0 to 5. Pure but for the words."""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem

LEVELS = 6
MOST_CRITERIA = 6
LONGEST_ANCHOR = 300
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")

DEFAULT: tuple[dict[str, Any], ...] = (
    {
        "key": "relevance",
        "name": gettext_lazy("Relevance"),
        "question": gettext_lazy("Does it answer what was asked?"),
        "anchors": (
            gettext_lazy("About something else, or no answer at all."),
            gettext_lazy("Touches the subject but answers none of the question."),
            gettext_lazy("Answers a small part; the main point is missing."),
            gettext_lazy("Answers the main point; a part is missing or much of it was not asked."),
            gettext_lazy("Answers everything; a sentence or two could go."),
            gettext_lazy("Answers every part of the question and nothing that was not asked."),
        ),
    },
    {
        "key": "fluency",
        "name": gettext_lazy("Fluency"),
        "question": gettext_lazy("Is it easy to read?"),
        "anchors": (
            gettext_lazy("Not language: fragments, endless repetition, or the wrong language."),
            gettext_lazy("Hard to follow; most sentences are broken."),
            gettext_lazy("Some sentences have to be read twice."),
            gettext_lazy("Clear, with small errors or clumsy phrases."),
            gettext_lazy("One phrase is stiff; nothing to read twice."),
            gettext_lazy("Reads as if a careful colleague had written it."),
        ),
    },
    {
        "key": "accuracy",
        "name": gettext_lazy("Accuracy"),
        "question": gettext_lazy("Is every statement true?"),
        "anchors": (
            gettext_lazy("False throughout, or dangerous if followed."),
            gettext_lazy("The main statement is false."),
            gettext_lazy("True and false mixed: it cannot be relied on."),
            gettext_lazy("The main statement is true; a detail is false or made up."),
            gettext_lazy("True; one detail is vague or could mislead."),
            gettext_lazy("Every statement is true and can be checked."),
        ),
    },
)


def default() -> list[dict[str, Any]]:
    """The usual three criteria, in the language of the person who makes the round."""
    return [
        {
            **{name: str(one[name]) for name in ("key", "name", "question")},
            "anchors": [str(text) for text in one["anchors"]],
        }
        for one in DEFAULT
    ]


def checked(given: Any) -> list[dict[str, Any]]:
    """A rubric as a person or program sent it. Raises Problem naming the place."""
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_CRITERIA:
        raise Problem(_("A rubric has 1 to %(most)s criteria.") % {"most": MOST_CRITERIA}, field="rubric")
    found = [_criterion(one, f"rubric.{place}") for place, one in enumerate(given)]
    if len({one["key"] for one in found}) < len(found):
        raise Problem(_("Two criteria have the same key."), field="rubric")
    return found


def _criterion(given: Any, field: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Problem(_("A criterion has key, name, question and anchors."), field=field)
    key, anchors = given.get("key"), given.get("anchors")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise Problem(_("A key is a small letter followed by small letters, digits and _."), field=f"{field}.key")
    if not isinstance(anchors, list | tuple) or len(anchors) != LEVELS:
        message = _("A criterion has a sentence for each of its %(levels)s levels, 0 first.") % {"levels": LEVELS}
        raise Problem(message, field=f"{field}.anchors")
    sentences = [_text(text, f"{field}.anchors.{level}", LONGEST_ANCHOR) for level, text in enumerate(anchors)]
    name = _text(given.get("name"), f"{field}.name", 40)
    question = _text(given.get("question", ""), f"{field}.question", 200, may_be_empty=True)
    return {"key": key, "name": name, "question": question, "anchors": sentences}


def _text(given: Any, field: str, most: int, *, may_be_empty: bool = False) -> str:
    text = given.strip() if isinstance(given, str) else ""
    if (not text and not may_be_empty) or len(text) > most:
        raise Problem(_("Write 1 to %(most)s characters here.") % {"most": most}, field=field)
    return text
