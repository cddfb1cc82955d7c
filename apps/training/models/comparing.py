"""A way of comparing runs that was given a name."""

from urllib.parse import urlencode

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.training.models.runs import Scoped


class RunView(WorkspaceRow):
    """Which runs (by their ids, or the newest that a search finds), which columns, which curve over what."""

    name = models.CharField(_("name"), max_length=80)
    runs = models.JSONField(default=list, blank=True)
    filter = models.JSONField(default=dict, blank=True)
    columns = models.JSONField(default=list, blank=True)
    metric = models.CharField(max_length=40, default="loss")
    axis = models.CharField(max_length=8, default="step")
    smoothing = models.FloatField(default=0.0)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("saved view")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_run_view_per_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('training:compare')}?{urlencode({'view': str(self.pk)})}"
