"""What a second pair of eyes adds to a project: its plan, what was said of answers, comments, gold tasks, people on hold."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.labeling.models.projects import LabelProject
from apps.labeling.models.tasks import Assignment, Task


def new_seed() -> str:
    return secrets.token_hex(16)


class ReviewMode(models.TextChoices):
    NONE = "none", _("Nothing by itself")
    DISAGREEMENTS = "disagreements", _("Tasks that people answered differently")
    ALL = "all", _("Every answered task")
    SHARE = "share", _("A share by chance")


class ReviewQuerySet(ScopedQuerySet):
    """Nobody who only labels sees any of this: it would tell of others' answers, or which tasks are gold."""

    SEE = "labeling.review"


class ReviewPlan(WorkspaceRow):
    """What is reviewed, and how gold is mixed in. The seed places gold and draws the share; no door ever shows it."""

    project = models.OneToOneField(LabelProject, on_delete=models.CASCADE, related_name="review_plan")
    mode = models.CharField(max_length=16, choices=ReviewMode.choices, default=ReviewMode.DISAGREEMENTS)
    share = models.PositiveSmallIntegerField(_("share, in percent"), default=10)
    gold_every = models.PositiveSmallIntegerField(_("one gold in so many tasks"), default=0)
    gold_training = models.PositiveSmallIntegerField(_("gold tasks to train on first"), default=0)
    gold_least = models.PositiveSmallIntegerField(_("judged after so many gold answers"), default=5)
    gold_floor = models.PositiveSmallIntegerField(_("on hold under, in percent"), default=0)
    gold_counts = models.BooleanField(_("gold rows are frozen too"), default=False)
    seed = models.CharField(max_length=32, default=new_seed, editable=False)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review plan")

    def __str__(self) -> str:
        return str(self.project)


class Said(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted")
    OVERRULED = "overruled", _("Another answer was accepted")
    RETURNED = "returned", _("Returned")


class Verdict(WorkspaceRow):
    """What a reviewer said of a person's answer. `result` is the answer that was returned; `is_open` until it is sent again."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="verdicts")
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="verdicts")
    said = models.CharField(max_length=10, choices=Said.choices)
    note = models.CharField(max_length=2000, blank=True)
    result = models.JSONField(null=True)
    is_open = models.BooleanField(default=False)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("verdict")
        ordering = ["created_at"]
        indexes = [models.Index(fields=["project", "said"], name="label_verdict_said")]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment"], condition=models.Q(is_open=True), name="one_open_return_per_assignment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assignment}: {self.said}"


class Comment(WorkspaceRow):
    """A remark about a task among those who review; replies point to the first of their thread."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="comments")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="replies")
    text = models.CharField(max_length=4000)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def author(self) -> str:
        return str(self.created_by or _("somebody"))


class Gold(WorkspaceRow):
    """A task whose right answer is known: its accepted one. It is shown to everybody, among the others."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="golds")
    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="gold")
    explanation = models.CharField(max_length=2000, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("gold task")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return str(self.task)


class GoldAnswer(WorkspaceRow):
    """How somebody's answer to a gold task compares with the right one. `is_training`: shown the right one afterwards."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="gold_answers")
    gold = models.ForeignKey(Gold, on_delete=models.CASCADE, related_name="answers")
    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="gold_answer")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    is_right = models.BooleanField()
    is_training = models.BooleanField(default=False)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer to a gold task")
        indexes = [models.Index(fields=["project", "annotator"], name="label_gold_person")]

    def __str__(self) -> str:
        return f"{self.gold} ({self.annotator})"


class Hold(WorkspaceRow):
    """A person who gets no more tasks of a project until somebody who runs it says so."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="holds")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    right = models.PositiveIntegerField()
    judged = models.PositiveIntegerField()
    lifted_at = models.DateTimeField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "annotator"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_hold_per_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator}: {self.right} of {self.judged}"


def plan_of(project: LabelProject) -> ReviewPlan:
    """The plan of a project; one that was never saved says the defaults."""
    found: ReviewPlan | None = ReviewPlan.objects.filter(project=project).first()
    return found or ReviewPlan(project=project, workspace_id=project.workspace_id)


def words_of_return() -> models.Subquery:
    """For each assignment of a query the words with which its answer came back."""
    return models.Subquery(Verdict.objects.filter(assignment=models.OuterRef("pk"), is_open=True).values("note")[:1])


def returned_note(assignment: Any) -> str:
    """The words with which an answer came back to its author, "" when it did not; `returned_words` of the row where they are known."""
    if hasattr(assignment, "returned_words"):
        return str(assignment.returned_words or "")
    note = Verdict.objects.filter(assignment=assignment, is_open=True).values_list("note", flat=True).first()
    return str(note or "")
