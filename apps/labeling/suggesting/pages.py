"""What the pages of suggestions show, and what their forms say."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.jobs.models import TERMINAL
from apps.labeling import assisting
from apps.labeling.models import LabelProject, Suggester, SuggesterKind
from apps.labeling.schema.label_config import Config, Control
from apps.labeling.schema.results import answers_of
from apps.labeling.suggesting import asking, following, models_asked, own, previewing, prompts, suggesters
from workers.model_answers import way_of
from workers.suggesting import Question

SAYS = {
    SuggesterKind.RULES: gettext_lazy(
        "A regular expression a line. A match speaks for its option, or marks its place."
    ),
    SuggesterKind.WORDS: gettext_lazy("A word or phrase a line, found wherever it stands alone."),
    SuggesterKind.FUNCTIONS: gettext_lazy(
        "Each line votes or abstains; a label model weighs the votes by how the lines agree."
    ),
    SuggesterKind.MODEL: gettext_lazy("A base model or a checkpoint of this workspace answers, in a job."),
    SuggesterKind.OWN: gettext_lazy(
        "What the rows say of themselves: a column with a class, an answer, marks or boxes."
    ),
    SuggesterKind.IMPORTED: gettext_lazy("Predictions that came with a file of Label Studio."),
}
SAMPLE = 20  # suggestions that the page of a suggester shows


def list_page(project: LabelProject) -> dict[str, Any]:
    """Every suggester with how far it is and how it is taken."""
    taken = assisting.by_suggester(project)
    rows = project.suggesters.select_related("job", "project")
    return {
        "suggesters": [
            {"row": row, "state": state(row), "taking": taken.get(row.pk), "new": suggesters.new_tasks(row)}
            for row in rows
        ],
        "people": assisting.by_person(project),
        "kinds": kinds(project.config),
    }


def kinds(config: Config) -> list[dict[str, Any]]:
    """The kinds, and whether the questions of the project fit each."""
    return [
        {"value": kind.value, "label": kind.label, "says": SAYS[kind], "fits": bool(asking.questions(config, kind))}
        for kind in SuggesterKind
        if kind != SuggesterKind.IMPORTED
    ]


def state(suggester: Suggester) -> dict[str, Any]:
    """How a suggester stands: the badge, and its job while it is at work."""
    job = suggester.job
    if job and job.status not in TERMINAL:
        return {"tone": "info", "words": _("at work"), "job": job, "is_busy": True}
    if job and job.status == "failed":
        return {"tone": "bad", "words": _("failed"), "job": job, "is_busy": False}
    if suggester.is_shown:
        return {"tone": "good", "words": _("shown"), "job": job, "is_busy": False}
    return {
        "tone": "idle",
        "words": _("ready") if suggester.version else _("not run yet"),
        "job": job,
        "is_busy": False,
    }


def detail_page(suggester: Suggester) -> dict[str, Any]:
    """One suggester: its figures and some of what it suggests, the least sure first."""
    rows = suggester.suggestions.filter(version=suggester.version).exclude(result=[]).select_related("task")
    control = suggester.project.config.control(suggester.question)
    sample = [
        {"number": one.task.number, "text": _text(suggester.project.config, control, one.task.data), "row": one,
         "said": said_in_words(one.result)}
        for one in rows.order_by("-uncertainty", "task__number")[:SAMPLE]
    ]  # fmt: skip
    taking = assisting.by_suggester(suggester.project).get(suggester.pk)
    lines = [(option, lines) for option, lines in suggester.spec.get("lines", {}).items()]
    told = {"suggester": suggester, "state": state(suggester), "sample": sample, "taking": taking, "lines": lines}
    new = suggesters.new_tasks(suggester)
    return {**told, "new": new, "follows": bool(new) and following.follows_by_itself(suggester)}


def _text(config: Config, control: Control | None, data: Mapping[str, Any]) -> str:
    return " / ".join(asking.texts_of(config, control, data))[:200] if control else ""


def said_in_words(result: list[dict[str, Any]]) -> list[str]:
    """A suggestion in few words."""
    found: list[str] = []
    for said in answers_of(result).values():
        for one in said if isinstance(said, list) else [said]:
            found.append(
                f"{', '.join(one['labels'])}: {one.get('text', '')}"[:80] if isinstance(one, dict) else str(one)[:80]
            )
    return found[:12]


# ---- the form


def form_page(
    project: LabelProject, kind: str, asked: QueryDict, suggester: Suggester | None, problem: Problem | None
) -> dict[str, Any]:
    """The form of a kind for a question, with what was written so far."""
    fit = asking.questions(project.config, kind)
    wanted = asked.get("question") or (suggester.question if suggester else "")
    control = next((one for one in fit if one.name == wanted), fit[0] if fit else None)
    spec = spec_of(asked, control, kind) if asked.get("sent") and control else dict(suggester.spec) if suggester else {}
    context: dict[str, Any] = {
        "kind": kind,
        "kind_label": SuggesterKind(kind).label,
        "says": SAYS[SuggesterKind(kind)],
        "fit": fit,
        "control": control,
        "suggester": suggester,
        "name": asked.get("name", suggester.name if suggester else _free_name(project, kind, control)),
        "spec": {"ignores_case": True, "first": 0, "max_tokens": 128, **spec},
        "problem": problem,
    }
    if control is None:
        return context
    if kind == SuggesterKind.OWN:
        data = project.tasks.order_by("number").values_list("data", flat=True).first() or {}
        wanted = spec.get("field") or own.likely(control, data)
        return {**context, "columns": own.columns_of(control, data), "column": wanted}
    if kind == SuggesterKind.MODEL:
        return {**context, **_of_model(project, control, spec, asked.get("ready", ""))}
    lines = spec.get("lines", {})
    return {**context, "options": [(one, "\n".join(lines.get(one, []))) for one in asking.options_of(control)]}


def _free_name(project: LabelProject, kind: str, control: Control | None) -> str:
    """A name to begin with, that no other suggester has."""
    name = f"{SuggesterKind(kind).label}: {control.name if control else ''}"[:70]
    taken = set(project.suggesters.values_list("name", flat=True))
    return next(
        one for number in range(len(taken) + 1) if (one := f"{name} {number + 1}" if number else name) not in taken
    )


def _of_model(project: LabelProject, control: Control, spec: Mapping[str, Any], ready: str) -> dict[str, Any]:
    """What the form of a model has: models, the prompt, prompts to start from, and what a prompt may name."""
    written = "" if ready else spec.get("template")
    others = [name for name in project.config.fields if name not in ("text", "options", "option")]
    return {
        "models": models_asked.known(project.workspace),
        "template": written or prompts.default(control, asking.options_of(control), ready),
        "ready": [(slug, label) for slug, (label, _prompt) in prompts.READY.items()]
        if control.kind == "TextArea"
        else [],
        "fields": others,
        "way": way_of(Question(control.kind, asking.options_of(control), asking.asked(control)["multiple"])),
    }


def spec_of(posted: QueryDict, control: Control, kind: str) -> dict[str, Any]:
    """What the form says, unchecked."""
    if kind == SuggesterKind.MODEL:
        words = {name: posted.get(name, "") for name in ("model", "template")}
        return {"question": control.name, **words, **{n: _number(posted, n) for n in ("first", "max_tokens")}}
    if kind == SuggesterKind.OWN:
        return {"question": control.name, "field": posted.get("field", "")}
    options = asking.options_of(control)
    lines = {one: posted.get(f"lines-{place}", "").splitlines() for place, one in enumerate(options)}
    told = {option: [line.strip() for line in said if line.strip()] for option, said in lines.items()}
    kept = {option: said for option, said in told.items() if said}
    return {"question": control.name, "lines": kept, "ignores_case": "ignores_case" in posted}


def _number(posted: QueryDict, name: str) -> int | str:
    text = posted.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text or 0


def previewed(project: LabelProject, kind: str, spec: Any) -> dict[str, Any]:
    """The preview below the form."""
    found = previewing.preview(project, kind, spec)
    return {"preview": found, "preview_hits": sum(bool(line.said) for line in found), "is_previewed": True}
