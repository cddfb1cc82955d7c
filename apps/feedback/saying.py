"""What may be said in a feedback, and what is told when it may not."""

import math
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.feedback.models import BEST, Signal, Thumbs

LONGEST = 20_000
LONGEST_USER = 200


class NoSuchExchange(Problem):
    status = 404
    code = "not_found"


def exchange_id(given: Any) -> UUID:
    """The id of an exchange, as a uuid or as the `chatcmpl-...` that clients have. Raises Problem."""
    text = given.strip().removeprefix("chatcmpl-") if isinstance(given, str) else ""
    try:
        return UUID(text)
    except ValueError:
        hint = _("Send the id of the answer: its uuid, or chatcmpl-<uuid> as the completion has it.")
        message = _("Say which answer this is about.") if not text else _("This is not the id of an answer.")
        raise Problem(message, field="exchange", hint=hint, code="required" if not text else "invalid") from None


def checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is named in it, as it is kept; null and "" take back what was said. Raises Problem naming the field."""
    return {name: check(name, said[name]) for name, check in CHECKS.items() if name in said}


def checked_user(user: Any) -> str:
    text = _text("user", user).strip()
    if len(text) > LONGEST_USER or (text and not text.isprintable()):
        raise Problem(_("A user has at most %(most)d printable characters.") % {"most": LONGEST_USER}, field="user")
    return text


def require_something(signal: Signal) -> None:
    """Raises Problem for feedback that says nothing."""
    if not signal.thumbs and signal.score is None and not signal.correction and not signal.comment:
        message = _("This feedback says nothing.")
        raise Problem(message, hint=_("Send thumbs, score, correction or comment."), code="empty")


def _thumbs(name: str, value: Any) -> str:
    if value in (None, ""):
        return ""
    if value not in Thumbs.values:
        raise Problem(_("Thumbs are up or down."), field=name, hint=", ".join(Thumbs.values))
    return str(value)


def _score(name: str, value: Any) -> float | None:
    if value in (None, ""):
        return None
    try:
        score = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not 0 <= score <= BEST:
        message = _("A score is a number from 0 to %(best)d.") % {"best": BEST}
        raise Problem(message, field=name, code="out_of_range")
    return score


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise Problem(_("This must be text."), field=name)
    if len(value) > LONGEST:
        raise Problem(_("At most %(most)d characters.") % {"most": LONGEST}, field=name, code="too_long")
    return value.strip()


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "thumbs": _thumbs,
    "score": _score,
    "correction": _text,
    "comment": _text,
}
