"""What is found, in plain words; and what the scripts of the pages say."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.evaluation.models import Round, Rule

WHY = {
    "no variation": gettext_lazy(
        "no variation: the raters gave one value to everything, so agreement cannot be told from chance"
    ),
    "too few items": gettext_lazy("too few answers were rated by two people or more"),
    "fewer than two raters": gettext_lazy("fewer than two people rated"),
    "changed": gettext_lazy("what was fixed at the opening was changed since, outside of the console"),
}
SENTENCES = {
    ("passed", Rule.ALL): gettext_lazy(
        "The raters agree well enough for their scores to count: the lowest agreement, on %(name)s, is %(value)s (%(statistic)s), "
        "above the %(needed)s fixed beforehand."
    ),
    ("passed", Rule.MEAN): gettext_lazy(
        "The raters agree well enough for their scores to count: the mean agreement is %(value)s (%(statistic)s), "
        "above the %(needed)s fixed beforehand."
    ),
    ("failed", Rule.ALL): gettext_lazy(
        "The raters do not agree enough, so their scores do not count: on %(name)s agreement is %(value)s (%(statistic)s), "
        "not above the %(needed)s fixed beforehand."
    ),
    ("failed", Rule.MEAN): gettext_lazy(
        "The raters do not agree enough, so their scores do not count: the mean agreement is %(value)s (%(statistic)s), "
        "not above the %(needed)s fixed beforehand."
    ),
}
RATE = {
    "saving": gettext_lazy("Saving"),
    "saved": gettext_lazy("Saved"),
    "waiting": gettext_lazy("{count} not sent yet, tried again"),
    "refused": gettext_lazy("Not accepted: {why}"),
    "not_scored": gettext_lazy("Not scored yet"),
    "of": gettext_lazy("{done} of {total}"),
    "answer_of": gettext_lazy("Answer {place} of {total}"),
    "done": gettext_lazy("All answers are rated. Thank you."),
    "empty": gettext_lazy("(the model said nothing)"),
    "user": gettext_lazy("Asked"),
    "assistant": gettext_lazy("Answered before"),
    "system": gettext_lazy("Instruction"),
}
CHARTS = {
    "threshold": gettext_lazy("Threshold"),
    "round": gettext_lazy("Round {number}"),
    "undefined": gettext_lazy("undefined"),
}


def in_words(why: str) -> str:
    return str(WHY.get(why, why))


def criterion_name(round: Round, key: str) -> str:
    return next((str(one["name"]) for one in round.rubric if one["key"] == key), key)


def verdict_in_words(round: Round) -> str:
    """One sentence that a manager can act on. Only for closed rounds."""
    decision = round.result["decision"]
    name = criterion_name(round, decision["criterion"]) if decision["criterion"] else ""
    if round.outcome == "undefined":
        place = f"{name}: " if name else ""
        return _("Undefined, so nothing is decided: %(why)s.") % {"why": place + in_words(decision["why"])}
    words = {"name": name, "value": f"{decision['value']:.2f}", "needed": f"{round.threshold:.2f}"}
    return str(SENTENCES[round.outcome, Rule(round.rule)]) % {**words, "statistic": round.get_statistic_display()}


def comparison_in_words(round: Round) -> str:
    """Where A and B differ beyond their intervals. Empty for one checkpoint, and for a round that did not pass."""
    apart: Mapping[str, Any] = round.result.get("difference") or {}
    if not apart or round.outcome != "passed":
        return ""
    better = [criterion_name(round, key) for key, one in apart.items() if one["low"] is not None and one["low"] > 0]
    worse = [criterion_name(round, key) for key, one in apart.items() if one["high"] is not None and one["high"] < 0]
    names = {entrant.place: str(entrant.checkpoint) for entrant in round.entrants.select_related("checkpoint__run")}
    if not better and not worse:
        return _("No criterion tells %(a)s and %(b)s apart.") % {"a": names["A"], "b": names["B"]}
    parts = []
    if better:
        parts.append(_("%(a)s scores higher on %(names)s.") % {"a": names["A"], "names": ", ".join(better)})
    if worse:
        parts.append(_("%(b)s scores higher on %(names)s.") % {"b": names["B"], "names": ", ".join(worse)})
    return " ".join(parts)


def means_in_words(round: Round, place: str) -> str:
    """`Relevance 4.41, Fluency 4.62`; empty unless the scores count."""
    if round.outcome != "passed":
        return ""
    scores = round.result["means"].get(place, {})
    given = [(criterion_name(round, key), one["mean"]) for key, one in scores.items() if one["mean"] is not None]
    listed = ", ".join(f"{name} {mean:.2f}" for name, mean in given)
    return _("Mean scores: %(scores)s.") % {"scores": listed} if listed else ""


def metrics_in_words(metrics: Mapping[str, Any]) -> str:
    tuned, base, rows = metrics["tuned"], metrics["base"], metrics["rows"]
    return _(
        "Loss %(loss).3f against %(base).3f of the base model, ROUGE-L %(rouge).2f against %(base_rouge).2f, on %(rows)s rows."
    ) % {
        "loss": tuned["loss"]["value"], "base": base["loss"]["value"], "rouge": tuned["rouge_l"]["value"],
        "base_rouge": base["rouge_l"]["value"], "rows": rows,
    }  # fmt: skip
