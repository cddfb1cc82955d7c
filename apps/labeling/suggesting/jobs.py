"""The kinds of job that suggest: rules on a processor, a model where models run. What they leave is checked and written in portions."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import Problem
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.labeling.models import Annotation, AssignmentStatus, LabelProject, Suggester, SuggesterKind, Suggestion
from apps.labeling.queueing import bell
from apps.labeling.queueing.filling import check_alive
from apps.labeling.schema.label_config import Config, Control
from apps.labeling.schema.results import answers_of, check_result
from apps.labeling.suggesting import asking, models_asked, own, prompts
from apps.labeling.suggesting.suggesters import BY_MODEL, BY_RULES

_PORTION = 500
_LISTED = ("functions", "balance", "strange")
_COUNTED = ("slow", "unread", "unfound", "unknown")  # of the report, added up over runs


def _suggester_of(job: Job) -> Suggester:
    """Raises Problem when it was deleted, or has a newer job."""
    rows = Suggester.objects.select_related("project__workspace")
    found: Suggester | None = rows.filter(pk=job.inputs["suggester"], job=job).first()
    if found is None:
        raise Problem(_("The suggester is gone, or was run anew since."))
    return found


def _control_of(job: Job, config: Config) -> Control:
    asked = job.settings["question"]
    control = config.control(asked["name"])
    if control is None or control.kind != asked["kind"]:
        raise Problem(_("The question was changed since; run it again."))
    return control


def _by_rules(job: Job) -> dict[str, Any]:
    return _tasks(job, _suggester_of(job))


def _by_model(job: Job) -> dict[str, Any]:
    suggester = _suggester_of(job)
    found = models_asked.folders(suggester.project.workspace, job.settings["model"])
    return {**found, **_tasks(job, suggester)}


def _tasks(job: Job, suggester: Suggester) -> dict[str, Any]:
    """The tasks as the program reads them, the same in every attempt."""
    path = job.folder / "work" / "tasks.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            for task in _each_task(job, suggester):
                file.write(json.dumps(task, ensure_ascii=False) + "\n")
        draft.rename(path)
    after, first = job.inputs.get("after", 0), job.settings.get("first")
    return {"tasks": str(path), "total": first or suggester.project.task_count - after}


def _each_task(job: Job, suggester: Suggester) -> Iterator[dict[str, Any]]:
    """What there is to read; for functions also what people answered, to measure them by. No task is left out for what became of it."""
    project, config = suggester.project, suggester.project.config
    control, first = _control_of(job, config), job.settings.get("first")
    known = answers(project, control) if suggester.kind == SuggesterKind.FUNCTIONS else {}
    is_model = suggester.kind == SuggesterKind.MODEL
    read = asking.turns_of if is_model else asking.texts_of
    fresh = project.tasks.filter(number__gt=job.inputs.get("after", 0))
    rows = fresh.order_by("number").values_list("pk", "number", "data")
    for pk, number, data in (rows[:first] if first else rows).iterator(chunk_size=1000):
        more: dict[str, Any] = {"answer": known[pk]} if pk in known else {}
        if suggester.kind == SuggesterKind.OWN:
            more |= own.read(data, job.settings)
        if is_model:
            more |= _for_model(config, control, data, job.settings["template"])
        yield {"number": number, "texts": read(config, control, data), **more}


def _for_model(config: Config, control: Control, data: Mapping[str, Any], template: str) -> dict[str, Any]:
    """The other fields that the prompt names; and, where places are looked for, the texts without who says them."""
    named = asking.words_of_fields(config, data, prompts.fields_of(config, template))
    told: dict[str, Any] = {"fields": named} if named else {}
    return told | ({"plain": asking.texts_of(config, control, data)} if control.marks else {})


def answers(project: LabelProject, control: Control) -> dict[Any, str]:
    """{task: the option that counts}: the accepted answer's, else what most people said; none where as many said another."""
    rows = Annotation.objects.filter(project=project, assignment__status=AssignmentStatus.SUBMITTED)
    said: dict[Any, Counter[str]] = {}
    for task, result in rows.values_list("task_id", "result").iterator(chunk_size=1000):
        if option := _option(control, result):
            said.setdefault(task, Counter())[option] += 1
    found = {task: counts.most_common(2) for task, counts in said.items()}
    most = {task: top[0][0] for task, top in found.items() if len(top) == 1 or top[0][1] > top[1][1]}
    decided = project.tasks.filter(accepted__isnull=False).values_list("pk", "accepted__result")
    accepted = {task: _option(control, result) for task, result in decided}
    return most | {task: option for task, option in accepted.items() if option}


