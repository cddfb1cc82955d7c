"""Files of answers that somebody brought in."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.labeling.models.projects import LabelProject


class LabelImportQuerySet(ScopedQuerySet):
    SEE = "labeling.manage"


class LabelImport(WorkspaceRow):
    """A file that was looked at, is being taken, or was taken. `taken`: records that are behind us; `report` grows with them.

    `preview` says what the first records would do, `person` whose answers they are where the file does not say. `key` is the
    file in the storage, "" once it is gone.
    """

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="imports")
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=20)
    size = models.PositiveBigIntegerField()
    key = models.CharField(max_length=200, blank=True)
    person = models.CharField(max_length=254, blank=True)
    preview = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    taken = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = LabelImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of labels")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("labeling:label-import", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.finished_at is None and self.job is not None and not self.job.is_terminal

    @property
    def state(self) -> str:
        """looked_at, running, stopped (its job failed or was cancelled) or finished."""
        if self.finished_at:
            return "finished"
        if self.job is None:
            return "looked_at"
        return "running" if self.is_running else "stopped"
