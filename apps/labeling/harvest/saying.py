"""What will become of answers, and what became of them, in words."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.labeling.harvest.making import ANSWER
from apps.labeling.models.harvests import Rule
from apps.labeling.schema.parts import Config

_COLUMN = gettext_lazy("“%(name)s”: the answer goes to the column of this name.")
_RULES = {
    "TextArea": gettext_lazy("“%(name)s”: the text goes to the column of this name."),
    "Labels": gettext_lazy("“%(name)s”: spans that more than half marked alike go to the column of this name."),
    "Rating": gettext_lazy("“%(name)s”: the mean goes to the column of this name."),
    "Number": gettext_lazy("“%(name)s”: the mean goes to the column of this name."),
}
RULES = {
    Rule.MAJORITY: gettext_lazy("The accepted answer, else what most people said. A tie leaves the row out."),
    Rule.ADJUDICATED: gettext_lazy("Tasks with an accepted answer only."),
    Rule.BEST: gettext_lazy(
        "The accepted answer, else that of the person with the best record here: gold answers, or how often it is the majority's."
    ),
    Rule.SINGLE: gettext_lazy("The accepted answer, else the one that came first."),
}
_LEFT_OUT = {
    "not_kept": gettext_lazy("%(count)d not kept"),
    "tied": gettext_lazy("%(count)d where people are divided"),
    "unanswered": gettext_lazy("%(count)d without an answer"),
    "undecided": gettext_lazy("%(count)d without an accepted answer"),
    "unusable": gettext_lazy("%(count)d that nothing can be learned from"),
}


def rules(config: Config, keep: Mapping[str, list[str]]) -> list[str]:
    """What will become of each question's answers."""
    said = []
    for control in config.controls:
        words = {"name": control.name, "keep": ", ".join(keep.get(control.name, []))}
        if control.kind == "TextArea" and control.name == ANSWER:
            said.append(_("“%(name)s” replaces the assistant's last turn.") % words)
        elif control.name in keep:
            said.append(
                _("“%(name)s”: only rows answered %(keep)s stay; the answer goes to the column of this name.") % words
            )
        else:
            said.append(str(_RULES.get(control.kind, _COLUMN)) % words)
    return said


def told(rows: int, left_out: Mapping[str, int]) -> str:
    """How many rows, and what was left out."""
    return ", ".join([_("%(count)d rows") % {"count": rows}, *lost(left_out)])


def lost(left_out: Mapping[str, int]) -> list[str]:
    """What was left out and why, one each."""
    return [str(_LEFT_OUT[why]) % {"count": count} for why, count in sorted(left_out.items()) if count]
