"""A project kept in step with one of a Label Studio server: the connection, which row is which, what was held back, what is disputed."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.jobs.models import TERMINAL, Job
from apps.labeling.models.projects import LabelProject
from apps.labeling.models.tasks import Annotation, Task


class SyncQuerySet(ScopedQuerySet):
    """Who only labels sees none of it: it tells of others' answers."""

    SEE = "labeling.manage"


class Connection(WorkspaceRow):
    """The server of a project. `token` is sealed, of the webhook's secret only the SHA-256 is kept; no door tells either.

    `cursor` is a moment of the server's clock: what changed before it was fetched. `job` is the last run; `hinted_at` says that the
    server told of a change that no run has looked at.
    """

    POLLS = ((5, _("every 5 minutes")), (15, _("every 15 minutes")), (60, _("every hour")))

    project = models.OneToOneField(LabelProject, on_delete=models.CASCADE, related_name="connection")
    url = models.CharField(_("address"), max_length=500)
    token = models.BinaryField()
    version = models.CharField(max_length=20, blank=True)
    edition = models.CharField(max_length=20, blank=True)
    person = models.CharField(max_length=254, blank=True)
    remote_project = models.PositiveBigIntegerField(null=True)
    poll_minutes = models.PositiveSmallIntegerField(_("look for answers"), choices=POLLS, default=15)
    is_paused = models.BooleanField(default=False)
    cursor = models.CharField(max_length=40, blank=True)
    compared_at = models.DateTimeField(null=True)  # everything, not only what changed
    synced_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    error_hint = models.CharField(max_length=500, blank=True)
    webhook = models.PositiveBigIntegerField(null=True)
    secret_digest = models.CharField(max_length=64, blank=True)
    hinted_at = models.DateTimeField(null=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = SyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection to Label Studio")

    def __str__(self) -> str:
        return f"{self.project}: {self.url}"

    @property
    def is_running(self) -> bool:
        return self.job is not None and self.job.status not in TERMINAL

    @property
    def remote_url(self) -> str:
        return f"{self.url}/projects/{self.remote_project}/data" if self.remote_project else self.url

    def due_at(self) -> datetime:
        """When the next look is due, if nobody hints before."""
        last = self.synced_at or self.created_at
        return max(last + timedelta(minutes=self.poll_minutes), self.not_before or last)

    def is_due(self, now: datetime | None = None) -> bool:
        now = now or timezone.now()
        if self.is_paused or (self.not_before and now < self.not_before):
            return False
        return self.hinted_at is not None or self.due_at() <= now


class RemoteTask(WorkspaceRow):
    """Which task of the server is which of ours. `is_gone`: deleted there; it is not sent again."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="remote_tasks", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    remote_id = models.PositiveBigIntegerField()
    is_gone = models.BooleanField(default=False)

    objects = SyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("task on Label Studio")
        constraints = [
            models.UniqueConstraint(fields=["connection", "task"], name="one_remote_task_per_task"),
            models.UniqueConstraint(fields=["connection", "remote_id"], name="one_task_per_remote_task"),
        ]

    def __str__(self) -> str:
        return f"{self.task} = {self.remote_id}"


class RemoteAnswer(WorkspaceRow):
    """Which annotation of the server is which of ours, and what both said when they last agreed (`agreed`, a digest).

    `seen_at` is the server's time of the version that was looked at. `to_send`: ours was chosen and is to go there.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="remote_answers", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    annotation = models.OneToOneField(Annotation, on_delete=models.CASCADE, related_name="remote_answer")
    remote_id = models.PositiveBigIntegerField()
    agreed = models.CharField(max_length=64, blank=True)
    seen_at = models.CharField(max_length=40, blank=True)
    to_send = models.BooleanField(default=False)

    objects = SyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer on Label Studio")
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_id"], name="one_answer_per_remote_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.annotation} = {self.remote_id}"


class HeldAnswer(WorkspaceRow):
    """An answer of the server that was not taken, and why; as it came, so that it can be looked at and tried again."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="held_answers", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    remote_id = models.PositiveBigIntegerField()
    person = models.CharField(max_length=254, blank=True)
    given = models.JSONField()
    reason = models.CharField(max_length=500)
    place = models.CharField(max_length=200, blank=True)

    objects = SyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer that was not taken")
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="one_held_answer_per_remote")]

    def __str__(self) -> str:
        return f"{self.task} ({self.person}): {self.reason}"


class DisputeKind(models.TextChoices):
    BOTH_CHANGED = "both_changed", _("Changed on both sides")
    BOTH_ANSWERED = "both_answered", _("Answered on both sides by one person")
    ACCEPTED = "accepted", _("Changed there after it was accepted here")
    DELETED = "deleted", _("Deleted there")


class Choice(models.TextChoices):
    OURS = "ours", _("Ours was kept")
    THEIRS = "theirs", _("Theirs was taken")
    SAME = "same", _("Both became the same")


class SyncConflict(WorkspaceRow):
    """Two answers of one person to one task that cannot both stand. Nothing changes on either side until somebody chooses."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="conflicts")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    annotation = models.ForeignKey(Annotation, on_delete=models.SET_NULL, null=True, related_name="+")
    remote_id = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=16, choices=DisputeKind.choices)
    theirs = models.JSONField(null=True)
    seen_at = models.CharField(max_length=40, blank=True)
    choice = models.CharField(max_length=8, choices=Choice.choices, blank=True)
    resolved_at = models.DateTimeField(null=True)

    objects = SyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("conflict with Label Studio")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "remote_id"],
                condition=models.Q(resolved_at__isnull=True),
                name="one_open_sync_conflict",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.get_kind_display()}"


class SyncRun(WorkspaceRow):
    """What one run did, for the page. The newest few are kept."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    is_full = models.BooleanField(default=False)
    cause = models.CharField(max_length=10)  # person, poll, hint
    done = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = SyncQuerySet.as_manager()

    class Meta:
        verbose_name = _("run with Label Studio")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.connection} {self.created_at:%Y-%m-%d %H:%M}"
