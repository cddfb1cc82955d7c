"""Records of a file against a project: which tasks they speak of, what each answer would do, and doing it.

A record that cannot be used is refused with its place and the rest is taken; what one call takes is one transaction.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.labeling import services
from apps.labeling.exchange import keeping, regions
from apps.labeling.exchange.decisions import Decided, Decider
from apps.labeling.exchange.finding import Finder, Match, completed
from apps.labeling.exchange.keeping import ADDED, CHANGED, HELD, SURPLUS, Given, Standing
from apps.labeling.exchange.predicting import Predicted, Predictions
from apps.labeling.exchange.reading import UNKNOWN, as_item, mark_gold
from apps.labeling.models import LabelProject, ProjectStatus
from apps.labeling.schema import fields
from apps.labeling.schema.results import check_result
from workers.formats.problems import excerpt
from workers.labels.found import Found

MOST_TOLD = 50  # places that are told one by one
_MOST_PEOPLE = 100


@dataclass
class Report:
    """What a file did, or would do. Answers: `added`, `repeated` (there already), `changed` (the person said something else here: left),
    `held` (the person has the task in hand or skipped it), `surplus` (more than people a task), `refused` (with records that name no
    task), `skipped` (tasks that a person passed by). Beside them: `accepted` and `gold` decisions, `suggested` predictions, and those
    that are `unfit`. `told` are the first places with what is wrong with them."""

    records: int = 0
    tasks: int = 0
    known: int = 0
    added: int = 0
    blank: int = 0
    repeated: int = 0
    changed: int = 0
    held: int = 0
    surplus: int = 0
    refused: int = 0
    skipped: int = 0
    accepted: int = 0
    gold: int = 0
    suggested: int = 0
    unfit: int = 0
    later: int = 0
    people: dict[str, int] = field(default_factory=dict)
    told: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Report":
        return cls(**{name: plain[name] for name in cls.__dataclass_fields__ if name in plain})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def refuse(self, place: str, why: str) -> None:
        self.refused += 1
        self.tell(place, why)

    def tell(self, place: str, why: str) -> None:
        if len(self.told) < MOST_TOLD:
            self.told.append({"place": excerpt(place, 200), "why": excerpt(why, 500)})

    def add(self, *done: Decider | Predictions) -> None:
        """What came of decisions and predictions."""
        for one in done:
            for name, count in one.counts.items():
                setattr(self, name, getattr(self, name) + count)
            for place, why in one.told:
                self.tell(place, why)

    def count(self, outcome: str, given: Given, place: str) -> None:
        """One answer more with this outcome."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        name = given.person.email if given.person else given.label
        if outcome == ADDED:
            self.blank += not given.result
            if name in self.people or len(self.people) < _MOST_PEOPLE:
                self.people[name] = self.people.get(name, 0) + 1
        if outcome not in (CHANGED, HELD, SURPLUS) or len(self.told) >= MOST_TOLD:
            return
        why = {
            CHANGED: _("%(person)s answered this task with something else; the answer that is there stays."),
            HELD: _("%(person)s has this task in hand, or skipped it."),
            SURPLUS: _("The task has as many answers as people are asked; that of %(person)s is left out."),
        }
        self.tell(place, why[outcome] % {"person": name})


@dataclass(slots=True)
class _Told:
    """What the sound answers of some records are: answers and skips with their places, and decisions."""

    given: list[tuple[str, Given]] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)


@dataclass(slots=True)
class _Planned:
    """A record with its task: one of the project's, or the item of which a new one is made."""

    record: Found
    task: UUID
    data: dict[str, Any]
    item: dict[str, Any] | None = None


