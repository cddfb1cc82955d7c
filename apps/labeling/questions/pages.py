"""The pages on which a question is made: the form of a new project, the builder and the editor, and the picture of the page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.labeling.harvest import saying
from apps.labeling.models import MAX_OVERLAP, LabelProject
from apps.labeling.questions.picture import Sample, sample_of, shown
from apps.labeling.queueing import filling
from apps.labeling.schema import builder, fields, gallery, grammar
from apps.labeling.schema.label_config import Config, ConfigProblem, parse_config

KINDS = {
    "Choices": gettext_lazy("Choices"),
    "Labels": gettext_lazy("Labels on words"),
    "ParagraphLabels": gettext_lazy("Labels in a conversation"),
    "RectangleLabels": gettext_lazy("Boxes in a picture"),
    "Relations": gettext_lazy("Relations"),
    "TextArea": gettext_lazy("Text to write"),
    "Rating": gettext_lazy("Stars"),
    "Number": gettext_lazy("Number"),
    "Pairwise": gettext_lazy("Which of two"),
    "Ranker": gettext_lazy("Order of a list"),
    "Text": gettext_lazy("Text"),
    "Paragraphs": gettext_lazy("Conversation"),
    "Chat": gettext_lazy("Chat"),
    "Image": gettext_lazy("Picture"),
    "List": gettext_lazy("List"),
}
WAYS = {
    "all": gettext_lazy("All of them"),
    "first": gettext_lazy("The first so many"),
    "sample": gettext_lazy("So many by chance"),
}


def ordered(posted: QueryDict, person: Any) -> dict[str, Any]:
    """What `create_project` takes, as the form says it. Raises Problem naming the field."""
    return {
        "name": posted.get("name", ""),
        "label_config": config_text(posted),
        "dataset_version": version_of(posted.get("dataset_version", ""), person),
        "overlap": _number(posted, "overlap", 1),
        "guidelines": posted.get("guidelines", ""),
        "keep": _kept(posted),
        "selection": selection_asked(posted),
        "own_label": posted.get("own_label") == "on",
    }


def selection_asked(posted: QueryDict) -> dict[str, Any]:
    """Which rows, as the form says it. Raises Problem naming the field."""
    count, is_sample = _number(posted, "limit", 0), posted.get("which") == "sample"
    told = {"sample": count, "seed": _number(posted, "seed", 1)} if is_sample else {"first": count}
    if posted.get("which") == "all":
        told = {}
    elif posted.get("which") and not count:
        raise Problem(_("Say how many rows."), field="limit", code="required")
    words = {"words": posted.get("words", "").strip(), "split": posted.get("split", "")}
    return {**told, **words, "fresh": posted.get("fresh") == "on"}


def row_count(posted: QueryDict, person: Any) -> dict[str, Any]:
    """How many tasks the form would make, before anything is made; or what is wrong with it."""
    try:
        version = version_of(posted.get("dataset_version", ""), person)
        if version is None or version.form not in fields.SAYS:
            return {}
        count, is_sure = filling.count_of(version, filling.selection_of(selection_asked(posted), version))
    except Problem as problem:
        return {"row_problem": problem}
    return {"row_count": count, "is_count_sure": is_sure, "row_total": version.row_count}


def _number(posted: QueryDict, name: str, default: int) -> int:
    text = posted.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Problem(_("Give a whole number."), field=name)
    return int(text)


def version_of(pk: str, person: Any) -> DatasetVersion | None:
    try:
        uid = UUID(pk) if pk else None
    except ValueError:
        uid = None
    rows = DatasetVersion.objects.visible_to(person).select_related("dataset")
    found: DatasetVersion | None = rows.filter(pk=uid).first() if uid else None
    if pk and found is None:
        raise Problem(_("There is no such dataset version."), field="dataset_version")
    return found


def _kept(posted: QueryDict) -> dict[str, list[str]]:
    """The ticked answers: "question=answer" each."""
    kept: dict[str, list[str]] = {}
    for ticked in posted.getlist("keep"):
        name, _is, answer = ticked.partition("=")
        kept.setdefault(name, []).append(answer)
    return kept


def new_page(person: Any, workspace: Workspace, posted: QueryDict, problem: Problem | None) -> dict[str, Any]:
    """The form as it was sent, or filled from the first template."""
    template = gallery.find(posted.get("template", ""))
    versions = DatasetVersion.objects.visible_to(person).filter(workspace=workspace).of_form(*fields.SAYS)
    return {
        "groups": gallery.grouped(),
        "template_count": len(gallery.GALLERY),
        "chosen": posted.get("template") or template.slug,
        "versions": versions.select_related("dataset").order_by("-created_at")[:200],
        "wanted": posted.dict(),
        "overlaps": range(1, MAX_OVERLAP + 1),
        "ways": WAYS.items(),
        "splits": ("train", "validation", "test"),
        "way": posted.get("which") or ("first" if posted.get("limit") else "all"),
        "problem": problem,
        **row_count(posted, person),
        **question(posted, person, template.xml),
    }


def config_page(project: LabelProject, person: Any, posted: QueryDict, problem: Problem | None) -> dict[str, Any]:
    """The question of a draft, to be changed."""
    told = posted.copy()
    told["dataset_version"] = str(project.dataset_version_id or "")
    return {"project": project, "problem": problem, **question(told, person, project.label_config)}


# ---- the question: one config, seen as items and as XML


def config_text(posted: QueryDict) -> str:
    """The config of a sent form: of the builder's fields while the builder is what the person sees."""
    return builder.written(builder.sent(posted))[0] if _is_built(posted) else posted.get("label_config", "")


