"""What form the rows take: that of the rows they came from, or the form that one question makes."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.models import Form
from apps.labeling.models import LabelProject
from apps.labeling.schema.parts import Config, Control

SAME, BY_QUESTION = "same", ("classification", "ner", "preference")
FORMS = (SAME, *BY_QUESTION)
FORM_CHOICES = [(form, form) for form in FORMS]
LABEL = "label"  # a Choices of this name is the class
LABELLED = ("text", "classification", "tabular", "image")  # forms whose rows may have a class
_MAKES = {"classification": "Choices", "ner": "Labels", "preference": "Pairwise"}


@dataclass(frozen=True, slots=True)
class Shape:
    """`form` of the rows; `question` is the control whose answer becomes the class, the spans or the choice, None where no one's
    does. `is_same`: rows of the source stay what they are."""

    form: str
    question: Control | None
    is_same: bool

    @property
    def words(self) -> str:
        """For a list of choices."""
        label = str(Form(self.form).label)
        return _("%(form)s, by “%(name)s”") % {"form": label, "name": self.question.name} if self.question else label


def shape_of(project: LabelProject, form: str = "", question: str = "") -> Shape:
    """The shape that was asked for; unless said, texts become classes or entities where a question asks for them, and everything else
    stays what it is. Raises Problem naming the field."""
    config, source = project.config, _source(project)
    if form and form not in FORMS:
        raise Problem(_("A form is one of %(forms)s.") % {"forms": ", ".join(FORMS)}, field="form")
    if not form:
        form = _usual(config, source, question)
    if form in (SAME, source):
        asked = None if source == "text" else _named(config, question, _kinds_of(source)) or _own(config, source)
        return Shape(source, asked, True)
    found = _named(config, question, (_MAKES[form],)) or next(iter(_candidates(config, form)), None)
    if found is None:
        words = {"form": Form(form).label, "kind": _MAKES[form]}
        raise Problem(_("No question makes rows of “%(form)s”: that takes a %(kind)s.") % words, field="form")
    return Shape(form, found, False)


def shapes(project: LabelProject) -> list[Shape]:
    """All that can be asked for: the usual one first."""
    config, source = project.config, _source(project)
    found = [shape_of(project), shape_of(project, SAME)]
    found += [Shape(form, one, False) for form in BY_QUESTION if form != source for one in _candidates(config, form)]
    return list({(shape.form, shape.question and shape.question.name): shape for shape in found}.values())


def _source(project: LabelProject) -> str:
    return project.dataset_version.form if project.dataset_version else "chat"


def _usual(config: Config, source: str, question: str) -> str:
    if source != "text":
        return SAME
    asked = _named(config, question, ("Choices", "Labels"))
    if asked is None:
        asked = _own(config, "text") or next(iter(_candidates(config, "ner")), None)
    return SAME if asked is None else "ner" if asked.kind == "Labels" else "classification"


def _own(config: Config, form: str) -> Control | None:
    """The question that the form's rows take their answer from, where it goes without saying."""
    if form == "ner":
        return next(iter(_candidates(config, "ner")), None)
    if form == "preference":
        return next((control for control in config.controls if control.kind in ("Pairwise", "Ranker")), None)
    if form not in (*LABELLED, "kto"):
        return None
    single = _candidates(config, "classification")
    named = next((control for control in single if control.name == LABEL), None)
    is_clear = len(single) == 1 and form in ("classification", "image")
    return named or (single[0] if is_clear else None)


def _kinds_of(form: str) -> tuple[str, ...]:
    if form == "preference":
        return ("Pairwise", "Ranker")
    return {"ner": ("Labels",), "chat": ()}.get(form, ("Choices",))


def _candidates(config: Config, form: str) -> list[Control]:
    kind = _MAKES[form]
    return [
        control for control in config.controls if control.kind == kind and not (kind == "Choices" and control.multiple)
    ]


def _named(config: Config, name: str, kinds: tuple[str, ...]) -> Control | None:
    if not name:
        return None
    control = config.control(name)
    if control is None or control.kind not in kinds or (control.kind == "Choices" and control.multiple):
        raise Problem(
            _("“%(name)s” is no question that can be taken for this form.") % {"name": name[:64]}, field="question"
        )
    return control