def _option(control: Control, result: list[dict[str, Any]]) -> str:
    said = answers_of(result).get(control.name)
    if isinstance(said, list):
        return str(said[0]) if len(said) == 1 else ""
    return "" if said is None else str(int(said))


def _lines(job: Job, result: Event) -> Iterator[dict[str, Any]]:
    """What the program left, if it is the file that it told of. Raises Problem."""
    path = job.folder / "artifacts" / Path(str(result.get("file"))).name
    hashed = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
    if not path.is_file() or hashed.hexdigest() != result.get("sha256"):
        raise Problem(_("The suggestions that the program wrote are missing or damaged."))
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _write(job: Job, result: Event) -> None:
    """In portions, outside of any transaction; what another attempt wrote of this version stays as it is."""
    suggester, check = _suggester_of(job), check_alive(job)
    project, version = suggester.project, job.inputs["version"]
    config = project.config
    control = _control_of(job, config)
    suggester.suggestions.exclude(version__in=[suggester.version, version]).delete()  # of runs that were cancelled
    lines = _lines(job, result)
    while portion := list(islice(lines, _PORTION)):
        check()
        tasks = {task.number: task for task in project.tasks.filter(number__in=[line["number"] for line in portion])}
        rows = [
            Suggestion(suggester=suggester, version=version, task=task, **_checked(config, control, task.data, line))
            for line in portion
            if (task := tasks.get(line["number"]))
        ]
        Suggestion.objects.bulk_create(rows, ignore_conflicts=True)


def _checked(config: Config, control: Control, data: Mapping[str, Any], line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as a suggestion; what the question does not take is nothing that could be suggested."""
    texts = asking.texts_of(config, control, data)
    common = {"score": line["score"], "uncertainty": line["uncertainty"]}
    try:
        said = check_result(config, data, asking.regions(control, texts, line["value"]), is_draft=True)
    except Problem:
        return {"result": [], "score": None, "uncertainty": 1.0}
    return {"result": said, **common}


def _ready(job: Job, result: Event) -> None:
    """From now on the new ones are shown, and those of earlier versions are gone. A job for new tasks adds to what its version has."""
    suggester, version = _suggester_of(job), job.inputs["version"]
    after = job.inputs.get("after", 0)
    report = {name: result[name] for name in (*_LISTED, *_COUNTED) if name in result}
    if after:
        known = suggester.report
        added = {name: known.get(name, 0) + report[name] for name in _COUNTED if name in report}
        report = known | added | own.strange_of(known, report)
    suggested = suggester.suggestions.filter(version=version).exclude(result=[]).count()
    Suggester.objects.filter(pk=suggester.pk).update(
        version=version, looked_at=after + result["looked_at"], suggested=suggested, report=report
    )
    suggester.suggestions.exclude(version=version).delete()
    bell.ring(suggester.project)


def _url(job: Job) -> str:
    found = Suggester.objects.filter(pk=job.inputs.get("suggester")).first()
    return found.get_absolute_url() if found else ""


RULES = Kind(
    name=BY_RULES,
    label=gettext_lazy("Suggest by rules"),
    program="suggest_rules",
    queue="cpu",
    prepare=_by_rules,
    verify=_write,
    on_success=_ready,
    url=_url,
)
MODEL = Kind(
    name=BY_MODEL,
    label=gettext_lazy("Suggest with a model"),
    program="suggest_model",
    queue="gpu",
    prepare=_by_model,
    verify=_write,
    on_success=_ready,
    url=_url,
)
