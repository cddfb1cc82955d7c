"""Label projects."""

from typing import Any, Self

from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow, workspaces_where
from apps.core.transitions import Transitions
from apps.datasets.models import DatasetVersion
from apps.labeling.schema.label_config import Config, parse_config

MAX_OVERLAP = 9


class ProjectStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    PAUSED = "paused", _("Paused")
    CLOSED = "closed", _("Closed")


class TaskOrder(models.TextChoices):
    ROWS = "rows", _("First come: the oldest row first")
    PRIORITY = "priority", _("Highest priority first")
    RANDOM = "random", _("At random, in another order for each person")


class ProjectQuerySet(ScopedQuerySet):
    SEE = "labeling.view"

    def visible_to(self, user: Any, capability: str = "") -> Self:
        """Who only annotates sees projects that were opened; drafts are their makers' business."""
        if capability:
            return super().visible_to(user, capability)
        sees = models.Q(workspace__in=workspaces_where(user, self.SEE))
        labels = models.Q(workspace__in=workspaces_where(user, "labeling.annotate"))
        return self.filter(sees | (labels & self.may_be_labelled_by(user) & ~models.Q(status=ProjectStatus.DRAFT)))

    def may_be_labelled_by(self, user: Any) -> models.Q:
        """Projects for everybody, and those for which the person is named."""
        named = LabelProject.objects.filter(pk=models.OuterRef("pk"), shares__annotator=user.pk, shares__is_named=True)
        return models.Q(only_named=False) | models.Q(models.Exists(named))


class LabelProject(WorkspaceRow):
    """A question asked about many tasks. Its config never changes once it is open: answers would lose their meaning."""

    TRANSITIONS: Transitions = {
        ProjectStatus.DRAFT: (ProjectStatus.OPEN,),
        ProjectStatus.OPEN: (ProjectStatus.PAUSED, ProjectStatus.CLOSED),
        ProjectStatus.PAUSED: (ProjectStatus.OPEN, ProjectStatus.CLOSED),
        ProjectStatus.CLOSED: (ProjectStatus.OPEN,),
    }

    name = models.CharField(_("name"), max_length=80)
    status = models.CharField(max_length=10, choices=ProjectStatus.choices, default=ProjectStatus.DRAFT)
    label_config = models.TextField(_("labeling config"))
    guidelines = models.TextField(_("guidelines"), blank=True)
    overlap = models.PositiveSmallIntegerField(_("people a task"), default=1)
    keep = models.JSONField(default=dict, blank=True)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, null=True, related_name="+")
    task_count = models.PositiveIntegerField(default=0)
    order = models.CharField(_("order of tasks"), max_length=10, choices=TaskOrder.choices, default=TaskOrder.ROWS)
    seed = models.PositiveIntegerField(_("seed of the random order"), default=1)
    quota_total = models.PositiveIntegerField(_("tasks a person"), null=True, blank=True)
    quota_day = models.PositiveIntegerField(_("tasks a person and day"), null=True, blank=True)
    deadline = models.DateTimeField(_("deadline"), null=True, blank=True)
    only_named = models.BooleanField(_("named people only"), default=False)
    needs_skip_reason = models.BooleanField(_("a skip needs a reason"), default=False)
    filling = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    is_filled = models.BooleanField(default=True)
    wanted_tasks = models.PositiveIntegerField(default=0)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("label project")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="one_label_project_per_name"),
            models.CheckConstraint(condition=models.Q(overlap__gte=1, overlap__lte=MAX_OVERLAP), name="label_overlap"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("labeling:project", args=[self.pk])

    @property
    def config(self) -> Config:
        return parse_config(self.label_config)

    @property
    def is_past_deadline(self) -> bool:
        return self.deadline is not None and self.deadline <= timezone.now()

    @property
    def is_open(self) -> bool:
        return self.status == ProjectStatus.OPEN
