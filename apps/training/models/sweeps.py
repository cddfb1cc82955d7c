"""Sweeps: many runs of one recipe with some settings varied, and the trials of which they are made."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.core.models import Row
from apps.datasets.models import DatasetVersion
from apps.training.models.runs import BaseModel, Run, Scoped


class SweepStatus(models.TextChoices):
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Cancelled")
    FINISHED = "finished", _("Finished")


class TrialStatus(models.TextChoices):
    RUNNING = "running", _("Running")
    COMPLETE = "complete", _("Complete")
    PRUNED = "pruned", _("Pruned")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Sweep(WorkspaceRow):
    """What is varied, by which strategy, and what counts as better."""

    name = models.CharField(_("name"), max_length=60)
    base_model = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="+")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    recipe = models.JSONField(default=dict)
    space = models.JSONField()
    strategy = models.CharField(max_length=10)
    trials_wanted = models.PositiveIntegerField()
    parallel = models.PositiveSmallIntegerField(default=1)
    metric = models.CharField(max_length=40, default="eval_loss")
    direction = models.CharField(max_length=10, default="minimize")
    pruning = models.CharField(max_length=10, default="none")
    warmup_steps = models.PositiveIntegerField(default=0)
    startup_trials = models.PositiveIntegerField(default=5)
    seed = models.PositiveIntegerField(default=17)
    budget_minutes = models.PositiveIntegerField(default=0)  # of machine time; 0: as long as it takes
    status = models.CharField(max_length=10, choices=SweepStatus.choices, default=SweepStatus.RUNNING)

    objects = Scoped.as_manager()

    TRANSITIONS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        SweepStatus.RUNNING: (SweepStatus.PAUSED, SweepStatus.CANCELLED, SweepStatus.FINISHED),
        SweepStatus.PAUSED: (SweepStatus.RUNNING, SweepStatus.CANCELLED),
    }

    class Meta:
        verbose_name = _("sweep")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("training:sweep", args=[self.pk])


class Trial(Row):
    """One point of the space. It is written in the transaction that writes its run and job: never one without the other."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.PROTECT, null=True, related_name="trial")
    params = models.JSONField()
    status = models.CharField(max_length=10, choices=TrialStatus.choices, default=TrialStatus.RUNNING)
    value = models.FloatField(null=True)
    pruned_at_step = models.PositiveBigIntegerField(null=True)
    reason = models.TextField(blank=True)

    TRANSITIONS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        TrialStatus.RUNNING: (TrialStatus.COMPLETE, TrialStatus.PRUNED, TrialStatus.FAILED, TrialStatus.CANCELLED),
    }

    class Meta:
        verbose_name = _("trial")
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["sweep", "number"], name="one_trial_per_number")]

    def __str__(self) -> str:
        return f"{self.sweep} trial {self.number}"
