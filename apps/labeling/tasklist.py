"""The tasks of a project as a list: in any order that is asked for, a page at a time, as fast in the millions.

By number, by answers and by last activity a page goes on from where the one before ended, through an index. Agreement is known of no
task before its answers are compared, and flags are few: of those orders a bounded part is looked through, and the page says how much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from apps.labeling.models import Assignment, AssignmentStatus, LabelProject, Task
from apps.labeling.queueing.pages import filling_page
from apps.labeling.reviewing.reading import answered
from apps.labeling.schema import alike

SHOWN = 50
LOOKED_AT = 20_000  # tasks that one page of a search looks at
COMPARED = 1000  # tasks whose answers are compared for one page by agreement
MOST_FLAGGED = 2000
STATES = {
    "waiting": _("Waiting"),
    "begun": _("Begun"),
    "answered": _("Answered"),
    "decided": _("Decided"),
    "flagged": _("Flagged"),
    "skipped": _("Skipped"),
}
SORTS = {
    "number": _("No."),
    "answers": _("Answers"),
    "agreement": _("Agreement"),
    "flags": _("Flags"),
    "active": _("Last activity"),
}
DOWN_FIRST = ("flags", "active")  # a first click on these shows the largest


@dataclass(frozen=True)
class Wish:
    """What is asked for, as the address says it; what means nothing is the default."""

    words: str = ""
    state: str = ""
    sort: str = "number"
    is_down: bool = False
    after: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Wish":
        state, sort = query.get("state", ""), query.get("sort", "")
        name = sort.removeprefix("-")
        return cls(
            query.get("q", "").replace("\0", "").strip()[:100],
            state if state in STATES else "",
            name if name in SORTS else "number",
            sort.startswith("-") and name in SORTS,
            query.get("after", "")[:80],
        )

    def address(self, **changes: Any) -> str:
        told = {"q": self.words, "state": self.state, "sort": f"{'-' * self.is_down}{self.sort}", **changes}
        return urlencode({name: value for name, value in told.items() if value and (name, value) != ("sort", "number")})


@dataclass(frozen=True)
class Found:
    """A page: its tasks, where to go on ("" at the end), and how many tasks it looked through where it did not see all."""

    tasks: Sequence[Task]
    following: str = ""
    looked: int = 0


def tasks_page(project: LabelProject, query: Mapping[str, str]) -> dict[str, Any]:
    wish = Wish.read(query)
    found = _BY[wish.sort](project, wish)
    _describe(project, found.tasks)
    heads = [_head(name, label, wish) for name, label in SORTS.items()]
    around = {"wish": wish, "heads": {head["name"]: head for head in heads}, "states": STATES.items()}
    links = {"next": wish.address(after=found.following) if found.following else "", "first": wish.address()}
    return {**around, "tasks": found.tasks, "looked": found.looked, **links, **filling_page(project)}


def _head(name: str, label: Any, wish: Wish) -> dict[str, Any]:
    """The head of a column: where its click leads, and how it is sorted now."""
    is_here = wish.sort == name
    is_down = not wish.is_down if is_here else name in DOWN_FIRST
    order = ("descending" if wish.is_down else "ascending") if is_here else ""
    return {"name": name, "label": label, "order": order, "to": wish.address(sort=f"{'-' * is_down}{name}")}


# ---- orders


def _by_number(project: LabelProject, wish: Wish) -> Found:
    at, rows = _whole(wish.after), _wanted(project, wish)
    if wish.after and at is not None:
        rows = rows.filter(number__lt=at) if wish.is_down else rows.filter(number__gt=at)
    looked_to = None
    if _is_search(wish):
        start = at if at is not None else (project.task_count + 1 if wish.is_down else 0)
        looked_to = max(0, start - LOOKED_AT) if wish.is_down else start + LOOKED_AT
        rows = rows.filter(number__gte=looked_to) if wish.is_down else rows.filter(number__lte=looked_to)
    found = list(rows.order_by("-number" if wish.is_down else "number")[: SHOWN + 1])
    if len(found) > SHOWN:
        return Found(found[:SHOWN], str(found[SHOWN - 1].number))
    if looked_to is None or not 0 < looked_to < project.task_count:
        return Found(found)
    return Found(found, str(looked_to), LOOKED_AT)


def _by_answers(project: LabelProject, wish: Wish) -> Found:
    """By how many answers there are, then by number, both in one direction as the index has them: a place is "answers.number"."""
    count, _dot, number = wish.after.partition(".")
    answers, at = _whole(count), _whole(number)
    rows = _wanted(project, wish, is_bounded=True)
    if answers is not None and at is not None:
        way = "lt" if wish.is_down else "gt"
        rows = rows.filter(Q(**{f"submitted__{way}": answers}) | Q(**{"submitted": answers, f"number__{way}": at}))
    order = ("-submitted", "-number") if wish.is_down else ("submitted", "number")
    found = list(rows.order_by(*order)[: SHOWN + 1])
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    return Found(found[:SHOWN], f"{last.submitted}.{last.number}" if last else "")


def _by_activity(project: LabelProject, wish: Wish) -> Found:
    """Each task at the last thing that anybody did to it; tasks that nobody touched are not shown."""
    later = Assignment.objects.filter(task=OuterRef("task"), finished_at__gt=OuterRef("finished_at"))
    rows = project.assignments.filter(finished_at__isnull=False).exclude(Exists(later)).select_related("task")
    moment = _moment(wish.after)
    if moment:
        rows = rows.filter(finished_at__lt=moment) if wish.is_down else rows.filter(finished_at__gt=moment)
    if wish.state or wish.words:
        rows = rows.filter(task__in=_wanted(project, wish, is_bounded=True).values("pk"))
    found = list(rows.order_by("-finished_at" if wish.is_down else "finished_at")[: SHOWN + 1])
    tasks = list({row.task_id: row.task for row in found[:SHOWN]}.values())
    return Found(tasks, found[SHOWN - 1].finished_at.isoformat() if len(found) > SHOWN else "")


def _by_flags(project: LabelProject, wish: Wish) -> Found:
    """Flagged tasks alone."""
    flagged = project.assignments.filter(flagged=True).order_by()
    counted = flagged.values("task").annotate(n=Count("pk")).order_by("-n" if wish.is_down else "n", "task__number")
    keys = [row["task"] for row in counted[:MOST_FLAGGED]]
    start = _whole(wish.after) or 0
    rows = {task.pk: task for task in _wanted(project, wish, is_bounded=True).filter(pk__in=keys)}
    tasks = [rows[key] for key in keys if key in rows]
    return Found(tasks[start : start + SHOWN], str(start + SHOWN) if len(tasks) > start + SHOWN else "")


def _by_agreement(project: LabelProject, wish: Wish) -> Found:
    """Of the next so many tasks with two answers or more, those whose answers are least (or most) alike."""
    rows = _wanted(project, wish, is_bounded=True).filter(submitted__gte=2, number__gt=_whole(wish.after) or 0)
    tasks = list(rows.order_by("number")[: COMPARED + 1])
    looked = tasks[:COMPARED]
    _compare(project, looked)
    known = sorted(
        (task for task in looked if task.agreement is not None), key=lambda task: task.agreement, reverse=wish.is_down
    )
    return Found(known[:SHOWN], str(looked[-1].number) if len(tasks) > COMPARED else "", len(looked))


_BY = {
    "number": _by_number,
    "answers": _by_answers,
    "agreement": _by_agreement,
    "flags": _by_flags,
    "active": _by_activity,
}


# ---- what is wanted


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text) if text else None
    except ValueError:
        return None


def _is_search(wish: Wish) -> bool:
    return bool(wish.words) and _whole(wish.words) is None


def _wanted(project: LabelProject, wish: Wish, *, is_bounded: bool = False) -> Any:
    """Tasks with the words and in the state; bounded, words are looked for in the first tasks alone."""
    rows: Any = project.tasks.all()
    if _whole(wish.words) is not None:
        rows = rows.filter(number=_whole(wish.words))
    elif wish.words:
        rows = rows.filter(data__icontains=wish.words)
        rows = rows.filter(number__lte=LOOKED_AT) if is_bounded else rows
    return _in_state(rows, project, wish.state)


def _in_state(rows: Any, project: LabelProject, state: str) -> Any:
    full = project.overlap
    if state == "waiting":
        return rows.open().filter(submitted=0)
    if state == "begun":
        return rows.filter(submitted__gt=0, submitted__lt=full, accepted__isnull=True)
    if state == "answered":
        return rows.filter(submitted__gt=0, submitted__gte=full)
    if state == "decided":
        return rows.filter(accepted__isnull=False)
    if state:
        wanted = {"flagged": True} if state == "flagged" else {"status": AssignmentStatus.SKIPPED}
        return rows.filter(pk__in=project.assignments.filter(**wanted).values("task"))
    return rows


# ---- what is told of each


def _describe(project: LabelProject, tasks: Sequence[Task]) -> None:
    """Words, flags, last activity and agreement of the tasks that are shown."""
    parts: dict[Any, list[Any]] = {}
    rows = Assignment.objects.filter(task__in=[task.pk for task in tasks]).order_by()
    for task, flagged, at in rows.values_list("task", "flagged", F("finished_at")):
        parts.setdefault(task, []).append((flagged, at))
    for one in tasks:
        mine = parts.get(one.pk, [])
        one.text = str(one.data.get("prompt") or one.data.get("text") or next(iter(one.data.values()), ""))[:200]  # type: ignore[attr-defined]
        one.flags = sum(flagged for flagged, _at in mine)  # type: ignore[attr-defined]
        one.active = max((at for _flagged, at in mine if at), default=None)  # type: ignore[attr-defined]
    _compare(project, [task for task in tasks if not hasattr(task, "agreement")])


def _compare(project: LabelProject, tasks: Sequence[Any]) -> None:
    """How alike the answers of each task are, from 0 to 1; None with fewer than two."""
    config = project.config
    asked = [control for control in config.controls if control.kind != "TextArea" or control.name == alike.ANSWER]
    lines = [(task.pk, task.number, task.accepted_id) for task in tasks if task.submitted >= 2]
    told = {one.pk: _likeness(asked, one.given) for one in answered(project, lines)}
    for task in tasks:
        task.agreement = told.get(task.pk)


def _likeness(asked: Sequence[Any], given: Sequence[Any]) -> float | None:
    found = [alike.between_people(control, [one.answers.get(control.name, []) for one in given]) for control in asked]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None
