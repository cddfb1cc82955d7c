"""Machine time: what is to run, what runs, what it said. The database is the truth; messages are hints."""

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, User, Workspace, WorkspaceRow
from apps.core.models import Row
from apps.jobs import kinds
from apps.jobs.timing import TIMING


class Status(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    CANCELLING = "cancelling", _("Cancelling")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Desired(models.TextChoices):
    RUN = "run", _("Run")
    STOP = "stop", _("Stop and save")
    PAUSE = "pause", _("Save and give the slot back")
    CANCEL = "cancel", _("Cancel")


class FailureClass(models.TextChoices):
    USER_ERROR = "user_error", _("Something in the input needs to change")
    OUT_OF_MEMORY = "out_of_memory", _("Out of memory")
    NAN = "nan", _("The loss became NaN")
    STALLED = "stalled", _("Stalled")
    LOST_WORKER = "lost_worker", _("The worker was lost")
    DISK_FULL = "disk_full", _("The disk is full")
    CRASHED = "crashed", _("The program crashed")


ALIVE = (Status.RUNNING, Status.CANCELLING)
TERMINAL = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
PAUSABLE = ("gpu", "cpu")  # queues whose programs save and go on later; a chat or an engine has nothing to save
QUEUES = [("gpu", _("GPU")), ("cpu", _("CPU")), ("chat", _("Chat")), ("serve", _("Serve"))]


def in_seconds(seconds: float) -> Combinable:
    """A moment on the database's clock, `seconds` from now."""
    return models.ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=models.DateTimeField())


def in_microseconds() -> int:
    """Now as a whole number: the place of a new job behind all that wait."""
    return time.time_ns() // 1000


class JobQuerySet(ScopedQuerySet):
    SEE = "jobs.view"

    def ready(self, queue: str) -> Self:
        """Queued jobs that nothing keeps back, in the order of their workspace (`choosing` says whose turn it is)."""
        due = models.Q(not_before=None) | models.Q(not_before__lte=Now())
        paused = Allowance.objects.exclude(paused_at=None).values("workspace")
        open_ones = self.filter(due, status=Status.QUEUED, queue=queue, held_at=None).exclude(workspace__in=paused)
        return open_ones.filter(~models.Exists(Dependency.objects.unmet().filter(job=models.OuterRef("pk")))).in_order()

    def in_order(self) -> Self:
        return self.order_by("-priority", "place", "created_at")

    def alive(self) -> Self:
        return self.filter(status__in=ALIVE)

    def unfinished(self) -> Self:
        return self.exclude(status__in=TERMINAL)

    def expired(self) -> Self:
        """Running without a valid lease for longer than the slack; one that never had a lease counts from its start."""
        late = models.Q(lease_until__lt=in_seconds(-TIMING.slack))
        never = models.Q(lease_until=None, claimed_at__lt=in_seconds(-TIMING.slack))
        return self.alive().filter(late | never | models.Q(lease_until=None, claimed_at=None))


