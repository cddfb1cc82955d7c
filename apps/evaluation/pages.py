"""What the pages of evaluation show. Nothing here gives a rater of an open round a model's name, or anybody a score before the end."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.evaluation import listing, rating, reports, sheets, wording
from apps.evaluation.models import Item, MetricReport, Rater, Rating, Round, RoundStatus, Statistic

MOST_LISTED = 100
NONE = "\u2013"
LONGEST_CHAIN = 50
HEAT = (0.4, 0.55, 0.7, 0.85)  # lower ends of the darker shades
TONES = {"passed": "good", "failed": "bad", "undefined": "warn"}


def rounds(user: Any, workspace: Workspace, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of rounds, and those that wait for this person."""
    rows = Round.objects.visible_to(user).filter(workspace=workspace)
    rows = rows.select_related("created_by", "dataset_version__dataset", "job")
    search = listing.rounds_with(user)
    listed = listing.ROUNDS.show(rows, query, reverse("evaluation:list"), search)
    lines = [{"round": row, "progress": _share(row), "tone": tone_of(row)} for row in listed.page]
    to_rate = Round.objects.to_rate(user).filter(workspace=workspace)
    return {**_tabs(user, workspace), "listed": listed, "lines": lines, "to_rate": to_rate[:MOST_LISTED]}


