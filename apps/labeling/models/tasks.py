"""Tasks, who holds which task, and what people answered.

A task has `overlap` slots. A slot is taken by a guarded UPDATE of `open_slots` and given back when a lease lapses or a task is
skipped; with one assignment a person (a constraint) every task gets exactly that many different people.
"""

from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, Workspace, WorkspaceRow, workspaces_where
from apps.core.transitions import Transitions
from apps.labeling.models.projects import LabelProject

IS_OPEN = models.Q(open_slots__gt=0, accepted__isnull=True)  # somebody may still take it


class TaskQuerySet(ScopedQuerySet):
    SEE = "labeling.view"

    def open(self) -> Self:
        return self.filter(IS_OPEN)

    def finished(self) -> Self:
        """Answered by as many people as asked for, or decided."""
        return self.filter(models.Q(submitted__gte=models.F("project__overlap")) | models.Q(accepted__isnull=False))


class Task(WorkspaceRow):
    """One thing to label. `data` is what the page shows, `extra` what the row had beside its messages.

    `returned_at`: a slot of it was given back; people whose place in the queue is behind it find it by this.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=200)
    data = models.JSONField()
    extra = models.JSONField(default=dict, blank=True)
    split = models.CharField(max_length=20, blank=True)
    provenance_kind = models.CharField(max_length=40, blank=True)
    provenance_id = models.UUIDField(null=True)
    open_slots = models.PositiveSmallIntegerField()
    submitted = models.PositiveSmallIntegerField(default=0)
    accepted = models.ForeignKey("Annotation", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    priority = models.FloatField(default=0)
    returned_at = models.DateTimeField(null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("label task")
        ordering = ["number"]
        indexes = [
            models.Index(fields=["project", "number"], condition=IS_OPEN, name="label_task_open"),
            models.Index(fields=["project", "-priority", "number"], condition=IS_OPEN, name="label_task_priority"),
            models.Index(
                fields=["project", "returned_at"],
                condition=IS_OPEN & models.Q(returned_at__isnull=False),
                name="label_task_returned",
            ),
            models.Index(fields=["project", "number"], condition=models.Q(submitted__gt=0), name="label_task_begun"),
            models.Index(fields=["project", "submitted", "number"], name="label_task_answers"),
            models.Index(fields=["accepted"], condition=models.Q(accepted__isnull=False), name="label_task_accepted"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_label_task_per_number"),
            models.UniqueConstraint(fields=["project", "key"], name="one_label_task_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.project} #{self.number}"

    @property
    def provenance(self) -> tuple[str, UUID] | None:
        return (self.provenance_kind, self.provenance_id) if self.provenance_id else None


class AssignmentStatus(models.TextChoices):
    LEASED = "leased", _("Being labelled")
    SUBMITTED = "submitted", _("Submitted")
    SKIPPED = "skipped", _("Skipped")
    LAPSED = "lapsed", _("Abandoned")
    REVIEW = (
        "review",
        _("Decided by a reviewer"),
    )  # an answer of the reviewer's own: it takes no slot and is nobody's task


class OwnQuerySet(ScopedQuerySet):
    """Rows of a person: seen by that person, and by who runs the project."""

    SEE = "labeling.manage"
    OWN = "annotator"

    def visible_to(self, user: Any, capability: str = "") -> Self:
        own = models.Q(**{self.OWN: user.pk}, workspace__in=workspaces_where(user, "labeling.annotate"))
        return self.filter(own | models.Q(workspace__in=workspaces_where(user, capability or self.SEE)))

    def own(self, user: Any) -> Self:
        """What a person works on: never another's, whatever the role."""
        return self.filter(**{self.OWN: user.pk}, workspace__in=workspaces_where(user, "labeling.annotate"))


class Assignment(WorkspaceRow):
    """One person and one task: a lease with a draft, then an answer or a skip. Imported answers may have no account."""

    TRANSITIONS: Transitions = {
        AssignmentStatus.LEASED: (AssignmentStatus.SUBMITTED, AssignmentStatus.SKIPPED, AssignmentStatus.LAPSED),
        AssignmentStatus.LAPSED: (AssignmentStatus.LEASED,),
        AssignmentStatus.SUBMITTED: (AssignmentStatus.LEASED,),
        AssignmentStatus.SKIPPED: (AssignmentStatus.LEASED,),
    }

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="assignments")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    annotator_label = models.CharField(max_length=254, blank=True)
    status = models.CharField(max_length=10, choices=AssignmentStatus.choices, default=AssignmentStatus.LEASED)
    leased_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    draft = models.JSONField(null=True)
    draft_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    flagged = models.BooleanField(default=False)
    flag_note = models.CharField(max_length=500, blank=True)

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("label assignment")
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["project", "status", "lease_until"], name="label_lease"),
            models.Index(fields=["project", "annotator", "status", "finished_at"], name="label_own"),
            models.Index(fields=["project"], condition=models.Q(flagged=True), name="label_flagged"),
            models.Index(
                fields=["project", "finished_at"], condition=models.Q(finished_at__isnull=False), name="label_activity"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["task", "annotator"], name="one_label_assignment_per_person"),
        ]

    def __str__(self) -> str:
        return str(self.task)

    @property
    def person(self) -> str:
        return str(self.annotator) if self.annotator else self.annotator_label


class Annotation(WorkspaceRow):
    """What one person answered: a result in Label Studio's form, checked on its way in. `lead_time` in seconds."""

    project = models.ForeignKey(LabelProject, on_delete=models.CASCADE, related_name="annotations")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="annotations")
    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="annotation")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    result = models.JSONField()
    lead_time = models.FloatField(default=0)
    is_imported = models.BooleanField(default=False)

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("annotation")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.task} ({self.assignment.person})"