def _is_built(posted: QueryDict) -> bool:
    return posted.get("view") == "builder" and "builder" in posted


def question(posted: QueryDict, person: Any, text: str = "") -> dict[str, Any]:
    """Both views of the config that a form holds (`text`, if it holds none), after the step it asks for, and its picture."""
    sample = sample_of(posted, person, version_of)
    step, items, starts = posted.get("do", ""), None, list[int]()
    xml = posted.get("label_config") or text
    if step.startswith("template:"):
        xml = gallery.fitted(gallery.find(step.removeprefix("template:")), sample.data)
    elif _is_built(posted):
        items = builder.changed(builder.sent(posted), step, sample.data)
        xml, starts = builder.written(items)
    context = {"xml": xml, "view": posted.get("view", "builder"), "sample": sample, "says": sample.says}
    config, problem = _parsed(xml)
    if config is None:
        place = builder.at_line(starts, problem.line) if problem and problem.line and starts else -1
        return {**context, "config_problem": problem, "bad_place": place, **_built(xml, items, place, problem)}
    return {**context, **_built(xml, items, -1, None), **_pictured(config, sample, _kept(posted))}


def _parsed(xml: str) -> tuple[Config | None, Any]:
    try:
        return parse_config(xml), None
    except ConfigProblem as problem:
        return None, problem


def _built(xml: str, items: list[builder.Item] | None, bad: int, problem: Problem | None) -> dict[str, Any]:
    """What the builder shows: its items, or why it cannot hold the config."""
    try:
        items = builder.held(xml) if items is None else items
    except ConfigProblem as found:
        return {"unheld": found, "items": [], **_MAY_ADD}
    rows = [
        {
            "item": item,
            "kind": KINDS[item.tag],
            "place": place,
            "fit": [other.name for other in items if other.tag in grammar.ABOUT.get(item.tag, grammar.OBJECTS)]
            if not item.is_shown
            else [],
            "problem": problem if place == bad else None,
        }
        for place, item in enumerate(items)
    ]
    return {"items": rows, **_MAY_ADD}


_MAY_ADD = {
    "questions_to_add": [(kind, KINDS[kind]) for kind in grammar.CONTROLS],
    "objects_to_add": [(kind, KINDS[kind]) for kind in grammar.OBJECTS],
}


def _pictured(config: Config, sample: Sample, kept: Mapping[str, list[str]]) -> dict[str, Any]:
    known = {name: answers for name, answers in kept.items() if config.control(name)}
    questions = [{"control": c, "kept": kept.get(c.name, [])} for c in config.controls if c.kind == "Choices"]
    return {
        "parts": shown(config, sample),
        "missing": [field for field in config.fields if field not in sample.data],
        "questions": questions,
        "rules": saying.rules(config, known),
    }
