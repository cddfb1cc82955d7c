"""What a model is asked about a task: prompts to start from, and what a prompt must say. Pure but for the words."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.labeling.schema.label_config import Config, Control

MAX_TEMPLATE = 8000
TEXT, OPTIONS, OPTION = "{text}", "{options}", "{option}"
READY = {
    "answer": (gettext_lazy("Answer"), "Answer this.\n\n{text}"),
    "summary": (gettext_lazy("Summary"), "Sum up this text in one to three sentences.\n\n{text}"),
    "translation": (gettext_lazy("Translation"), "Translate this text into English.\n\n{text}"),
    "correction": (
        gettext_lazy("Correction"),
        "Correct the mistakes in this text. Say nothing but the corrected text.\n\n{text}",
    ),
}


def check(config: Config, control: Control, template: Any) -> None:
    """Raises Problem when a model could not be asked by this."""
    if not isinstance(template, str) or len(template) > MAX_TEMPLATE or "\0" in template:
        message = _("A prompt is a text of at most %(most)d characters.")
        raise Problem(message % {"most": MAX_TEMPLATE}, field="template")
    if TEXT not in template and not fields_of(config, template):
        message = _("A prompt says {text} where the task's text goes.")
        others = ", ".join(f"{{{name}}}" for name in config.fields)
        raise Problem(message, field="template", hint=_("Or a field of the task: %(others)s.") % {"others": others})
    if control.multiple and control.kind == "Choices" and OPTION not in template:
        message = _(
            "Each option is asked about by itself: the prompt says {option} where it goes, and asks for yes or no."
        )
        raise Problem(message, field="template")


def fields_of(config: Config, template: str) -> list[str]:
    """The fields of a task that a prompt names, besides {text}."""
    known = (name for name in config.fields if f"{{{name}}}" not in (TEXT, OPTIONS, OPTION))
    return [name for name in known if f"{{{name}}}" in template]


def default(control: Control, options: Sequence[str], ready: str = "") -> str:
    """What a model is asked when nobody wrote a prompt; `ready` names one of READY."""
    if control.kind == "TextArea":
        return READY[ready or control.name][1] if (ready or control.name) in READY else TEXT
    if control.marks:
        asked = f"Text: {TEXT}\n\nName each of {OPTIONS} that the text has. Answer with a line for each, for example:"
        return f"{asked}\n{options[0]}: words of the text"
    if control.multiple:
        return f"{TEXT}\n\n{control.name}: does “{OPTION}” apply to this text? Answer yes or no."
    if control.kind == "Number" and not options:
        return f"{TEXT}\n\n{control.name}: answer with one number."
    return f"{TEXT}\n\n{control.name}: answer with one of: {OPTIONS}."
