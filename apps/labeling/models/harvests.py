"""How the answers of a project become a dataset version, and whether by themselves."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.datasets.models import DatasetVersion
from apps.labeling.models.projects import LabelProject


class Rule(models.TextChoices):
    """Whose answer counts, where none was accepted."""

    MAJORITY = "majority", _("What most people said")
    ADJUDICATED = "adjudicated", _("Accepted answers only")
    BEST = "best", _("The best annotator's answer")
    SINGLE = "single", _("The first answer")


class HarvestQuerySet(ScopedQuerySet):
    SEE = "labeling.manage"


class HarvestPlan(WorkspaceRow):
    """Freeze when finished: once. `begun_at` is the claim of who does it, `version` what it made, `failure` why it could not."""

    project = models.OneToOneField(LabelProject, on_delete=models.CASCADE, related_name="harvest_plan")
    is_automatic = models.BooleanField(_("freeze when finished"), default=False)
    rule = models.CharField(max_length=16, choices=Rule.choices, default=Rule.MAJORITY)
    form = models.CharField(max_length=16, blank=True)
    question = models.CharField(max_length=64, blank=True)
    begun_at = models.DateTimeField(null=True)
    version = models.ForeignKey(DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    failure = models.CharField(max_length=500, blank=True)
    is_done = models.BooleanField(default=False)  # stays when the version is deleted: never twice

    objects = HarvestQuerySet.as_manager()

    class Meta:
        verbose_name = _("harvest plan")

    def __str__(self) -> str:
        return str(self.project)
