"""One way through a project by one rule: the rows that come of it, and what is left out and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from apps.labeling.harvest.answered import Answered, Answers, counting, each
from apps.labeling.harvest.combining import TIE, combined
from apps.labeling.harvest.making import Maker
from apps.labeling.harvest.records import ranks
from apps.labeling.harvest.saying import told
from apps.labeling.harvest.shapes import Shape
from apps.labeling.models import LabelProject, Task
from apps.labeling.models.harvests import Rule
from workers.formats.chat import TrainingRow
from workers.formats.problems import RowFault

REASONS = ("unanswered", "undecided", "tied", "not_kept", "unusable")


class Harvest:
    """The rows of a project by a rule, and how many tasks were left out and why (counted while rows are made)."""

    def __init__(self, project: LabelProject, rule: Rule, shape: Shape, order: dict[str, int]) -> None:
        self.project, self.rule, self.shape, self.config = project, rule, shape, project.config
        self.left_out: Counter[str] = Counter()
        self.kept = 0
        self._order, self._maker = order, Maker(project, shape)

    def rows(self) -> Iterator[tuple[int | None, TrainingRow]]:
        """(place of the source's row, if the task shows one, and the row that became of it)."""
        for one in each(self.project):
            row = self.row(one)
            if row is not None:
                yield self._maker.place_of(one.task), row

    def row(self, one: Answered) -> TrainingRow | None:
        """The row of a task; None, and counted, when there is none. Raises Problem when the task is no row of the form at all."""
        given = counting(one, self.rule, self._order)
        answers = combined(self.config, given)
        why = self._why_not(one, given, answers)
        row = None if why else self._made(one.task, answers)
        if row is None:
            self.left_out[why or "unusable"] += 1
        else:
            self.kept += 1
        return row

    def _why_not(self, one: Answered, given: Sequence[Answers], answers: Answers) -> str:
        if not given:
            return "undecided" if one.said else "unanswered"
        if any(answer is TIE for answer in answers.values()):
            return "tied"
        is_kept = all(_stays(answers.get(name), wanted) for name, wanted in self.project.keep.items())
        return "" if is_kept else "not_kept"

    def _made(self, task: Task, answers: Answers) -> TrainingRow | None:
        try:
            return self._maker.row(task, answers, self.kept + 1)
        except RowFault:
            return None

    def said(self) -> str:
        return told(self.kept, self.left_out)

    def as_dict(self) -> dict[str, Any]:
        left_out = {why: self.left_out[why] for why in REASONS}
        return {"rule": self.rule.value, "rows": self.kept, "left_out": left_out, "says": self.said()}


def _stays(answer: Any, wanted: Sequence[str]) -> bool:
    return any(option in wanted for option in (answer if isinstance(answer, list) else [answer]))


def harvest_by(project: LabelProject, rule: Rule, shape: Shape) -> Harvest:
    return Harvest(project, rule, shape, ranks(project) if rule == Rule.BEST else {})


def survey(project: LabelProject, shape: Shape) -> list[Harvest]:
    """What each rule gives, in one way through the tasks."""
    found = [harvest_by(project, rule, shape) for rule in Rule]
    _through(each(project), found)
    return found


def _through(tasks: Iterable[Answered], harvests: Sequence[Harvest]) -> None:
    for one in tasks:
        for harvest in harvests:
            harvest.row(one)
