"""What rules would say of the first tasks, at once and within limits, before anything is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.labeling.models import LabelProject, SuggesterKind
from apps.labeling.schema.label_config import Control
from apps.labeling.suggesting import asking, checking, own
from workers import suggesting
from workers.suggesting import Clock, Question, TooSlow

TASKS = 10
SECONDS = 3.0  # for all of them
_SHOWN = 300  # characters
_WORDS = 40  # characters of words that a line found


@dataclass(frozen=True)
class Line:
    """One task: its text, what would be suggested, and which lines matched, with the words that they found. `is_slow`: the time was
    over before."""

    number: int
    text: str
    said: list[str]
    matched: list[str]
    is_slow: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("number", "text", "said", "matched", "is_slow")}


def preview(project: LabelProject, kind: str, given: Any) -> list[Line]:
    """The first tasks as these rules see them; a model has no preview, it is tried on the first tasks by a job. Raises Problem."""
    spec = checking.check_spec(project, kind, given)
    if kind == SuggesterKind.MODEL:
        return []
    control = asking.question_of(project.config, kind, spec["question"])
    if kind == SuggesterKind.OWN:
        return _of_rows(project, control, spec)
    rules, clock = checking.rules_of(control, kind, spec), Clock(SECONDS)
    question = Question(control.kind, asking.options_of(control), control.multiple)
    rows = project.tasks.order_by("number").values_list("number", "data")[:TASKS]
    found = []
    for number, data in rows:
        texts = asking.texts_of(project.config, control, data)
        found.append(_line(number, texts, question, rules, clock))
    return found


def _of_rows(project: LabelProject, control: Control, spec: Mapping[str, Any]) -> list[Line]:
    found, config = [], project.config
    for number, data in project.tasks.order_by("number").values_list("number", "data")[:TASKS]:
        texts, given = asking.texts_of(config, control, data), data.get(spec["field"])
        said = own.tried(control, config, spec, data)
        matched = [_("%(label)s: no such option") % {"label": one} for one in said.unknown]
        if not matched and not isinstance(given, list) and given not in (None, ""):
            matched = [f"{spec['field']}: {str(given)[:_SHOWN]}"]
        found.append(Line(number, " / ".join(texts)[:_SHOWN], words_of(said.value, texts), matched[:20]))
    return found


def _line(number: int, texts: list[str], question: Question, rules: list[suggesting.Rule], clock: Clock) -> Line:
    text = " / ".join(texts)[:_SHOWN]
    try:
        said = suggesting.suggest(question, rules, texts, clock)
        matched = [_found(rule, texts) for rule in suggesting.votes(rules, texts, clock)]
    except TooSlow:
        return Line(number, text, [], [], is_slow=True)
    return Line(number, text, words_of(said.value, texts) if said else [], matched[:20])


def _found(rule: suggesting.Rule, texts: list[str]) -> str:
    """good: thank(s| you) → “Thanks”, “thank you”; of a word list the words alone."""
    told = ", ".join(f"“{words[:_WORDS]}”" for words in suggesting.words_found(rule, texts))
    if rule.is_listed:
        return f"{rule.option}: {told}"
    return f"{rule.option}: {rule.said}" + (f" → {told}" if told else "")


def words_of(value: list[Any], texts: list[str]) -> list[str]:
    """Options, or marked words with their label."""
    return [
        str(one["label"])
        if isinstance(one, Mapping) and "turn" not in one
        else f"{one['label']}: {texts[one['turn']][one['start'] : one['end']][:60]}"
        if isinstance(one, Mapping)
        else str(one)
        for one in value[:20]
    ]
