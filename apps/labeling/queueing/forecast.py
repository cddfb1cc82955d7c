"""When a project will be finished, told from the pace of the last days. Pure: knows no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_ANSWERS = 20
LEAST_TIME = timedelta(minutes=30)
WINDOW = timedelta(days=7)
FARTHEST = timedelta(days=3650)


@dataclass(frozen=True)
class Worked:
    """What one person submitted on one day, and between which moments."""

    submitted: int
    began: datetime
    last: datetime


@dataclass(frozen=True)
class Forecast:
    """`finish` is None where `why` says what is missing: "few" (answers), "done", "never" (nobody answers any more)."""

    finish: datetime | None
    why: str = ""
    per_hour: float = 0.0  # answers an hour of the calendar, nights included
    answers: int = 0
    since: datetime | None = None
    remaining: int = 0


def forecast(days: Sequence[Worked], remaining: int, now: datetime) -> Forecast:
    """The moment at which `remaining` answers are in, if people go on as in the last seven days (or since they began, if later).

    The pace is all answers of that time by its whole length: it holds nights, breaks and days off, as the rest of the work will.
    """
    if remaining <= 0:
        return Forecast(None, "done")
    recent = [day for day in days if day.last >= now - WINDOW]
    answers = sum(day.submitted for day in recent)
    since = max(min((day.began for day in recent), default=now), now - WINDOW)
    if answers < LEAST_ANSWERS or now - since < LEAST_TIME:
        return Forecast(None, "few", answers=answers, since=since, remaining=remaining)
    per_hour = answers / ((now - since) / timedelta(hours=1))
    ahead = timedelta(hours=min(remaining / per_hour, FARTHEST / timedelta(hours=1)))
    return Forecast(now + ahead, "", per_hour, answers, since, remaining)


def pace(days: Sequence[Worked]) -> float | None:
    """Answers an hour while at it: from the first to the last answer of each day. None with too few to tell."""
    counted = [day for day in days if day.submitted >= 2 and day.last > day.began]
    hours = sum((day.last - day.began) / timedelta(hours=1) for day in counted)
    between = sum(day.submitted - 1 for day in counted)  # the first answer of a day ends no measured stretch
    return between / hours if between >= LEAST_ANSWERS / 2 and hours > 0 else None