class Job(WorkspaceRow):
    """One piece of machine time. At most one program at a time may write for it: the one that holds the epoch."""

    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    queue = models.CharField(max_length=10, choices=QUEUES)
    priority = models.SmallIntegerField(default=0)  # within its workspace; the highest first
    place = models.BigIntegerField(default=in_microseconds)  # among jobs of one priority; the lowest first
    inputs = models.JSONField(default=dict, blank=True)
    settings = models.JSONField(default=dict, blank=True)

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    desired = models.CharField(max_length=8, choices=Desired.choices, default=Desired.RUN)
    epoch = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    slot = models.CharField(max_length=120, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)  # paused by a person: no slot takes it until it is resumed
    held_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    held_why = models.CharField(max_length=200, blank=True)
    losses = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)

    last_seq = models.PositiveBigIntegerField(default=0)
    last_step = models.PositiveBigIntegerField(default=0)
    progress = models.JSONField(default=dict, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    failure_class = models.CharField(max_length=20, choices=FailureClass.choices, blank=True)
    failure_message = models.TextField(blank=True)
    failure_hint = models.TextField(blank=True)

    objects = JobQuerySet.as_manager()

    TRANSITIONS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        Status.QUEUED: (Status.RUNNING, Status.CANCELLED, Status.FAILED),
        Status.RUNNING: (Status.SUCCEEDED, Status.FAILED, Status.QUEUED, Status.CANCELLING, Status.CANCELLED),
        Status.CANCELLING: (Status.CANCELLED,),
    }

    class Meta:
        verbose_name = _("job")
        indexes = [
            models.Index(fields=["status", "queue", "-priority", "created_at"], name="job_queue"),
            models.Index(fields=["workspace", "-created_at"], name="job_recent"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["slot"], condition=models.Q(status__in=ALIVE), name="one_job_per_slot"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_alive(self) -> bool:
        return self.status in ALIVE

    @property
    def folder(self) -> Path:
        """The work folder, kept through all attempts."""
        return Path(settings.TUNELOOP_DATA) / "jobs" / str(self.pk)

    @property
    def percent(self) -> int | None:
        done, total = self.progress.get("done"), self.progress.get("total")
        return int(100 * done / total) if total and done is not None else None

    @property
    def url(self) -> str:
        kind = kinds.find(self.kind)
        return kind.url(self) if kind and kind.url else ""


class Attempt(Row):
    """One claim of a job by a worker: who, where, how it ended."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    epoch = models.PositiveIntegerField()
    worker = models.CharField(max_length=120)
    slot = models.CharField(max_length=120)
    pid = models.PositiveIntegerField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "epoch"], name="one_attempt_per_epoch")]

    def __str__(self) -> str:
        return f"attempt {self.epoch} on {self.slot}"


class DependencyQuerySet(models.QuerySet["Dependency"]):
    def unmet(self) -> Self:
        done = models.Q(on__status=Status.SUCCEEDED) | models.Q(condition="end", on__status__in=TERMINAL)
        return self.exclude(done)

    def hopeless(self) -> Self:
        """Those that can never be met: what they wait for ended otherwise."""
        return self.filter(condition="success", on__status__in=(Status.FAILED, Status.CANCELLED))


class Dependency(models.Model):
    """`job` waits for `on`. An ended job never changes, so what is met once stays met."""

    CONDITIONS: ClassVar = [("success", _("when it has succeeded")), ("end", _("when it has ended, however"))]
    FALLBACKS: ClassVar = [("cancel", _("cancel this job")), ("keep", _("keep it waiting"))]

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="waits_for")
    on = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="awaited_by")
    condition = models.CharField(max_length=8, choices=CONDITIONS, default="success")
    if_failed = models.CharField(max_length=8, choices=FALLBACKS, default="cancel")

    objects = DependencyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "on"], name="one_dependency_per_pair")]

    def __str__(self) -> str:
        return f"{self.job} after {self.on}"


class Allowance(Row):
    """What a workspace may have of the queue. No row: weight 1, no limit, not paused."""

    BEYOND: ClassVar = [("refuse", _("refuse the launch")), ("wait", _("let it wait until the limit renews"))]

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="allowance")
    weight = models.FloatField(default=1.0)
    minutes = models.PositiveIntegerField(null=True, blank=True)  # slot-minutes on GPU slots a calendar month (UTC)
    beyond = models.CharField(max_length=8, choices=BEYOND, default="refuse")
    ends_running = models.BooleanField(default=False)  # at the limit, running jobs save and give their slots back
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    paused_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(weight__gt=0), name="weight_above_zero")]

    def __str__(self) -> str:
        return f"allowance of {self.workspace}"


class MetricPoint(models.Model):
    """One value of one metric. A null value is a NaN or infinity: shown as a gap, never dropped."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="points")
    seq = models.PositiveBigIntegerField()
    step = models.PositiveBigIntegerField()
    name = models.CharField(max_length=40)
    value = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "seq"], name="one_point_per_seq"),
            models.UniqueConstraint(fields=["job", "name", "step"], name="one_value_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.name}[{self.step}] = {self.value}"


class MetricBlock(models.Model):
    """Extremes of `SPAN` steps of one metric, so that a curve of millions of points opens at once. Derived from the points."""

    SPAN = 64

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="blocks")
    name = models.CharField(max_length=40)
    block = models.PositiveBigIntegerField()  # step // SPAN
    first_step = models.PositiveBigIntegerField()
    last_step = models.PositiveBigIntegerField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    nulls = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "name", "block"], name="one_block_per_span")]

    def __str__(self) -> str:
        return f"{self.name}[{self.first_step}..{self.last_step}]"


class LogLine(models.Model):
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    seq = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=8, default="info")
    text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "seq"], name="one_line_per_seq")]
        ordering = ["seq"]

    def __str__(self) -> str:
        return self.text


class Artifact(Row):
    """A finished folder or file of a job, told by its manifest (names, sizes, SHA-256)."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    step = models.PositiveBigIntegerField(null=True)
    epoch = models.PositiveIntegerField()
    manifest = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "kind", "name"], name="one_artifact_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def size(self) -> int:
        """Bytes, by the manifest."""
        return sum(int(file.get("size", 0)) for file in self.manifest.get("files", []))


class Message(models.Model):
    """A word to a running program (a chat turn, say); its supervisor hands it over."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inbox")
    payload = models.JSONField()

    def __str__(self) -> str:
        return f"message {self.pk}"


class Slot(models.Model):
    """A place where one job can run: one per GPU, some for the CPU. Its worker says every few seconds that it is there."""

    name = models.CharField(max_length=120, primary_key=True)
    queue = models.CharField(max_length=10, choices=QUEUES)
    host = models.CharField(max_length=120)
    device = models.CharField(max_length=120, blank=True)
    seen_at = models.DateTimeField()
    drained_at = models.DateTimeField(null=True)  # it takes nothing new until somebody opens it again
    drained_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    drained_why = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name
