"""Files on their way in: what was announced, how much of it is on the disk, and what became of it."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.datasets.models.base import Scoped
from apps.datasets.models.sets import Dataset, Upload
from apps.datasets.receiving.pieces import LONGEST


class ReceptionQuerySet(Scoped):
    SEE = "datasets.upload"

    def unfinished(self) -> Self:
        return self.filter(finished_at=None)

    def of(self, person: Any) -> Self:
        """What this person sends, and may go on sending."""
        return self.visible_to(person).filter(created_by=person)

    def abandoned(self) -> Self:
        """Unfinished ones of which nobody has sent a byte for too long."""
        return self.unfinished().filter(touched_at__lt=timezone.now() - kept_for())


class Reception(WorkspaceRow):
    """One file that comes in pieces. Bytes before `offset` are on the disk for good; what is behind it counts as never sent.

    It goes into `dataset`, or into a new one called `dataset_name`. `fingerprint` is what the sender's side knows the file by, besides
    name and size. `mark` is that of the whole pieces before `offset`, `sha256` what it is recognised by (receiving.pieces). `upload`
    is what was made of it in the end.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, null=True, related_name="+")
    dataset_name = models.CharField(max_length=80, blank=True)
    name = models.CharField(_("file name"), max_length=200)
    size = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    fingerprint = models.CharField(max_length=200, blank=True)
    mark = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=LONGEST, blank=True)
    touched_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, null=True, related_name="+")

    objects = ReceptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("file on its way")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["workspace", "finished_at"], name="reception_unfinished")]
        constraints = [
            models.CheckConstraint(condition=models.Q(offset__lte=models.F("size")), name="reception_within_its_size")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_whole(self) -> bool:
        return self.offset == self.size

    @property
    def percent(self) -> int:
        return 100 * self.offset // self.size

    @property
    def expires_at(self) -> datetime:
        return self.touched_at + kept_for()


def kept_for() -> timedelta:
    return timedelta(days=settings.UNFINISHED_UPLOADS_KEPT_DAYS)
