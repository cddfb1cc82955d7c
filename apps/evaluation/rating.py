"""What a rater sees and does: answers in an order of the rater's own, and scores that nobody else sees before the end."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import live
from apps.core.errors import Conflict, Problem
from apps.evaluation.models import HIGHEST, Item, Rater, Rating, Round, RoundStatus

LONGEST_NOTE = 4000


def rater_of(round: Round, user: Any) -> Rater:
    """Raises PermissionDenied for who was not chosen as a rater."""
    found: Rater | None = round.raters.filter(user_id=user.pk).first()
    if found is None:
        raise PermissionDenied(_("You are not a rater of this round."))
    return found


def queue_of(round: Round, rater: Rater) -> list[Item]:
    """All items in the order of this rater: the same at every visit, another one for each person, none by model."""

    def place(item: Item) -> bytes:
        return hashlib.blake2b(f"{round.seed}:{rater.pk}:{item.pk}".encode(), digest_size=16).digest()

    return sorted(round.items.all(), key=place)


def seen_by(round: Round, rater: Rater) -> list[dict[str, Any]]:
    """The queue as the rater may see it: question, answer, own scores. No model, no number of the prompt, nobody else."""
    own = {rating.item_id: rating for rating in rater.ratings.all()}
    return [_seen(item, own.get(item.pk)) for item in queue_of(round, rater)]


def _seen(item: Item, rating: Rating | None) -> dict[str, Any]:
    return {
        "id": str(item.pk),
        "messages": item.messages,
        "answer": item.answer,
        "scores": rating.scores if rating else {},
        "note": rating.note if rating else "",
        "cannot_judge": rating.cannot_judge if rating else False,
        "is_complete": rating.is_complete if rating else False,
    }


def record_rating(
    *,
    actor: Any,
    round: Round,
    item: Any,
    scores: Mapping[str, Any] | None = None,
    note: str | None = None,
    cannot_judge: bool | None = None,
) -> Rating:
    """Keep what a rater says of an item. Criteria that are not named stay as they are, a null takes a score back; sent twice it
    changes nothing. Raises Problem, Conflict, PermissionDenied."""
    with transaction.atomic():
        found = Round.objects.select_for_update().get(pk=round.pk)
        rater = rater_of(found, actor)
        if found.status != RoundStatus.RATING:
            raise Conflict(_("This round is not open for rating."), code="round_not_open")
        row, _new = Rating.objects.get_or_create(item=_own_item(found, item), rater=rater)
        was_complete = row.is_complete
        row.scores = {**row.scores, **_checked(found, scores or {})}
        row.scores = {criterion: score for criterion, score in row.scores.items() if score is not None}
        if note is not None:
            row.note = _note(note)
        if cannot_judge is not None or any(score is not None for score in (scores or {}).values()):
            row.cannot_judge = bool(cannot_judge)  # who scores can judge after all
        if row.cannot_judge:
            row.scores = {}
        row.is_complete = row.cannot_judge or set(row.scores) == set(found.criteria)
        row.save()
        if row.is_complete != was_complete:
            live.ring(found)  # that something is done, never what
    return row


def _own_item(round: Round, pk: Any) -> Item:
    try:
        found: Item | None = round.items.filter(pk=UUID(str(pk))).first()
    except (ValueError, ValidationError):
        found = None
    if found is None:
        raise Problem(_("This round has no such item."), field="item", code="not_found")
    return found


def _checked(round: Round, scores: Mapping[str, Any]) -> dict[str, int | None]:
    for criterion, score in scores.items():
        if criterion not in round.criteria:
            hint = ", ".join(round.criteria)
            raise Problem(_("The rubric has no such criterion."), field=f"scores.{criterion}"[:80], hint=hint)
        is_whole = isinstance(score, int) and not isinstance(score, bool)
        if score is not None and not (is_whole and 0 <= score <= HIGHEST):
            message = _("A score is a whole number from 0 to %(highest)s.") % {"highest": HIGHEST}
            raise Problem(message, field=f"scores.{criterion}")
    return dict(scores)


def _note(text: str) -> str:
    if len(text) > LONGEST_NOTE:
        raise Problem(_("A note has at most %(most)s characters.") % {"most": LONGEST_NOTE}, field="note")
    return text
