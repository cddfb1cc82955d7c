"""What people said about an answer: thumbs, a score, a better answer, a remark. One signal a giver and exchange."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiKey, ScopedQuerySet, WorkspaceRow
from apps.datasets.models import DatasetVersion
from apps.labeling.models import LabelProject
from apps.serving.models import Exchange, ExchangeStatus

BEST = 5  # the highest score
GOOD = 4  # from this score on an answer is good


class Thumbs(models.TextChoices):
    UP = "up", _("Thumbs up")
    DOWN = "down", _("Thumbs down")


class Status(models.TextChoices):
    NEW = "new", _("New")
    SENT = "sent", _("Sent to labeling")
    DISMISSED = "dismissed", _("Dismissed")
    USED = "used", _("Used")


class SignalQuerySet(ScopedQuerySet):
    SEE = "feedback.view"

    def good(self) -> Self:
        """Signals that praise their answer and ask for no other."""
        praise = Q(thumbs=Thumbs.UP) & (Q(score=None) | Q(score__gte=GOOD)) | Q(thumbs="", score__gte=GOOD)
        answered = Q(exchange__status=ExchangeStatus.SUCCEEDED) & ~Q(exchange__answer="")
        return self.filter(praise, answered, correction="")


class Signal(WorkspaceRow):
    """What one giver said about one exchange. Said again, it changes; `giver` tells who is the same."""

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.NEW: (Status.SENT, Status.DISMISSED, Status.USED),
        Status.DISMISSED: (Status.NEW,),
        Status.SENT: (Status.USED,),
    }

    exchange = models.ForeignKey(Exchange, on_delete=models.PROTECT, related_name="signals")
    giver = models.CharField(max_length=230)  # user:<text>, or person:<id> where the request named no user
    end_user = models.CharField(_("user"), max_length=200, blank=True)
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    thumbs = models.CharField(max_length=4, choices=Thumbs.choices, blank=True)
    score = models.FloatField(null=True, blank=True)
    correction = models.TextField(_("a better answer"), blank=True)
    comment = models.TextField(_("remark"), blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    tallied = models.FloatField(null=True)  # what the arm's tally holds of it
    project = models.ForeignKey(LabelProject, on_delete=models.SET_NULL, null=True, blank=True, related_name="signals")
    version = models.ForeignKey(
        DatasetVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="signals"
    )
    changed_at = models.DateTimeField(auto_now=True)

    objects = SignalQuerySet.as_manager()

    class Meta:
        verbose_name = _("feedback signal")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="signal_recent"),
            models.Index(fields=["workspace", "status"], name="signal_status"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["exchange", "giver"], name="one_signal_per_giver"),
            models.CheckConstraint(condition=Q(score=None) | Q(score__gte=0, score__lte=BEST), name="signal_score"),
            models.CheckConstraint(
                condition=~Q(thumbs="") | Q(score__isnull=False) | ~Q(correction="") | ~Q(comment=""),
                name="signal_says",
            ),
        ]

    def __str__(self) -> str:
        return str(_("feedback on “%(prompt)s”") % {"prompt": self.exchange.prompt[:60]})

    def get_absolute_url(self) -> str:
        return reverse("feedback:signal", args=[self.pk])

    @property
    def value(self) -> float | None:
        """What it adds to the mean of an arm, from 0 to 1: the score, else the thumbs. A correction alone has none."""
        if self.score is not None:
            return self.score / BEST
        return {Thumbs.UP.value: 1.0, Thumbs.DOWN.value: 0.0}.get(self.thumbs)

    @property
    def who(self) -> str:
        """The user the request named, else whose key or session it was."""
        return self.end_user or str(self.created_by or "")

    @property
    def is_good(self) -> bool:
        answered = self.exchange.status == ExchangeStatus.SUCCEEDED and bool(self.exchange.answer)
        praised = self.score >= GOOD if self.score is not None else self.thumbs == Thumbs.UP
        return answered and praised and self.thumbs != Thumbs.DOWN and not self.correction
