"""What each person did in a project: for who runs it, and one's own, which tells nothing of others."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from statistics import median
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from apps.core.sheets import line
from apps.labeling.models import (
    AssignmentStatus,
    GoldAnswer,
    LabelProject,
    ProjectStatus,
    Said,
    Share,
    Verdict,
    WorkDay,
)
from apps.labeling.reviewing.figures import figures

MOST_TIMES = 20_000  # answers of a person whose time is looked at, the newest


@dataclass
class Report:
    """One person. Shares are from 0 to 1 and None where there is nothing to take one of; `seconds` is the median without idle time."""

    person: str
    key: str
    submitted: int = 0
    skipped: int = 0
    seconds: float | None = None
    with_others: float | None = None
    with_others_n: int = 0
    with_decided: float | None = None
    with_decided_n: int = 0
    gold_right: int | None = 0
    gold_judged: int | None = 0
    accepted: int = 0
    overruled: int = 0
    returned: int = 0
    days: list[tuple[date, int]] = field(default_factory=list)

    @property
    def skip_share(self) -> float | None:
        return _share(self.skipped, self.submitted + self.skipped)

    @property
    def accepted_share(self) -> float | None:
        return _share(self.accepted, self.accepted + self.overruled + self.returned)

    @property
    def returned_share(self) -> float | None:
        return _share(self.returned, self.accepted + self.overruled + self.returned)

    @property
    def gold_share(self) -> float | None:
        return _share(self.gold_right or 0, self.gold_judged or 0)

    def as_dict(self) -> dict[str, Any]:
        shares = {
            name: getattr(self, name) for name in ("skip_share", "accepted_share", "returned_share", "gold_share")
        }
        days = [{"day": day.isoformat(), "submitted": count} for day, count in self.days]
        return {**asdict(self), **shares, "days": days}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def everybody(project: LabelProject) -> list[Report]:
    """All people with an account, the busiest first."""
    shares = Share.objects.filter(project=project).people().exclude(annotator=None).select_related("annotator")
    found = {str(s.annotator_id): _begun(project, s) for s in shares if s.submitted or s.skipped}
    told = figures(project)
    for key, report in found.items():
        report.with_others, report.with_others_n = told.with_rest[key].value, told.with_rest[key].n
        report.with_decided, report.with_decided_n = told.with_decided[key].value, told.with_decided[key].n
    _add_verdicts(project, found)
    _add_gold(project, found)
    _add_days(project, found)
    return sorted(found.values(), key=lambda report: (-report.submitted, report.person))


def own(project: LabelProject, person: Any) -> Report:
    """One's own: counts at once; what was said of answers when it was; how one compares with others once the project is closed."""
    share = Share.objects.filter(project=project, annotator=person).select_related("annotator").first()
    report = _begun(project, share) if share else Report(str(person), str(person.pk))
    found = {report.key: report}
    _add_days(project, found)
    _add_verdicts(project, found)
    report.gold_right = report.gold_judged = None
    if project.status == ProjectStatus.CLOSED:
        report.gold_right = report.gold_judged = 0
        _add_gold(project, found)
        told = figures(project)
        report.with_others, report.with_others_n = told.with_rest[report.key].value, told.with_rest[report.key].n
    return report


def _begun(project: LabelProject, share: Share) -> Report:
    times = project.annotations.filter(annotator=share.annotator_id, assignment__status=AssignmentStatus.SUBMITTED)
    newest = list(times.order_by("-created_at").values_list("lead_time", flat=True)[:MOST_TIMES])
    known = [seconds for seconds in newest if seconds > 0]
    return Report(
        person=str(share.annotator),
        key=str(share.annotator_id),
        submitted=share.submitted,
        skipped=share.skipped,
        seconds=median(known) if known else None,
    )


def _add_verdicts(project: LabelProject, found: dict[str, Report]) -> None:
    rows = Verdict.objects.filter(project=project, assignment__annotator__in=list(found)).order_by()
    for person, said, count in rows.values_list("assignment__annotator", "said").annotate(n=Count("pk")):
        setattr(found[str(person)], Said(said).value, count)


def _add_gold(project: LabelProject, found: dict[str, Report]) -> None:
    rows = GoldAnswer.objects.filter(
        project=project, annotator__in=list(found), is_training=False, assignment__status=AssignmentStatus.SUBMITTED
    )
    counted = rows.order_by().values("annotator").annotate(n=Count("pk"), right=Count("pk", filter=Q(is_right=True)))
    for row in counted:
        report = found[str(row["annotator"])]
        report.gold_right, report.gold_judged = row["right"], row["n"]


def _add_days(project: LabelProject, found: dict[str, Report]) -> None:
    rows = WorkDay.objects.filter(share__project=project, share__annotator__in=list(found)).order_by("day")
    for person, day, count in rows.values_list("share__annotator", "day", "submitted"):
        found[str(person)].days.append((day, count))


def days_of(reports: list[Report]) -> list[date]:
    """All days on which anybody worked."""
    return sorted({day for report in reports for day, _count in report.days})


def as_csv(project: LabelProject) -> Iterator[str]:
    """A line each person; text that no spreadsheet runs."""
    reports = everybody(project)
    days = days_of(reports)
    heads = [
        _("person"), _("submitted"), _("skipped"), _("median seconds"), _("agreement with others"), _("tasks compared"),
        _("agreement with decided"), _("decided compared"), _("gold right"), _("gold judged"), _("accepted"), _("overruled"),
        _("returned"),
    ]  # fmt: skip
    yield line([*heads, *(day.isoformat() for day in days)])
    for one in reports:
        by_day = dict(one.days)
        values = [
            one.person, one.submitted, one.skipped, one.seconds, one.with_others, one.with_others_n, one.with_decided,
            one.with_decided_n, one.gold_right, one.gold_judged, one.accepted, one.overruled, one.returned,
        ]  # fmt: skip
        yield line(["" if value is None else value for value in [*values, *(by_day.get(day, 0) for day in days)]])
