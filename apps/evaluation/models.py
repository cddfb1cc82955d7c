"""What was measured of a checkpoint, and rounds in which people rate answers blind."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, User, WorkspaceRow, workspaces_where
from apps.core.models import Row
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job
from apps.training.models import Checkpoint

HIGHEST = 5  # scores are 0 to 5


class Split(models.TextChoices):
    """Where measured rows come from."""

    TEST = "test", _("Test")
    VALIDATION = "validation", _("Validation")
    HELD_OUT = "held-out", _("Rows kept out of the training")
    SAMPLE = "sample", _("Sample of all rows")


class Scoped(ScopedQuerySet):
    SEE = "evaluation.view"


class MetricReport(WorkspaceRow):
    """Figures of a checkpoint and its base model on the same rows. It has no status of its own: it reads its job's."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="metric_reports")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="metric_reports")
    split = models.CharField(max_length=12, choices=Split.choices)
    seed = models.PositiveIntegerField(default=0)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="metric_report")
    metrics = models.JSONField(default=dict, blank=True)
    answers_key = models.CharField(max_length=200, blank=True)  # one JSON line a row, in the storage

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("metric report")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.checkpoint} on {self.dataset_version} ({self.split})"

    def get_absolute_url(self) -> str:
        return reverse("evaluation:report", args=[self.pk])


class RoundStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PREPARING = "preparing", _("Answers are made")
    RATING = "rating", _("Being rated")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


class Outcome(models.TextChoices):
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Failed")
    UNDEFINED = "undefined", _("Undefined")


class Statistic(models.TextChoices):
    """What decides; the others stand beside it."""

    QUADRATIC = "weighted_quadratic", _("Weighted Kappa, quadratic")
    LINEAR = "weighted_linear", _("Weighted Kappa, linear")
    FLEISS = "fleiss", _("Fleiss' Kappa")
    ALPHA = "krippendorff_ordinal", _("Krippendorff's alpha, ordinal")


class Rule(models.TextChoices):
    ALL = "all", _("Every criterion")
    MEAN = "mean", _("Mean of the criteria")


OPEN = (RoundStatus.PREPARING, RoundStatus.RATING)


class RoundQuerySet(Scoped):
    def visible_to(self, user: Any, capability: str = "") -> Self:
        """Who may see evaluation sees rounds; who only rates sees the rounds that the person is a rater of, once they are open."""
        if capability:
            return super().visible_to(user, capability)
        own = Rater.objects.filter(user_id=user.pk).values("round_id")
        as_rater = models.Q(
            pk__in=own,
            workspace__in=workspaces_where(user, "evaluation.rate"),
            status__in=(RoundStatus.RATING, RoundStatus.CLOSED),
        )
        return self.filter(models.Q(workspace__in=workspaces_where(user, self.SEE)) | as_rater)

    def to_rate(self, user: Any) -> Self:
        """Open rounds in which this person is a rater."""
        return self.visible_to(user).filter(status=RoundStatus.RATING, raters__user_id=user.pk)


class Round(WorkspaceRow):
    """A sample of answers, a rubric, raters, and a gate that was fixed before anybody rated."""

    number = models.PositiveIntegerField()
    name = models.CharField(_("name"), max_length=80)
    status = models.CharField(max_length=10, choices=RoundStatus.choices, default=RoundStatus.DRAFT)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="rounds")
    split = models.CharField(max_length=12, choices=Split.choices)
    sample_size = models.PositiveIntegerField(default=100)
    seed = models.PositiveIntegerField(default=0)
    max_tokens = models.PositiveIntegerField(default=200)
    rubric = models.JSONField()
    statistic = models.CharField(max_length=24, choices=Statistic.choices, default=Statistic.QUADRATIC)
    threshold = models.FloatField(default=0.6)
    rule = models.CharField(max_length=8, choices=Rule.choices, default=Rule.ALL)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="followers")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    frozen_hash = models.CharField(max_length=64, blank=True)  # of items, rubric, raters and gate, from the opening on
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    result = models.JSONField(default=dict, blank=True)

    objects = RoundQuerySet.as_manager()

    TRANSITIONS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        RoundStatus.DRAFT: (RoundStatus.PREPARING, RoundStatus.CANCELLED),
        RoundStatus.PREPARING: (RoundStatus.RATING, RoundStatus.DRAFT, RoundStatus.CANCELLED),
        RoundStatus.RATING: (RoundStatus.CLOSED, RoundStatus.CANCELLED),
    }

    class Meta:
        verbose_name = _("round")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "number"], name="one_round_per_number"),
            models.CheckConstraint(
                condition=models.Q(threshold__gte=-1, threshold__lte=1), name="threshold_is_an_agreement"
            ),
            models.CheckConstraint(
                condition=models.Q(status=RoundStatus.CLOSED) ^ models.Q(outcome=""),
                name="only_closed_rounds_have_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"Round {self.number}: {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("evaluation:round", args=[self.pk])

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and self.status != RoundStatus.DRAFT:
            raise TypeError("A round that is no draft any more is changed by its transitions only.")
        super().save(*args, **kwargs)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def criteria(self) -> list[str]:
        return [str(criterion["key"]) for criterion in self.rubric]

    def is_blind_for(self, user: Any) -> bool:
        """Whether this person must not learn whose answers these are: a rater, while the round is open."""
        return self.is_open and self.raters.filter(user_id=user.pk).exists()


class Entrant(Row):
    """A checkpoint whose answers are rated. `place` is A or B; who rates sees neither."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="entrants")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="entries")
    place = models.CharField(max_length=1)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["round", "place"], name="one_entrant_per_place"),
            models.UniqueConstraint(fields=["round", "checkpoint"], name="a_checkpoint_enters_once"),
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.checkpoint}"


class Rater(Row):
    """A person who rates every answer of a round."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="raters")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["round", "user"], name="a_person_rates_once")]

    def __str__(self) -> str:
        return str(self.user)


class Unchanging(models.QuerySet["Item"]):
    def update(self, **values: Any) -> int:
        raise TypeError("What is rated never changes.")


class Item(Row):
    """One answer to one prompt: what is rated. Written once, when the answers are made."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="items")
    entrant = models.ForeignKey(Entrant, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()  # of the prompt: two entrants answer the same one
    row_id = models.CharField(max_length=64)
    messages = models.JSONField()
    reference = models.TextField(blank=True)
    answer = models.TextField(blank=True)

    objects = Unchanging.as_manager()

    class Meta:
        ordering = ["number", "entrant__place"]
        constraints = [models.UniqueConstraint(fields=["entrant", "number"], name="one_answer_per_prompt")]

    def __str__(self) -> str:
        return f"answer {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("What is rated never changes.")
        super().save(*args, **kwargs)


class Rating(Row):
    """What one rater said of one answer: a score for each criterion, or that it cannot be judged."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="ratings")
    rater = models.ForeignKey(Rater, on_delete=models.CASCADE, related_name="ratings")
    scores = models.JSONField(default=dict)
    cannot_judge = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    is_complete = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "rater"], name="one_rating_per_rater")]

    def __str__(self) -> str:
        return f"rating of {self.item}"


class HumanScore(Row):
    """A mean score that people agreed on enough: written for each entrant when a round passes, and only then."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="human_scores")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="human_scores")
    criterion = models.CharField(max_length=40)
    mean = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    items = models.PositiveIntegerField()

    class Meta:
        ordering = ["round", "criterion"]
        constraints = [
            models.UniqueConstraint(fields=["round", "checkpoint", "criterion"], name="one_human_score_per_criterion")
        ]

    def __str__(self) -> str:
        return f"{self.criterion} {self.mean:.2f}"