def measured(user: Any, workspace: Workspace, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of metric reports."""
    rows = MetricReport.objects.visible_to(user).filter(workspace=workspace)
    rows = rows.select_related("job", "checkpoint__run", "dataset_version__dataset", "created_by")
    return {**_tabs(user, workspace), "listed": listing.REPORTS.show(rows, query, reverse("evaluation:reports"))}


def _tabs(user: Any, workspace: Workspace) -> dict[str, Any]:
    return {
        "round_count": Round.objects.visible_to(user).filter(workspace=workspace).count(),
        "report_count": MetricReport.objects.visible_to(user).filter(workspace=workspace).count(),
    }


def _share(row: Round) -> dict[str, int] | None:
    if row.status != RoundStatus.RATING:
        return None
    done, wanted = sheets.progress(row)
    return {"done": done, "wanted": wanted}


def tone_of(row: Round) -> str:
    if row.status == RoundStatus.CLOSED:
        return TONES[row.outcome]
    return "info" if row.is_open else ""


def report(found: MetricReport, user: Any) -> dict[str, Any]:
    is_hidden = reports.are_rows_hidden(found, user)
    return {
        "report": found,
        "job": found.job,
        "figures": reports.table_of(found),
        "is_hidden": is_hidden,
        "worst": [] if is_hidden else reports.rows_of(found, reports.WORST),
        "words": wording.metrics_in_words(found.metrics) if found.metrics else "",
    }


def initial_of(row: Round) -> dict[str, Any]:
    """A draft as the values of its form."""
    chosen = list(row.entrants.values_list("checkpoint_id", flat=True))
    same = ("name", "split", "sample_size", "max_tokens", "statistic", "threshold", "rule")
    return {
        **{name: getattr(row, name) for name in same},
        "first": chosen[0],
        "second": chosen[1] if len(chosen) > 1 else None,
        "dataset_version": row.dataset_version_id,
        "raters": list(row.raters.values_list("user_id", flat=True)),
    }


def round(row: Round, user: Any) -> dict[str, Any]:
    """The page of a round that is no draft."""
    is_rater = row.raters.filter(user_id=user.pk).exists()
    is_blind = row.is_blind_for(user)
    done, wanted = sheets.progress(row)
    context = {
        "round": row,
        "job": row.job,
        "is_rater": is_rater,
        "is_blind": is_blind,
        "entrants": [] if is_blind else list(row.entrants.select_related("checkpoint__run")),
        "raters": sheets.progress_by_rater(row),
        "progress": {"done": done, "wanted": wanted, "missing": wanted - done},
        "tone": tone_of(row),
        "gate": gate_in_words(row),
        "items": row.items.count(),
    }
    return {**context, **_closed(row)} if row.status == RoundStatus.CLOSED else context


def gate_in_words(row: Round) -> str:
    return _("%(statistic)s above %(threshold)s for %(rule)s") % {
        "statistic": row.get_statistic_display(),
        "threshold": f"{row.threshold:.2f}",
        "rule": str(row.get_rule_display()).lower(),
    }


def _closed(row: Round) -> dict[str, Any]:
    result = row.result
    value = result["decision"]["value"]
    chain = chain_of(row)
    return {
        "result": result,
        "value": None if value is None else f"{value:.2f}",
        "verdict": wording.verdict_in_words(row),
        "comparison": wording.comparison_in_words(row),
        "statistics": [(name.value, name.label, name.value == row.statistic) for name in Statistic],
        "agreement": [_agreement_line(row, one) for one in row.rubric],
        "pairs": _pairs(row),
        "means": _means(row),
        "worst": _worst(row),
        "chain": chain,
        "followers": list(row.followers.all()),
        "charts": _charts(row, chain),
        "chart_words": wording.CHARTS,
        "scores": sum(
            len(scores) for scores in Rating.objects.filter(item__round=row).values_list("scores", flat=True)
        ),
    }


def _agreement_line(row: Round, criterion: dict[str, Any]) -> dict[str, Any]:
    own = row.result["agreement"][criterion["key"]]
    cells = [{**figure_of(own[name.value]), "decides": name.value == row.statistic} for name in Statistic]
    return {"name": criterion["name"], "cells": cells}


def figure_of(found: dict[str, Any]) -> dict[str, Any]:
    """A coefficient as a table shows it."""
    if found["value"] is None:
        return {"value": "", "interval": "", "why": wording.in_words(found["undefined"]), "items": found["n_items"]}
    interval = "" if found["low"] is None else f"[{found['low']:.2f}, {found['high']:.2f}]"
    return {"value": f"{found['value']:.2f}", "interval": interval, "why": "", "items": found["n_items"]}


def _pairs(row: Round) -> list[dict[str, Any]]:
    names = row.result["raters"]
    return [
        {
            "names": ", ".join(names[place] for place in pair["raters"]),
            "cells": [_heat(pair["criteria"][key]) for key in row.criteria],
        }
        for pair in row.result["pairs"]
    ]


def _heat(found: dict[str, Any]) -> dict[str, Any]:
    if found["value"] is None:
        return {"value": NONE, "heat": 1, "title": wording.in_words(found["undefined"])}
    title = _("%(apart)s answers two points apart or more, of %(items)s") % {
        "apart": found["far_apart"],
        "items": found["n_items"],
    }
    return {"value": f"{found['value']:.2f}", "heat": 1 + sum(found["value"] >= low for low in HEAT), "title": title}


def _means(row: Round) -> list[dict[str, Any]]:
    names = {entrant.place: str(entrant.checkpoint) for entrant in row.entrants.select_related("checkpoint__run")}
    lines = []
    for one in row.rubric:
        cells = [_mean(scores[one["key"]]) for _place, scores in sorted(row.result["means"].items())]
        apart = row.result["difference"].get(one["key"])
        lines.append({"name": one["name"], "cells": cells, "difference": _mean(apart, signed=True) if apart else None})
    return [{"heads": [names[place] for place in sorted(row.result["means"])], "lines": lines}]


def _mean(found: dict[str, Any], *, signed: bool = False) -> dict[str, Any]:
    if found["mean"] is None:
        return {"value": NONE, "interval": "", "items": 0}
    form = f"{'+' if signed else ''}.2f"
    interval = f"[{format(found['low'], form)}, {format(found['high'], form)}]"
    return {"value": format(found["mean"], form), "interval": interval, "items": found["items"]}


def _worst(row: Round) -> list[dict[str, Any]]:
    """The calibration list: answers on which the raters are furthest apart, with the sentences they chose."""
    items = {
        str(item.pk): item
        for item in row.items.filter(pk__in=row.result["worst"]).select_related("entrant__checkpoint__run")
    }
    ratings: dict[str, list[Rating]] = {}
    for one in Rating.objects.filter(item__in=row.result["worst"]).select_related("rater__user"):
        ratings.setdefault(str(one.item_id), []).append(one)
    return [_disputed(row, items[pk], ratings.get(pk, [])) for pk in row.result["worst"]]


def _disputed(row: Round, item: Item, ratings: list[Rating]) -> dict[str, Any]:
    criteria = []
    for one in row.rubric:
        said = [(rating.scores.get(one["key"]), str(rating.rater.user)) for rating in ratings]
        levels = sorted({score for score, _who in said if score is not None}, reverse=True)
        if len(levels) > 1:
            chosen = [
                {
                    "level": level,
                    "who": ", ".join(who for score, who in said if score == level),
                    "anchor": one["anchors"][level],
                }
                for level in levels
            ]
            criteria.append({"name": one["name"], "levels": chosen})
    notes = [(rating.note, str(rating.rater.user)) for rating in ratings if rating.note]
    return {"item": item, "question": item.messages[-1]["content"], "criteria": criteria, "notes": notes}


def chain_of(row: Round) -> list[dict[str, Any]]:
    """The rounds before this one and it, the newest first, with the figure of the gate: the lowest criterion or the mean."""
    chain: list[dict[str, Any]] = []
    current: Round | None = row
    while current is not None and len(chain) < LONGEST_CHAIN:
        if current.status == RoundStatus.CLOSED:
            chain.append({"round": current, "value": current.result["decision"]["value"], "tone": tone_of(current)})
        current = current.previous
    return chain


def _charts(row: Round, chain: list[dict[str, Any]]) -> dict[str, Any]:
    """For static/js/round.js: a forest of the deciding statistic, and the criteria over the linked rounds."""
    forest = [
        {
            "label": one["name"],
            **{name: row.result["agreement"][one["key"]][row.statistic][name] for name in ("value", "low", "high")},
        }
        for one in row.rubric
    ]
    over = [
        {
            "number": link["round"].number,
            "figures": {key: own[row.statistic] for key, own in link["round"].result["agreement"].items()},
        }
        for link in reversed(chain)
    ]
    criteria = [{"key": one["key"], "name": one["name"]} for one in row.rubric]
    return {"threshold": row.threshold, "forest": forest, "rounds": over, "criteria": criteria}


def rate(row: Round, rater: Rater) -> dict[str, Any]:
    """The rating screen: what the rater may see, and where scores go."""
    data = {
        "round": str(row.pk),
        "rater": str(rater.pk),
        "send": reverse("api:round-ratings", args=[row.pk]),
        "items": rating.seen_by(row, rater),
        "rubric": row.rubric,
    }
    return {"round": row, "data": data, "rubric": row.rubric, "words": wording.RATE}
