"""What a suggester is asked: which questions it can answer, what of a task it reads, and what is suggested as regions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.models import SuggesterKind
from apps.labeling.schema.label_config import Config, Control
from workers.suggesting import Question

ANSWERS: Mapping[str, tuple[str, ...]] = {
    SuggesterKind.RULES: ("Choices", "Rating", "Labels", "ParagraphLabels"),
    SuggesterKind.WORDS: ("Choices", "Rating", "Labels", "ParagraphLabels"),
    SuggesterKind.FUNCTIONS: ("Choices", "Rating"),
    SuggesterKind.MODEL: ("Choices", "Rating", "Number", "TextArea", "Labels", "ParagraphLabels"),
    SuggesterKind.OWN: ("Choices", "Rating", "Number", "TextArea", "Labels", "RectangleLabels"),
    SuggesterKind.IMPORTED: (),  # what it says came with a file
}
READ = ("Text", "Paragraphs", "Chat")  # objects with words
MOST_NUMBERS = 21  # that are options to choose from; of more, or of parts, a number is written


def questions(config: Config, kind: str) -> list[Control]:
    """The questions that a suggester of this kind can answer."""
    fit = [control for control in config.controls if control.kind in ANSWERS[kind] and not _is_many(control, kind)]
    return [control for control in fit if _is_read(config, control, kind)]


def _is_read(config: Config, control: Control, kind: str) -> bool:
    """Whether it is about words; a row's own label may be about anything, but its marks are places in its $text."""
    shown = config.object(control.to)
    if shown is None:
        return False
    if kind == SuggesterKind.OWN:
        return control.kind != "Labels" or shown.field == "text"
    return shown.kind in READ


def _is_many(control: Control, kind: str) -> bool:
    """Several options at once are nothing that one probability an option could tell."""
    return control.multiple and kind == SuggesterKind.FUNCTIONS


def question_of(config: Config, kind: str, name: Any) -> Control:
    """The question called `name`. Raises Problem saying which there are."""
    fit = questions(config, kind)
    for control in fit:
        if control.name == name:
            return control
    message = _("“%(name)s” is no question that this can answer.") % {"name": str(name)[:64]}
    hint = _("There is: %(known)s.") % {"known": ", ".join(c.name for c in fit)} if fit else _("It reads texts only.")
    raise Problem(message, field="question", hint=hint)


def options_of(control: Control) -> tuple[str, ...]:
    """The answers that can be suggested, as words."""
    if control.kind == "Number":
        return _numbers(control)
    return tuple(map(str, range(1, control.max_rating + 1))) if control.kind == "Rating" else control.stored


def _numbers(control: Control) -> tuple[str, ...]:
    """0 to 5 in whole steps are options; () where there are too many or they have parts."""
    least, most, step = control.min, control.max, control.step or 1
    if least is None or most is None or any(not float(one).is_integer() for one in (least, most, step)):
        return ()
    found = range(int(least), int(most) + 1, int(step))
    return tuple(map(str, found)) if 2 <= len(found) <= MOST_NUMBERS else ()


def asked(control: Control) -> dict[str, Any]:
    """The question as a program takes it."""
    question = question_for(control)
    return {"kind": question.kind, "options": list(question.options), "multiple": question.multiple}


def question_for(control: Control) -> Question:
    """The question as the programs' modules take it."""
    return Question(control.kind, options_of(control), control.multiple and control.kind == "Choices")


def texts_of(config: Config, control: Control, data: Mapping[str, Any]) -> list[str]:
    """What is read of a task: the text that the question is about, or each turn of the conversation."""
    shown = config.object(control.to)
    value = data.get(shown.field) if shown else None
    if isinstance(value, list):
        return [str(turn.get("content", "")) for turn in value if isinstance(turn, dict)]
    return ["" if value is None else str(value)]


def turns_of(config: Config, control: Control, data: Mapping[str, Any]) -> list[str]:
    """The same for a model: who says each turn stands before it."""
    shown = config.object(control.to)
    return _turns(data.get(shown.field) if shown else None)


def words_of_fields(config: Config, data: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """What a prompt names besides the text it asks about, as words."""
    return {name: "\n".join(_turns(data.get(name))) for name in names if name in config.fields}


def _turns(value: Any) -> list[str]:
    if isinstance(value, list):
        return [
            f"{str(turn.get('role', '')).capitalize()}: {turn.get('content', '')}" if "content" in turn else str(turn)
            for turn in value
            if isinstance(turn, dict)
        ]
    return ["" if value is None else str(value)]


def regions(control: Control, texts: Sequence[str], value: Sequence[Any]) -> list[dict[str, Any]]:
    """What is suggested as Label Studio's regions; it still has to be checked."""
    about = {"from_name": control.name, "to_name": control.to, "type": control.type}
    if not value:
        return []
    if control.marks:
        return [{**about, "value": told} for told in _marks(control, texts, value)]
    if control.kind == "Rating":
        return [{**about, "value": {"rating": int(value[0])}}]
    if control.kind == "Number":
        return [{**about, "value": {"number": float(value[0])}}]
    if control.kind == "TextArea":
        return [{**about, "value": {"text": [str(value[0])]}}]
    return [{**about, "value": {"choices": list(value)}}]


def _marks(control: Control, texts: Sequence[str], spans: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for span in spans:
        if control.kind == "RectangleLabels":
            sides = {side: span[side] for side in ("x", "y", "width", "height")}
            yield {**sides, "rotation": 0, control.type: [span["label"]]}
            continue
        turn, start, end = int(span["turn"]), int(span["start"]), int(span["end"])
        told = {"text": texts[turn][start:end], control.type: [span["label"]]}
        if control.kind == "Labels":
            yield {"start": start, "end": end, **told}
        else:
            yield {"start": str(turn), "end": str(turn), "startOffset": start, "endOffset": end, **told}
