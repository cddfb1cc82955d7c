"""What a metric report shows: its figures in words and numbers, and the answers behind them."""

import json
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.storage import storage
from apps.evaluation.models import OPEN, MetricReport, Round

MOST_SHOWN = 2000
WORST = 20
FIGURES = (
    ("loss", _("Loss"), _("nats a token; lower is better"), 3, -1),
    ("perplexity", _("Perplexity"), _("e to the loss; lower is better"), 2, -1),
    ("rouge_l", _("ROUGE-L"), _("F1 of the longest common sequence, 0 to 1"), 3, 1),
    ("exact_match", _("Exact match"), _("share of answers that equal the data's"), 3, 1),
)


def rows_of(report: MetricReport, most: int) -> list[dict[str, Any]]:
    """The first rows of its answers, the worst of the checkpoint first; none before its job has succeeded."""
    if not report.answers_key:
        return []
    found = []
    with storage().open(report.answers_key) as file:
        for line in file:
            found.append(json.loads(line))
            if len(found) == most:
                break
    return found


def are_rows_hidden(report: MetricReport, user: Any) -> bool:
    """Whether this person rates the same checkpoint in an open round: its answers here would tell whose those there are."""
    rounds = Round.objects.filter(status__in=OPEN, entrants__checkpoint=report.checkpoint_id)
    return rounds.filter(raters__user_id=user.pk).exists()


def table_of(report: MetricReport) -> list[dict[str, Any]]:
    """A line for each figure: both models, their difference, and which way it points."""
    return [_line(report.metrics, *figure) for figure in FIGURES] if report.metrics else []


def _line(metrics: dict[str, Any], name: str, label: Any, note: Any, digits: int, better: int) -> dict[str, Any]:
    tuned, base, apart = (metrics[side][name] for side in ("tuned", "base", "difference"))
    is_clear = apart["low"] * apart["high"] > 0
    tone = ("good" if apart["value"] * better > 0 else "bad") if is_clear else "idle"
    shown = {"tuned": tuned, "base": base, "difference": apart}
    texts = {side: _with_interval(figure, digits, signed=side == "difference") for side, figure in shown.items()}
    return {"label": label, "note": note, "tone": tone, **texts}


def _with_interval(figure: dict[str, float], digits: int, *, signed: bool) -> dict[str, str]:
    form = f"{'+' if signed else ''}.{digits}f"
    return {
        "value": format(figure["value"], form),
        "interval": f"[{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]",
    }
