"""Tags that point to versions."""

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.datasets.models.base import Scoped
from apps.datasets.models.sets import Dataset, DatasetVersion


class VersionTag(WorkspaceRow):
    """A name that points to one version of a dataset, and may be moved."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="tags")
    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(_("tag"), max_length=40)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("tag")
        ordering = ["name"]
        constraints = [models.UniqueConstraint("dataset", Lower("name"), name="one_version_per_tag")]

    def __str__(self) -> str:
        return self.name
