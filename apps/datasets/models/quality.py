"""The figures of versions, and the limits that a dataset's versions are to keep."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.datasets.models.base import Scoped
from apps.datasets.models.sets import Dataset, DatasetVersion
from apps.jobs.models import Job


class Profile(WorkspaceRow):
    """What was found out about the rows of a version (docs/quality.md). The newest of a version counts."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="profiles")
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    figures = models.JSONField(default=dict)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("profile")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["version", "-created_at"], name="profile_newest")]

    def __str__(self) -> str:
        return f"profile of {self.version}"


class QualityLimits(WorkspaceRow):
    """Where the limits of a dataset differ from the defaults: {name: number, or null for none} (apps.datasets.quality.thresholds)."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, related_name="quality_limits")
    bounds = models.JSONField(default=dict)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("quality limits")

    def __str__(self) -> str:
        return f"limits of {self.dataset}"
