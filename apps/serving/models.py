"""Deployed model versions, the engines that answer for them, and every answer they gave."""

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiKey, ScopedQuerySet, WorkspaceRow
from apps.jobs.models import Job
from apps.registry.models import ModelVersion
from apps.training.models import BaseModel, Checkpoint


class Scoped(ScopedQuerySet):
    SEE = "serving.view"


class Engine(WorkspaceRow):
    """The process that answers for one base model with its adapters, or for one full fine-tune. It has no status of its own:
    it reads its job's. Where it listens and the token it asks for change with every start."""

    key = models.CharField(max_length=50)  # base.<id> for adapters, full.<checkpoint> for weights of their own
    base_model = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="+")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    address = models.CharField(max_length=200, blank=True)  # http://host:port while it listens
    token = models.CharField(max_length=64, blank=True)
    failures = models.PositiveIntegerField(default=0)  # jobs in a row that ended soon and by themselves
    not_before = models.DateTimeField(null=True, blank=True)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("engine")
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="one_engine_per_key")]

    def __str__(self) -> str:
        return str(self.checkpoint or self.base_model)


class Status(models.TextChoices):
    STARTING = "starting", _("Starting")
    READY = "ready", _("Ready")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")
    FAILED = "failed", _("Failed")


class Deployment(WorkspaceRow):
    """A name under which clients reach one model version. On or off is what people want; the status is how things stand."""

    TRANSITIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        Status.STARTING: (Status.READY, Status.FAILED, Status.STOPPING, Status.STOPPED),
        Status.READY: (Status.STARTING, Status.FAILED, Status.STOPPING, Status.STOPPED),
        Status.STOPPING: (Status.STOPPED, Status.STARTING),
        Status.STOPPED: (Status.STARTING,),
        Status.FAILED: (Status.STARTING, Status.STOPPED),
    }

    name = models.SlugField(_("name"), max_length=60)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    engine = models.ForeignKey(Engine, on_delete=models.PROTECT, related_name="deployments")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.STARTING)
    is_wanted = models.BooleanField(_("on"), default=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    failure_message = models.TextField(blank=True)
    failure_hint = models.TextField(blank=True)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("deployment")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_deployment_per_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("serving:deployment", args=[self.pk])

    @property
    def engine_model(self) -> str:
        """What the engine calls it: deployments of one checkpoint share an adapter."""
        return str(self.model_version.checkpoint_id)

    @property
    def is_ready(self) -> bool:
        return self.status == Status.READY


class ExchangeStatus(models.TextChoices):
    RUNNING = "running", _("Being answered")
    SUCCEEDED = "succeeded", _("Answered")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Exchange(WorkspaceRow):
    """One request to a deployment and what was answered, as far as it came. A record: written at the start, closed once."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="exchanges")
    arm_id = models.UUIDField(null=True, blank=True)  # of a rollout, which is a later stage: opaque here
    rollout_id = models.UUIDField(null=True, blank=True)
    arm = models.CharField(max_length=130, blank=True)  # its words: rollout/arm
    unit = models.CharField(max_length=200, blank=True)  # whom it was answered to: the request's user or session
    asked_as = models.CharField(max_length=200, blank=True)  # the request's `model`
    prompt = models.TextField(blank=True)  # the last words of the user, to be searched
    request = models.JSONField()  # {"messages": [{"role", "content"}], "max_tokens", "temperature", ...}
    answer = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=ExchangeStatus.choices, default=ExchangeStatus.RUNNING)
    finish = models.CharField(max_length=20, blank=True)  # stop, length
    error = models.TextField(blank=True)
    is_stream = models.BooleanField(default=False)
    kept_at = models.DateTimeField(default=timezone.now)  # the newest sign of life of whoever passes the answer on
    ttft_ms = models.PositiveIntegerField(null=True)  # to the first words
    latency_ms = models.PositiveIntegerField(null=True)  # to the last
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("exchange")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="exchange_recent"),
            models.Index(fields=["deployment", "-created_at"], name="exchange_of_deployment"),
            models.Index(fields=["arm_id", "-created_at"], name="exchange_of_arm"),
            models.Index(fields=["status", "created_at"], name="exchange_open"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment}: {self.prompt[:60]}"

    @property
    def messages(self) -> list[dict[str, str]]:
        return list(self.request.get("messages", []))

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            said = [message["content"] for message in self.messages if message.get("role") == "user"]
            self.prompt = str(said[-1]) if said else ""
        super().save(*args, **kwargs)

    @property
    def public_id(self) -> str:
        """What clients know it by."""
        return f"chatcmpl-{self.pk}"
