"""Verbs of who runs a project, about its suggesters: make, change, run, show, hide, delete, order the tasks by them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.jobs import services as jobs
from apps.jobs.models import TERMINAL
from apps.labeling.models import LabelProject, Suggester, SuggesterKind
from apps.labeling.queueing import bell
from apps.labeling.suggesting import asking, checking, own

MOST = 50  # suggesters of a project
BY_RULES, BY_MODEL = "labeling.suggest", "labeling.suggest_model"


@transaction.atomic
def make_suggester(*, actor: Any, project: LabelProject, name: Any, kind: Any, spec: Any) -> Suggester:
    """A suggester that has not run yet. Raises Problem naming the field."""
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    if kind not in SuggesterKind.values:
        raise Problem(_("There is no such kind of suggester."), field="kind", hint=", ".join(SuggesterKind.values))
    if project.suggesters.count() >= MOST:
        raise Conflict(_("A project has at most %(most)d suggesters.") % {"most": MOST})
    made: Suggester = Suggester.objects.create(
        workspace_id=project.workspace_id,
        created_by=actor,
        project=project,
        name=_name(project, name),
        kind=kind,
        spec=checking.check_spec(project, kind, spec),
    )
    ledger.write(row=project, verb="labelproject.suggester_made", actor=actor, note=made.name)
    return made


def _name(project: LabelProject, given: Any, besides: Any = None) -> str:
    name = given.strip() if isinstance(given, str) else ""
    if not 0 < len(name) <= 80 or not name.isprintable():
        raise Problem(_("A name has from 1 to 80 printable characters."), field="name")
    if project.suggesters.filter(name=name).exclude(pk=besides).exists():
        message = _("There is already a suggester “%(name)s” here.") % {"name": name}
        raise Conflict(message, field="name", code="duplicate_name")
    return name


def suggest_own_labels(*, actor: Any, project: LabelProject, spec: Mapping[str, Any]) -> None:
    """Of a new project: a suggester that says what its rows say of themselves, shown from its first run on. Until the tasks are there it
    waits; then beat runs it (`following`)."""
    made = make_suggester(actor=actor, project=project, name=_("Own label"), kind=SuggesterKind.OWN, spec=spec)
    Suggester.objects.filter(pk=made.pk).update(is_shown=True)
    if project.is_filled and project.task_count:
        run_suggester(actor=actor, suggester=made)


@transaction.atomic
def change_suggester(*, actor: Any, suggester: Suggester, name: Any = None, spec: Any = None) -> Suggester:
    """Another name or other settings; what it suggested stays until it runs again. Raises Problem, Conflict while it runs."""
    suggester = _still(suggester)
    if name is not None:
        suggester.name = _name(suggester.project, name, suggester.pk)
    if spec is not None:
        suggester.spec = checking.check_spec(suggester.project, suggester.kind, spec)
    suggester.save(update_fields=["name", "spec"])
    ledger.write(row=suggester.project, verb="labelproject.suggester_changed", actor=actor, note=suggester.name)
    return suggester


def _still(suggester: Suggester) -> Suggester:
    """The suggester, locked. Raises Conflict while it runs."""
    rows = Suggester.objects.select_for_update(of=("self",)).select_related("project__workspace", "job")
    found: Suggester = rows.get(pk=suggester.pk)
    if found.job and found.job.status not in TERMINAL:
        raise Conflict(_("It is at work; wait for it or cancel it first."), code="running")
    return found


@transaction.atomic
def run_suggester(*, actor: Any, suggester: Suggester, only_new: bool = False) -> Suggester:
    """Suggest for every task, by a job; what was suggested before is shown until the new ones are all there. With `only_new` for the
    tasks that came since: what is there stays. Raises Conflict while it runs, or when only a whole run makes sense."""
    suggester = _still(suggester)
    project = suggester.project
    if not project.is_filled:
        raise Conflict(_("The project's tasks are still being made."))
    if not project.task_count:
        raise Conflict(_("The project has no task yet."))
    begin(actor, suggester, only_new=only_new)
    ledger.write(row=project, verb="labelproject.suggester_run", actor=actor, note=suggester.name)
    return suggester


def begin(actor: Any, suggester: Suggester, *, only_new: bool) -> None:
    """Its job, in a transaction that has locked it. Labeling functions are weighed by all tasks: for them new ones mean a whole run."""
    project = suggester.project
    settings = settings_now(suggester)  # the question may have been changed since
    if only_new and not has_same_settings(suggester, settings):
        raise Conflict(_("It or the question was changed since: run it for all tasks."), code="changed")
    if only_new and not new_tasks(suggester):
        raise Conflict(_("No task has come since."), code="nothing_new")
    is_part = only_new and suggester.kind != SuggesterKind.FUNCTIONS
    version = suggester.version if is_part else suggester.version + 1
    suggester.job = jobs.submit(
        actor=actor,
        workspace=project.workspace,
        kind=BY_MODEL if suggester.kind == SuggesterKind.MODEL else BY_RULES,
        title=_("Suggestions of %(name)s") % {"name": suggester.name},
        inputs={
            "suggester": str(suggester.pk),
            "version": version,
            "after": suggester.looked_at if is_part else 0,
        },
        settings=settings,
    )
    suggester.save(update_fields=["job"])


def new_tasks(suggester: Suggester) -> int:
    """Tasks that came since its last run. Tasks are numbered as they come and never taken away, and it looks at them in this order. Who
    asked for the first ones only wants no others."""
    if not suggester.version or suggester.spec.get("first") or suggester.kind == SuggesterKind.IMPORTED:
        return 0
    return max(0, suggester.project.task_count - suggester.looked_at)


def has_same_settings(suggester: Suggester, settings: Mapping[str, Any]) -> bool:
    """Whether its last job was asked the same: else old and new suggestions would not be of one kind."""
    return suggester.job is not None and suggester.job.settings == settings


def settings_now(suggester: Suggester) -> dict[str, Any]:
    """What its job would be told now. Raises Problem when it does not fit the question any more."""
    spec = checking.check_spec(suggester.project, suggester.kind, suggester.spec)
    return _settings(suggester.project, suggester.kind, spec)


def _settings(project: LabelProject, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    control = asking.question_of(project.config, kind, spec["question"])
    told = {"way": kind, **spec, "question": {"name": control.name, **asking.asked(control)}}
    return {**told, "names": own.names_of(control)} if kind == SuggesterKind.OWN else told


@transaction.atomic
def cancel(*, actor: Any, suggester: Suggester) -> None:
    """End its job; what was suggested before stays."""
    suggester = Suggester.objects.select_related("job").get(pk=suggester.pk)
    if suggester.job is None or suggester.job.status in TERMINAL:
        raise Conflict(_("It is not at work."))
    jobs.cancel(actor=actor, job=suggester.job)


@transaction.atomic
def show(*, actor: Any, suggester: Suggester, is_shown: bool) -> Suggester:
    """Put what it suggests beside the tasks of who labels, in place of another's; or take it away."""
    project = LabelProject.objects.select_for_update().get(pk=suggester.project_id)
    suggester.refresh_from_db()
    if is_shown and not suggester.version:
        raise Conflict(_("It has suggested nothing yet: run it first."))
    if suggester.is_shown == is_shown:
        return suggester
    project.suggesters.filter(is_shown=True).update(is_shown=False)
    Suggester.objects.filter(pk=suggester.pk).update(is_shown=is_shown)
    suggester.is_shown = is_shown
    if is_shown:
        ledger.write(row=project, verb="labelproject.suggester_shown", actor=actor, note=suggester.name)
    else:
        ledger.write(row=project, verb="labelproject.suggester_hidden", actor=actor, note=suggester.name)
    bell.ring(project)
    return suggester


@transaction.atomic
def delete_suggester(*, actor: Any, suggester: Suggester) -> None:
    """With all that it suggested; how answers came that were given beside it stays counted."""
    suggester = _still(suggester)
    ledger.write(row=suggester.project, verb="labelproject.suggester_deleted", actor=actor, note=suggester.name)
    suggester.suggestions.all().delete()
    suggester.delete()