class Taker:
    """Takes the records of one file, portion by portion. `person`: whose answers they are where the file does not say."""

    def __init__(
        self,
        project: LabelProject,
        *,
        format: str = "json",
        person: str = "",
        actor: Any = None,
        may_read_all: bool = True,
    ) -> None:
        self.project, self._config, self._actor = project, project.config, actor
        self._has_tasks = format in ("json", "jsonl")  # formats whose records may be tasks without answers
        self._person = person.strip() or UNKNOWN
        self._people = keeping.people_of(project)
        self._finder = Finder(project, may_read_all=may_read_all)

    def look(self, records: Sequence[Found]) -> Report:
        """What these records would do; nothing is written."""
        report = Report()
        planned = self._plan(records, report)
        there = keeping.standing(one.task for one in planned if one.item is None)
        there.slots.update({one.task: self.project.overlap for one in planned if one.item is not None})
        report.tasks = len({one.task for one in planned if one.item is not None})
        told = self._told(planned, there, report)
        for place, given in told.given:
            report.count(there.weigh(given), given, place)
        decider, predictions = Decider(self.project, self._actor), Predictions(self.project, self._actor)
        decider.look(told.decided, there)
        predictions.look(_predicted(planned))
        report.add(decider, predictions)
        return _in_order(report, records)

    @transaction.atomic
    def take(self, records: Sequence[Found]) -> Report:
        """Write what is new in these records: all of it or, when something fails, nothing."""
        require_ready(self.project)
        report = Report()
        planned = self._plan(records, report)
        self._add_tasks([one for one in planned if one.item is not None], report)
        there = self._locked(planned)
        told = self._told(planned, there, report)
        outcomes = keeping.write(self.project, [one for _place, one in told.given], there)
        for (place, one), outcome in zip(told.given, outcomes, strict=True):
            report.count(outcome, one, place)
        decider, predictions = Decider(self.project, self._actor), Predictions(self.project, self._actor)
        decider.take(told.decided, there)
        predictions.take(_predicted(planned))
        report.add(decider, predictions)
        self._mark_gold(planned, report)
        return _in_order(report, records)

    def _add_tasks(self, planned: Sequence[_Planned], report: Report) -> None:
        before = LabelProject.objects.values_list("task_count", flat=True).get(pk=self.project.pk)
        items = [one.item for one in planned if one.item is not None]
        tasks = services.add_tasks(actor=self._actor, project=self.project, items=items)
        for one, task in zip(planned, tasks, strict=True):
            one.task, one.data = task.pk, task.data
        if tasks:
            report.tasks = LabelProject.objects.values_list("task_count", flat=True).get(pk=self.project.pk) - before

    # ---- records

    def _plan(self, records: Sequence[Found], report: Report) -> list[_Planned]:
        """The usable records, each with its task."""
        report.records += len(records)
        sound = [one for one in records if not one.fault]
        for one in sound:
            if one.task:
                one.shown = completed(one.task)
        matches = dict(zip(map(id, sound), self._finder.find(sound), strict=True))
        fresh: dict[str, UUID] = {}
        planned = []
        for one in records:
            made = self._planned(one, matches.get(id(one), Match()), fresh, report)
            planned += [made] if made else []
        return planned

    def _planned(self, one: Found, match: Match, fresh: dict[str, UUID], report: Report) -> _Planned | None:
        if one.fault:
            report.refuse(one.place, one.fault)
        elif match.task:
            report.known += 1
            return _Planned(one, match.task.pk, match.task.data)
        elif match.is_later:
            report.later += 1
        elif one.task is None and not self._is_bare(one):
            report.refuse(one.place, match.why)
        else:
            return self._new(one, match, fresh, report)
        return None

    def _is_bare(self, one: Found) -> bool:
        """Whether a record of JSON answers nothing: then it is a task by itself."""
        is_flat = bool(one.answers) and "said" in one.answers[0]
        return self._has_tasks and bool(one.shown) and is_flat and not self._says(one.answers[0])

    def _says(self, answer: Mapping[str, Any]) -> bool:
        """Whether a flat record answers anything. In JSON a field of the task is no answer, unless somebody gave one."""
        columns = set(regions.columns_of(self._config, answer["said"]).values())
        return bool(columns - set(self._config.fields) if self._has_tasks and not answer["person"] else columns)

    def _new(self, one: Found, match: Match, fresh: dict[str, UUID], report: Report) -> _Planned | None:
        """A task that is not there yet. Raises nothing: what its data lacks is told at its place."""
        item = as_item(one.task or {"data": one.shown}, 0)
        try:
            data = fields.check_data(self._config, item["data"], "data")
        except Problem as problem:
            report.refuse(one.place, f"{match.why} {said_of(problem)}".strip())
            return None
        return _Planned(one, fresh.setdefault(item["key"], uuid4()), data, item)

    def _locked(self, planned: Sequence[_Planned]) -> Standing:
        """What there is of the tasks that are answered, before anything is checked: what is there already need not be."""
        answered = [one for one in planned if one.record.answers]
        people = [person for one in answered for answer in one.record.answers if (person := self._who(answer)[0])]
        return keeping.locked(self.project, [one.task for one in answered], people)

    def _told(self, planned: Sequence[_Planned], there: Standing, report: Report) -> _Told:
        """What the records say, each answer checked."""
        told = _Told()
        for one in planned:
            for place, given, answer in self._answers(one, report, there):
                is_review = bool(answer.get("is_review"))
                if not is_review:
                    told.given.append((place, given))
                if answer.get("is_accepted") or answer.get("is_gold"):
                    told.decided.append(Decided(place, given, bool(answer.get("is_gold")), is_review))
        return told

    def _answers(
        self, one: _Planned, report: Report, there: Standing
    ) -> Iterator[tuple[str, Given, Mapping[str, Any]]]:
        """The sound answers of a record, each with its place."""
        many = len(one.record.answers) > 1
        for number, answer in enumerate(one.record.answers, 1):
            if "said" in answer and not self._says(answer):
                if not self._has_tasks:
                    report.refuse(one.record.place, _("It answers none of the project's questions."))
                continue
            place = _("%(place)s, answer %(number)d") % {"place": one.record.place, "number": number}
            place = place if many else one.record.place
            try:
                yield place, self._given(one, answer, there), answer
            except Problem as problem:
                report.refuse(place, said_of(problem))

    def _given(self, one: _Planned, answer: Mapping[str, Any], there: Standing) -> Given:
        person, label = self._who(answer)
        if answer.get("is_skipped"):
            moment = moment_of(answer["created"])
            return Given(one.task, [], person, label, frozenset(), created_at=moment, is_skip=True)
        result = there.repeats(one.task, (person.pk, "") if person else (None, label), answer.get("result"))
        if result is None:
            result = check_result(self._config, one.data, regions.regions_of(self._config, one.data, answer))
        questions = regions.carried(self._config, answer)
        return Given(one.task, result, person, label, questions, answer["seconds"], moment_of(answer["created"]))

    def _who(self, answer: Mapping[str, Any]) -> tuple[User | None, str]:
        """Whose answer it is: an account, or a name."""
        label = answer["person"] or self._person
        person = self._people.get(label.lower())
        return person, "" if person else label

    def _mark_gold(self, planned: Sequence[_Planned], report: Report) -> None:
        gold = [one for one in planned if one.record.task and one.record.task.get("gold") is not None]
        tasks = {task.pk: task for task in self.project.tasks.filter(pk__in=[one.task for one in gold])}
        for one in gold:
            try:
                with transaction.atomic():
                    mark_gold(self._actor, tasks[one.task], one.record.task or {}, "gold")
            except Problem as problem:
                report.refuse(one.record.place, said_of(problem))


