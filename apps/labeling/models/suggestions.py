"""What machines suggest: who suggests, what is suggested for each task, and what people made of it."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.labeling.models.projects import LabelProject
from apps.labeling.models.tasks import Assignment, Task


class SuggesterKind(models.TextChoices):
    RULES = "rules", _("Patterns")
    WORDS = "words", _("Word lists")
    FUNCTIONS = "functions", _("Labeling functions")
    MODEL = "model", _("A model")
    OWN = "own", _("Own labels")
    IMPORTED = "imported", _("From a file")


class SuggesterQuerySet(ScopedQuerySet):
    SEE = "labeling.manage"


class Suggester(WorkspaceRow):
    """Where suggestions come from. `version` counts the runs that ended well; only what the last one suggested is kept and shown.

    Every task is suggested for, whatever became of it: were decided ones left out, nothing suggested would tell a gold task.
    """

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="suggesters")
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(max_length=12, choices=SuggesterKind.choices)
    spec = models.JSONField()
    is_shown = models.BooleanField(_("shown to annotators"), default=False)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    suggested = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)

    objects = SuggesterQuerySet.as_manager()

    class Meta:
        verbose_name = _("suggester")
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_suggester_per_name"),
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(is_shown=True), name="one_suggester_shown_per_project"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("labeling:suggester", args=[self.project_id, self.pk])

    @property
    def question(self) -> str:
        return str(self.spec.get("question", ""))

    @property
    def model_version(self) -> str:
        """As whose its suggestions go to Label Studio; those of a file keep the name that they had there."""
        return str(self.spec.get("model_version") or f"{self.name} {self.version}")[:200]


class Suggestion(models.Model):
    """What one run suggests for one task: a checked result in Label Studio's form. `uncertainty` from 0 (sure) to 1; a task for which
    nothing is suggested has an empty result."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    suggester = models.ForeignKey(Suggester, on_delete=models.CASCADE, related_name="suggestions", db_index=False)
    version = models.PositiveIntegerField()
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="suggestions")
    result = models.JSONField()
    score = models.FloatField(null=True)
    uncertainty = models.FloatField(default=1.0)

    objects: models.Manager[Any] = models.Manager()

    class Meta:
        verbose_name = _("suggestion")
        constraints = [
            models.UniqueConstraint(fields=["suggester", "version", "task"], name="one_suggestion_per_task"),
        ]

    def __str__(self) -> str:
        return f"{self.suggester}: {self.task}"


class Assist(WorkspaceRow):
    """How an answer came that had a suggestion beside it. `is_taken`: the person took it by its key; `is_same`: the answer says what
    was suggested. Counts only while the assignment is submitted."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="assists")
    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="assist")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    suggester = models.ForeignKey(Suggester, on_delete=models.SET_NULL, null=True, related_name="assists")
    version = models.PositiveIntegerField(default=0)
    is_taken = models.BooleanField()
    is_same = models.BooleanField()

    objects = SuggesterQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer beside a suggestion")
        indexes = [models.Index(fields=["project", "annotator"], name="label_assist_person")]

    def __str__(self) -> str:
        return str(self.assignment)
