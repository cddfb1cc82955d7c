"""A closed round as files: a row for each rating in CSV, everything in JSON."""

from collections.abc import Iterator
from typing import Any

from apps.core.sheets import line
from apps.evaluation.models import Rating, Round

HEAD = ("prompt", "checkpoint", "question", "answer", "rater")
TAIL = ("cannot_judge", "note")


def as_csv(round: Round) -> Iterator[str]:
    """Line by line."""
    yield line([*HEAD, *round.criteria, *TAIL])
    for row in _ratings(round):
        item = row.item
        scores = [row.scores.get(criterion, "") for criterion in round.criteria]
        texts = [item.number + 1, item.entrant.checkpoint, item.messages[-1]["content"], item.answer, row.rater.user]
        yield line([*texts, *scores, "yes" if row.cannot_judge else "", row.note])


def as_dict(round: Round) -> dict[str, Any]:
    """The whole evidence: what was fixed, what was said, what follows."""
    entrants = {entrant.place: entrant for entrant in round.entrants.select_related("checkpoint__run")}
    return {
        "round": {"id": str(round.pk), "number": round.number, "name": round.name, "outcome": round.outcome},
        "frozen": {
            "sha256": round.frozen_hash,
            "dataset_version": str(round.dataset_version_id),
            "split": round.split,
            "seed": round.seed,
            "rubric": round.rubric,
            "gate": {"statistic": round.statistic, "threshold": round.threshold, "rule": round.rule},
        },
        "checkpoints": {
            place: {"id": str(entrant.checkpoint_id), "name": str(entrant.checkpoint)}
            for place, entrant in entrants.items()
        },
        "result": round.result,
        "items": [
            {
                "id": str(item.pk),
                "prompt": item.number + 1,
                "place": item.entrant.place,
                "messages": item.messages,
                "reference": item.reference,
                "answer": item.answer,
            }
            for item in round.items.select_related("entrant")
        ],
        "ratings": [rating_as_dict(row) for row in _ratings(round)],
    }


def rating_as_dict(row: Rating) -> dict[str, Any]:
    return {
        "item": str(row.item_id),
        "rater": str(row.rater.user),
        "scores": row.scores,
        "cannot_judge": row.cannot_judge,
        "note": row.note,
    }


def _ratings(round: Round) -> Any:
    rows = Rating.objects.filter(item__round=round).select_related("item__entrant__checkpoint__run", "rater__user")
    return rows.order_by("item__number", "item__entrant__place", "rater__created_at")
