"""The ratings of a round as sheets of scores, and what follows from them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from apps.evaluation import judging
from apps.evaluation.models import Item, Rating, Round, Statistic

WORST = 20  # answers of a calibration list
PAIR_WEIGHTS: dict[Statistic, judging.Weights] = {Statistic.LINEAR: "linear", Statistic.FLEISS: None}  # else quadratic
Scores = Mapping[tuple[UUID, UUID], dict[str, int]]  # (item, rater) -> criterion -> score


def progress(round: Round) -> tuple[int, int]:
    """(complete ratings, wanted ones)."""
    wanted = round.items.count() * round.raters.count()
    return Rating.objects.filter(item__round=round, is_complete=True).count(), wanted


def progress_by_rater(round: Round) -> list[dict[str, Any]]:
    """Counts alone: who has rated how many."""
    total = round.items.count()
    done: dict[UUID, int] = {}
    for rater in Rating.objects.filter(item__round=round, is_complete=True).values_list("rater_id", flat=True):
        done[rater] = done.get(rater, 0) + 1
    raters = round.raters.select_related("user")
    return [{"user": rater.user, "done": done.get(rater.pk, 0), "total": total} for rater in raters]


def result_of(round: Round) -> dict[str, Any]:
    """Agreement, pairs, means, verdict and the worst disagreements, as they are kept with the closed round."""
    items = list(round.items.select_related("entrant").order_by("number", "entrant__place"))
    raters = list(round.raters.select_related("user"))
    scores = _scores(round)
    sheets = {criterion: _sheet(items, raters, scores, criterion) for criterion in round.criteria}
    found = judging.agreement(sheets)
    decision = judging.decide(
        found, statistic=round.statistic, threshold=round.threshold, rule=round.rule, items=len(items)
    )
    done, wanted = progress(round)
    return {
        "agreement": found,
        "pairs": judging.pairs(sheets, PAIR_WEIGHTS.get(Statistic(round.statistic), "quadratic")),
        "raters": [str(rater.user) for rater in raters],
        "decision": asdict(decision),
        "items": len(items),
        "ratings": done,
        "wanted": wanted,
        "worst": [str(items[place].pk) for place in judging.worst(sheets, WORST)],
        **_means(items, raters, scores, round.criteria),
    }


def _scores(round: Round) -> Scores:
    rows = Rating.objects.filter(item__round=round).values_list("item_id", "rater_id", "scores")
    return {(item, rater): scores for item, rater, scores in rows}


def _sheet(items: list[Item], raters: list[Any], scores: Scores, criterion: str) -> judging.Sheet:
    return [[scores.get((item.pk, rater.pk), {}).get(criterion) for rater in raters] for item in items]


def _means(items: list[Item], raters: list[Any], scores: Scores, criteria: list[str]) -> dict[str, Any]:
    """Of each entrant; and where there are two, of A minus B on the prompts that both answered."""
    places = sorted({item.entrant.place for item in items})
    own = {place: [item for item in items if item.entrant.place == place] for place in places}
    means = {
        place: {name: judging.mean_scores(_sheet(own[place], raters, scores, name)) for name in criteria}
        for place in places
    }
    if len(places) < 2:
        return {"means": means, "difference": {}}
    difference = {
        name: judging.mean_difference(*(_sheet(own[place], raters, scores, name) for place in places))
        for name in criteria
    }
    return {"means": means, "difference": difference}
