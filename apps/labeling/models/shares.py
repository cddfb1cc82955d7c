"""A person's part in a project: what that person may take, where the queue goes on, and what was done, counted.

Each person's figures stand in a row of their own, so that a hundred people who submit at once do not wait for one another; the
figures of a project are the sums (`totals`). What came by import or by a decision is counted in the one row `is_console`.
"""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.labeling.models.projects import LabelProject

COUNTED = ("submitted", "skipped", "finished", "begun", "decided")


class ShareQuerySet(ScopedQuerySet):
    SEE = "labeling.view"

    def totals(self) -> dict[str, int]:
        """The sums of all that is counted."""
        return {name: value or 0 for name, value in self.aggregate(**{name: Sum(name) for name in COUNTED}).items()}

    def people(self) -> Self:
        return self.filter(is_console=False)


class Share(WorkspaceRow):
    """`only` and `kept` ranges are [first, last] numbers of tasks. `finished`, `begun`, `decided`: tasks that came to be so by this
    person's doing; another may undo it, so that only the sums mean something."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="shares")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    is_console = models.BooleanField(default=False)
    is_named = models.BooleanField(_("named for this project"), default=False)
    is_paused = models.BooleanField(_("gets no new task"), default=False)
    pause_note = models.CharField(max_length=300, blank=True)
    quota_total = models.PositiveIntegerField(_("tasks in total"), null=True, blank=True)
    quota_day = models.PositiveIntegerField(_("tasks a day"), null=True, blank=True)
    ranges = models.JSONField(_("tasks kept for this person"), default=list, blank=True)
    cursor = models.PositiveIntegerField(default=0)
    cursor_priority = models.FloatField(null=True)
    steps = models.PositiveIntegerField(default=0)
    returned_seen = models.DateTimeField(null=True)
    submitted = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    finished = models.IntegerField(default=0)
    begun = models.IntegerField(default=0)
    decided = models.IntegerField(default=0)
    seconds = models.FloatField(default=0)
    last_at = models.DateTimeField(null=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        verbose_name = _("part in a label project")
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["project", "annotator"], name="one_label_share_per_person"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(is_console=True), name="one_label_share_of_console"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.annotator or self.pk}"

    @property
    def quotas(self) -> tuple[int | None, int | None]:
        """(in total, a day): the person's own, else the project's."""
        total = self.project.quota_total if self.quota_total is None else self.quota_total
        day = self.project.quota_day if self.quota_day is None else self.quota_day
        return total, day


class WorkDay(models.Model):
    """What a person submitted in a project on one day of the console's time zone."""

    share = models.ForeignKey(Share, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    submitted = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    began_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects: models.Manager[Any] = models.Manager()

    class Meta:
        verbose_name = _("day of labeling")
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["share", "day"], name="one_label_day")]

    def __str__(self) -> str:
        return f"{self.share} {self.day}"
