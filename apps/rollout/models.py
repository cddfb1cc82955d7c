"""Rollouts: a name that sends each user to one of two deployments, and who was first sent where."""

from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.core.models import Row
from apps.rollout import figures, routing
from apps.serving.models import Deployment


class Scoped(ScopedQuerySet):
    SEE = "rollout.view"


def in_percent(part: float) -> str:
    """12.5 for 0.125, 10 for 0.1: at most two places."""
    return f"{round(part * 100, 2):g}"


class RolloutStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    STOPPED = "stopped", _("Stopped")


class Rollout(WorkspaceRow):
    """An endpoint with two arms. While it runs, the share of users below gets the candidate; otherwise all get the control."""

    TRANSITIONS = {
        RolloutStatus.DRAFT: (RolloutStatus.RUNNING,),
        RolloutStatus.RUNNING: (RolloutStatus.PAUSED, RolloutStatus.STOPPED),
        RolloutStatus.PAUSED: (RolloutStatus.RUNNING, RolloutStatus.STOPPED),
        RolloutStatus.STOPPED: (RolloutStatus.RUNNING,),
    }

    name = models.SlugField(_("name"), max_length=60)
    seed = models.CharField(max_length=64)
    share = models.FloatField(_("share"), default=0.1)
    highest_share = models.FloatField(default=0.0)  # while it ran: above one half the arms are no longer of one size
    status = models.CharField(max_length=10, choices=RolloutStatus.choices, default=RolloutStatus.DRAFT)
    started_at = models.DateTimeField(null=True, blank=True)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("rollout")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_rollout_per_name"),
            models.CheckConstraint(condition=models.Q(share__gte=0, share__lte=1), name="rollout_share_in_range"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("rollout:rollout", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.status == RolloutStatus.RUNNING

    @property
    def percent(self) -> str:
        return in_percent(self.share)

    def arm(self, key: str) -> "Arm":
        """candidate, control or rest; of the arms that were fetched with it, if they were."""
        return next(arm for arm in self.arms.all() if arm.key == key)

    @property
    def candidate(self) -> "Arm":
        return self.arm(routing.CANDIDATE)

    @property
    def control(self) -> "Arm":
        return self.arm(routing.CONTROL)


class ArmKey(models.TextChoices):
    CANDIDATE = routing.CANDIDATE, _("candidate")
    CONTROL = routing.CONTROL, _("control")
    REST = routing.REST, _("rest")


class Arm(Row):
    """Where a part of the users goes. The rest goes to the control's deployment too, but is compared with nobody.

    Feedback is kept as count, sum and sum of squares: enough for a mean and its interval, and no person is named.
    """

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="arms")
    key = models.CharField(max_length=10, choices=ArmKey.choices)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="+")
    feedback_count = models.IntegerField(default=0)
    feedback_sum = models.FloatField(default=0.0)
    feedback_squares = models.FloatField(default=0.0)

    class Meta:
        verbose_name = _("arm")
        constraints = [models.UniqueConstraint(fields=["rollout", "key"], name="one_arm_per_key")]

    def __str__(self) -> str:
        return f"{self.rollout}/{self.key}"

    @property
    def is_control(self) -> bool:
        """Whether it is served by the deployment that was there before."""
        return self.key != ArmKey.CANDIDATE

    @property
    def weight(self) -> float:
        """The part of all users that is meant for it now."""
        if not self.rollout.is_running:
            return float(self.key == ArmKey.REST)
        found = routing.ranges(self.rollout.share)
        sizes = {ArmKey.CANDIDATE: _size(found.candidate), ArmKey.CONTROL: _size(found.control)}
        return sizes.get(ArmKey(self.key), 1 - sum(sizes.values()))

    @property
    def tally(self) -> tuple[int, float, float]:
        return self.feedback_count, self.feedback_sum, self.feedback_squares

    @property
    def feedback(self) -> figures.Mean:
        return figures.mean(*self.tally)


def _size(span: tuple[float, float]) -> float:
    return span[1] - span[0]


class ExposureQuerySet(models.QuerySet["Exposure"]):
    def update(self, **values: Any) -> int:
        raise TypeError("A first assignment never changes.")


class Exposure(models.Model):
    """The first assignment of a unit that is compared: written once, kept as long as the rollout is."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="exposures")
    unit = models.CharField(max_length=200)
    arm = models.ForeignKey(Arm, on_delete=models.CASCADE, related_name="exposures")
    bucket = models.FloatField()
    share = models.FloatField()
    first_at = models.DateTimeField(auto_now_add=True)

    objects = ExposureQuerySet.as_manager()

    class Meta:
        verbose_name = _("exposure")
        constraints = [models.UniqueConstraint(fields=["rollout", "unit"], name="one_exposure_per_unit")]

    def __str__(self) -> str:
        return f"{self.unit}: {self.arm}"
