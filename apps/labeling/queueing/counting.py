"""The figures of a project, kept as they change: no page and no next task counts a million rows.

Who changes how many answers a task has, or which one is accepted, does it here: the task's row is locked, so what it was before and
what it is afterwards are sure, and the difference goes to the share of whoever did it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import Avg, Count, F, Max, Q, Sum
from django.utils import timezone

from apps.labeling.golden import gold
from apps.labeling.models import Annotation, Assignment, AssignmentStatus, LabelProject, Share, Task, WorkDay
from apps.labeling.queueing.situation import Situation, situation

_KEEP = object()
_AT_ONCE = 500
EXACT_BELOW = 500  # unfinished tasks: below it, what is left for a person is counted task by task


def share_of(project: LabelProject, person: Any, *, lock: bool = False) -> Share:
    """The person's part in the project, made when there is none. Locked, the person's other tabs wait."""
    rows = Share.objects.filter(project=project, annotator=person)
    found: Share | None = (rows.select_for_update() if lock else rows).first()
    if found is None:
        _make(project, annotator=person)
        found = rows.select_for_update().get() if lock else rows.get()
    found.project = project
    return found


def console_share(project: LabelProject) -> Share:
    """Where imports and decisions are counted."""
    rows = Share.objects.filter(project=project, is_console=True)
    if not rows.exists():
        _make(project, is_console=True)
    found: Share = rows.get()
    found.project = project
    return found


def _make(project: LabelProject, **whose: Any) -> None:
    try:
        with transaction.atomic():
            Share.objects.create(project=project, workspace_id=project.workspace_id, **whose)
    except IntegrityError:  # another tab was first
        return


@transaction.atomic(savepoint=False)
def settle(task_id: Any, share: Share, *, answers: int = 0, accepted: Any = _KEEP, **also: Any) -> Task:
    """Change the number of answers of a task by `answers`, and which one is accepted; count what the task became by it.
    `also` changes of the share are written with it."""
    task: Task = Task.objects.select_for_update().only("submitted", "accepted_id", "project_id").get(pk=task_id)
    overlap = share.project.overlap
    before = _state(task, overlap)
    task.submitted += answers
    changes: dict[str, Any] = {"submitted": task.submitted}
    if accepted is not _KEEP:
        task.accepted = changes["accepted"] = accepted
    Task.objects.filter(pk=task_id).update(**changes)
    after = _state(task, overlap)
    names = ("begun", "finished", "decided")
    steps = {name: F(name) + (now - was) for name, was, now in zip(names, before, after, strict=True) if now != was}
    if steps or also:
        Share.objects.filter(pk=share.pk).update(**steps, **also)
    return task


def _state(task: Task, overlap: int) -> tuple[int, int, int]:
    decided = task.accepted_id is not None
    return int(task.submitted > 0), int(decided or task.submitted >= overlap), int(decided)


def add_answer(task_id: Any, share: Share, seconds: float) -> None:
    """One more answer of this person, today, to a task."""
    now = timezone.now()
    today = {"submitted": F("submitted") + 1, "seconds": F("seconds") + seconds, "last_at": now}
    settle(task_id, share, answers=1, **today)
    days = WorkDay.objects.filter(share=share, day=timezone.localdate(now))
    if not days.update(**today):
        try:
            with transaction.atomic():
                WorkDay.objects.create(
                    share=share, day=timezone.localdate(now), submitted=1, seconds=seconds, began_at=now, last_at=now
                )
        except IntegrityError:
            days.update(**today)


def take_answer_back(share: Share, annotation: Annotation) -> None:
    """One answer less, on the day on which it was given."""
    less = {"submitted": F("submitted") - 1, "seconds": F("seconds") - annotation.lead_time}
    Share.objects.filter(pk=share.pk, submitted__gt=0).update(**less)
    if not annotation.is_imported:
        day = timezone.localdate(annotation.created_at)
        WorkDay.objects.filter(share=share, day=day, submitted__gt=0).update(**less)


@transaction.atomic
def count_imports(project: LabelProject, added: Sequence[tuple[UUID, Any]]) -> None:
    """Answers (task, person or None) that came with an import, whose tasks are locked: each is the person's, where there is an account,
    but of no day of work. Nobody's answers are counted with the console's."""
    tasks = list({task for task, _person in added})
    states: dict[UUID, tuple[int, bool]] = {}
    for start in range(0, len(tasks), _AT_ONCE):
        rows = Task.objects.filter(pk__in=tasks[start : start + _AT_ONCE])
        for pk, submitted, accepted in rows.values_list("pk", "submitted", "accepted_id"):
            states[pk] = submitted, accepted is not None
    steps_of: dict[Any, Counter[str]] = {}
    for task, person in added:
        submitted, decided = states[task]
        mine = steps_of.setdefault(person, Counter())
        mine["submitted"] += 1
        mine["begun"] += int(submitted == 0)
        mine["finished"] += int(not decided and submitted + 1 == project.overlap)
        states[task] = submitted + 1, decided
    more: dict[int, list[UUID]] = {}
    for task, count in Counter(task for task, _person in added).items():
        more.setdefault(count, []).append(task)
    for count, these in more.items():
        for start in range(0, len(these), _AT_ONCE):
            Task.objects.filter(pk__in=these[start : start + _AT_ONCE]).update(submitted=F("submitted") + count)
    for person, steps in steps_of.items():
        share = share_of(project, person) if person else console_share(project)
        Share.objects.filter(pk=share.pk).update(**{name: F(name) + step for name, step in steps.items() if step})


def add_skips(share: Share, count: int) -> None:
    Share.objects.filter(pk=share.pk).update(skipped=F("skipped") + count, last_at=timezone.now())


def counts(project: LabelProject) -> dict[str, int]:
    """Tasks by what happened to them."""
    found = Share.objects.filter(project=project).totals()
    tasks = LabelProject.objects.values_list("task_count", flat=True).get(pk=project.pk)
    return {
        "all": tasks,
        "started": found["begun"],
        "accepted": found["decided"],
        "done": found["finished"],
        "waiting": tasks - found["finished"],
        "annotations": found["submitted"],
        "skipped": found["skipped"],
        "held": Assignment.objects.filter(project=project, status=AssignmentStatus.LEASED).count(),
    }


def own(project: LabelProject, person: Any) -> dict[str, Any]:
    """What a person may know of an own share: what is done, and what may still come."""
    share = Share.objects.filter(project=project, annotator=person).first()
    if share is None:
        share = Share(project=project)
    share.project = project
    mine = Assignment.objects.filter(project=project, annotator=person)
    held = mine.filter(status=AssignmentStatus.LEASED).count()
    left = left_for(project, person, share, held, situation(project, share))
    pace = share.seconds / share.submitted if share.submitted else None
    return {
        "done": share.submitted,
        "left": left,
        "seconds": pace,
        "share": share,
    }


def left_behind(actor: Any, project: LabelProject) -> models.QuerySet[Assignment]:
    """What the person let go and may have again: tasks that still ask for somebody, and gold ones, which always do."""
    rows: models.QuerySet[Assignment] = Assignment.objects.filter(
        project=project, annotator=actor, status=AssignmentStatus.LAPSED
    )
    is_open = Q(task__open_slots__gt=0, task__accepted__isnull=True)
    is_gold = Q(task__gold__isnull=False, task__accepted__isnull=False)
    return rows.filter(is_open | is_gold)


def left_for(project: LabelProject, person: Any, share: Share, held: int, seen: Situation) -> int:
    """Tasks that may still come to this person, with those in hand. Exact near the end; before, those that are not finished and
    that the person has had no part in are an upper bound (others may be faster)."""
    if seen.is_gold_mixed_in:  # a gold task that was let go comes back, so it counts, and so do all others
        held += left_behind(person, project).count()
    unfinished = project.task_count - seen.finished
    if unfinished > EXACT_BELOW:
        ever = project.task_count - (share.submitted + share.skipped + held)
        # where gold is mixed in, what others finish would tell it from the rest
        return max(0, ever if seen.is_gold_mixed_in else min(unfinished, ever)) + held
    mine = Assignment.objects.filter(project=project, annotator=person)
    had = mine if seen.is_gold_mixed_in else mine.exclude(status=AssignmentStatus.LAPSED)
    free: int = project.tasks.open().exclude(pk__in=had.values("task")).count()
    return free + gold.to_come(person=person, project=project, before=share.steps, free=free) + held


@transaction.atomic
def recount(project: LabelProject) -> None:
    """All figures anew from the rows themselves."""
    project = LabelProject.objects.select_for_update().get(pk=project.pk)
    console = console_share(project)
    Share.objects.filter(project=project).update(submitted=0, skipped=0, finished=0, begun=0, decided=0, seconds=0)
    found = project.tasks.aggregate(
        all=Count("pk"),
        begun=Count("pk", filter=Q(submitted__gt=0)),
        finished=Count("pk", filter=Q(submitted__gte=project.overlap) | Q(accepted__isnull=False)),
        decided=Count("pk", filter=Q(accepted__isnull=False)),
    )
    nobody = _answers(project.annotations.filter(annotator=None))
    LabelProject.objects.filter(pk=project.pk).update(task_count=found.pop("all"))
    Share.objects.filter(pk=console.pk).update(**found, **nobody)
    parts = project.assignments.exclude(annotator=None).order_by().values("annotator")
    by_status = {
        "submitted": Count("pk", filter=Q(status=AssignmentStatus.SUBMITTED)),
        "skipped": Count("pk", filter=Q(status=AssignmentStatus.SKIPPED)),
    }
    for row in parts.annotate(**by_status, all=Sum("annotation__lead_time"), last=Max("finished_at")):
        _make(project, annotator_id=row["annotator"])
        Share.objects.filter(project=project, annotator=row["annotator"]).update(
            submitted=row["submitted"], skipped=row["skipped"], seconds=row["all"] or 0, last_at=row["last"]
        )


def _answers(rows: models.QuerySet[Annotation]) -> dict[str, Any]:
    found = rows.aggregate(submitted=Count("pk"), mean=Avg("lead_time"))
    return {"submitted": found["submitted"], "seconds": (found["mean"] or 0) * found["submitted"]}