def _predicted(planned: Sequence[_Planned]) -> list[Predicted]:
    return [
        Predicted(
            _("%(place)s, prediction %(number)d") % {"place": one.record.place, "number": number},
            one.task,
            one.data,
            told,
        )
        for one in planned
        for number, told in enumerate(one.record.predictions, 1)
    ]


def _in_order(report: Report, records: Sequence[Found]) -> Report:
    """What is told in the order of the file."""
    places = {one.place: number for number, one in enumerate(records)}
    report.told.sort(key=lambda one: places.get(one["place"], places.get(one["place"].rpartition(", ")[0], 0)))
    return report


def require_ready(project: LabelProject) -> None:
    """Raises Conflict for a project that takes nothing now."""
    project.refresh_from_db(fields=["status", "is_filled", "task_count"])
    if project.status == ProjectStatus.CLOSED:
        raise Conflict(_("The project is closed."), hint=_("Open it again to bring labels in."))
    if not project.is_filled:
        raise Conflict(_("The project's tasks are still being made."), hint=_("Wait until they are there."))


def said_of(problem: Problem) -> str:
    """A Problem on one line."""
    where = f"{problem.field}: " if problem.field else ""
    return f"{where}{problem.message} {problem.hint}".strip()


def moment_of(text: str) -> datetime | None:
    """When an answer was given, where the file says it and it is past."""
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    if found is None:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if datetime(2000, 1, 1, tzinfo=UTC) < found <= timezone.now() else None


def joined(one: Report, other: Report) -> Report:
    """Two portions of a file as one."""
    sums = {
        name: getattr(one, name) + getattr(other, name)
        for name in Report.__dataclass_fields__
        if name not in ("people", "told")
    }
    people = dict(Counter(one.people) + Counter(other.people))
    return Report(**sums, people=people, told=[*one.told, *other.told][:MOST_TOLD])
