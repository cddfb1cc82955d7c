"""Edits of a version that are not a version yet."""

from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.datasets.models.base import Scoped
from apps.datasets.models.sets import Dataset, DatasetVersion
from apps.jobs.models import Job


class DraftState(models.TextChoices):
    """A discarded draft can be taken up again, a frozen one is done with."""

    OPEN = "open", _("Open")
    FROZEN = "frozen", _("Frozen")
    DISCARDED = "discarded", _("Discarded")


class Draft(WorkspaceRow):
    """What one person changes in a version. Its edits are applied in their order; frozen, they make the next version."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="drafts")
    base = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="drafts")
    state = models.CharField(_("state"), max_length=10, choices=DraftState.choices, default=DraftState.OPEN)
    note = models.CharField(_("note"), max_length=200, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    version = models.ForeignKey(DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("draft")
        ordering = ["-changed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "created_by"], condition=models.Q(state="open"), name="one_open_draft_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"draft of {self.base}"

    def get_absolute_url(self) -> str:
        return reverse("datasets:draft", args=[self.dataset_id, self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == DraftState.OPEN

    @property
    def is_freezing(self) -> bool:
        """Whether its job runs; until that ends nothing can be changed."""
        return bool(self.is_open and self.job and not self.job.is_terminal)


class DraftEdit(WorkspaceRow):
    """One change: a row as it is to be (`row`), a row that goes, or an operation on many rows.

    `place` is that of the row in the base version; of an operation the places are in the file `places_key`, as they were found
    when it was added, and `asked` says by which question.
    """

    class Kind(models.TextChoices):
        ROW = "row", _("Row edited")
        DELETE = "delete", _("Row deleted")
        BULK = "bulk", _("Many rows")

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="edits")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    place = models.PositiveBigIntegerField(null=True)
    row: Any = models.JSONField(null=True)
    operation: Any = models.JSONField(default=dict)
    asked: Any = models.JSONField(default=dict)
    places_key = models.CharField(max_length=200, blank=True)
    row_count = models.PositiveBigIntegerField(default=1)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("edit")
        ordering = ["draft", "number"]
        constraints = [models.UniqueConstraint(fields=["draft", "number"], name="one_edit_per_number")]

    def __str__(self) -> str:
        return f"edit {self.number} of {self.draft}"
