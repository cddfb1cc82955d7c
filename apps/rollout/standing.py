"""How a rollout stands: users, requests and feedback of each arm, and whether users split as planned."""

from dataclasses import dataclass

from django.db.models import Avg, Count, Q

from apps.rollout import figures, routing
from apps.rollout.models import Arm, ArmKey, Rollout, in_percent
from apps.serving.models import Exchange, ExchangeStatus

ORDER = (ArmKey.CANDIDATE, ArmKey.CONTROL, ArmKey.REST)
COMPARED_UP_TO = 0.5


@dataclass(frozen=True)
class ArmStanding:
    """One arm. Users are counted where they are compared; the rest is counted by requests alone."""

    arm: Arm
    weight: float
    users: int
    requests: int
    failed: int
    latency_ms: float | None
    feedback: figures.Mean

    @property
    def percent(self) -> str:
        return in_percent(self.weight)

    @property
    def is_compared(self) -> bool:
        return self.arm.key != ArmKey.REST


@dataclass(frozen=True)
class Standing:
    arms: list[ArmStanding]
    ratio: figures.Ratio | None  # None once the arms were not of one size
    difference: figures.Mean | None

    @property
    def verdict(self) -> str:
        """better, worse or undecided: where the interval of the difference lies; empty without one."""
        if self.difference is None or self.difference.low is None or self.difference.high is None:
            return ""
        if self.difference.low > 0:
            return "better"
        return "worse" if self.difference.high < 0 else "undecided"


def standing(rollout: Rollout) -> Standing:
    arms = {arm.key: arm for arm in rollout.arms.all()}
    users = dict(rollout.exposures.values_list("arm").annotate(users=Count("pk")))
    rows = Exchange.objects.filter(arm_id__in=[arm.pk for arm in arms.values()]).values("arm_id").order_by("arm_id")
    failed = Count("pk", filter=Q(status=ExchangeStatus.FAILED))
    asked = {
        row["arm_id"]: row for row in rows.annotate(requests=Count("pk"), failed=failed, latency=Avg("latency_ms"))
    }
    told = [_of(arms[key], users, asked) for key in ORDER]
    candidate, control = arms[routing.CANDIDATE], arms[routing.CONTROL]
    is_even = rollout.highest_share <= COMPARED_UP_TO
    ratio = figures.sample_ratio((told[0].users, told[1].users)) if is_even else None
    return Standing(told, ratio, figures.difference(candidate.tally, control.tally))


def _of(arm: Arm, users: dict[object, int], asked: dict[object, dict[str, object]]) -> ArmStanding:
    row = asked.get(arm.pk, {})
    latency = row.get("latency")
    return ArmStanding(
        arm=arm,
        weight=arm.weight,
        users=users.get(arm.pk, 0),
        requests=int(str(row.get("requests", 0))),
        failed=int(str(row.get("failed", 0))),
        latency_ms=float(str(latency)) if latency is not None else None,
        feedback=arm.feedback,
    )
