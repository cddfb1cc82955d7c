"""A comparison as CSV: the table of outcomes with the settings that differ, and every point of the curves."""

from collections.abc import AsyncIterator, Sequence

from apps.core.sheets import line
from apps.jobs.models import MetricPoint
from apps.training.comparing import differing, outcomes
from apps.training.models import Run

POINTS_A_PIECE = 5000


def table(runs: Sequence[Run]) -> str:
    """One line a run: what it is, what came of it, the settings that tell it from the others."""
    found = [one for one in differing.settings_of([run.recipe for run in runs]) if one.differs]
    heads = ["run", "name", *outcomes.NAMES, *(f"recipe.{one.name}" for one in found)]
    lines = [line(heads)]
    for place, row in enumerate(outcomes.outcomes(runs)):
        own = [differing.shown(one.values[place]) for one in found]
        lines.append(
            line([row["code"], row["name"], *("" if row[name] is None else row[name] for name in outcomes.NAMES), *own])
        )
    return "".join(lines)


async def points(runs: Sequence[Run], metric: str) -> AsyncIterator[str]:
    """Every point of one metric, or of all (""), run by run, page by page: a curve can have millions."""
    yield "run,step,metric,value\n"
    for run in runs:
        rows = MetricPoint.objects.filter(job_id=run.job_id).order_by("seq")
        rows = rows.filter(name=metric) if metric else rows
        last = 0
        while page := [
            row async for row in rows.filter(seq__gt=last).values_list("seq", "step", "name", "value")[:POINTS_A_PIECE]
        ]:
            yield "".join(
                line([run.code, step, name, "" if value is None else value]) for _seq, step, name, value in page
            )
            last = page[-1][0]
