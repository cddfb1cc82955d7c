"""Base models, runs and what comes out of them. A run has no status of its own: it reads its job's."""

from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, WorkspaceRow
from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets.models import DatasetVersion
from apps.jobs.models import Job, Status
from apps.training import wording
from workers.objectives import OBJECTIVES, Objective
from workers.recipes import ADAPTERS, LORAS


class Scoped(ScopedQuerySet):
    SEE = "training.view"


class CheckpointSet(Scoped):
    """Checkpoints."""

    def that_write(self) -> Self:
        """Those that can chat, be served and be judged by their answers: their objective writes text."""
        writing = [one.name for one in OBJECTIVES.values() if one.writes_text]
        told = models.Q(run__recipe__objective__in=writing)
        return self.filter(told | models.Q(run__recipe__objective__isnull=True))


class Source(models.TextChoices):
    BUNDLED = "package", _("Bundled")
    FOLDER = "folder", _("Local folder")
    HUB = "hub", _("Hugging Face Hub")


class BaseModelState(models.TextChoices):
    """Not a column: what the facts and the job that finds them out say together."""

    READY = "ready", _("Ready")
    PREPARING = "preparing", _("Being prepared")
    FAILED = "failed", _("Failed")


class BaseModel(WorkspaceRow):
    """A model to start from: scanned before anything loads it, ready once its facts are known."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(max_length=120)
    source = models.CharField(max_length=10, choices=Source.choices)
    repository = models.CharField(max_length=200, blank=True)
    revision = models.CharField(max_length=80, blank=True)
    path = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("base model")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="one_base_model_per_slug")]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """Where its files lie: the folder given, or a place of ours under the data folder."""
        if self.source == Source.FOLDER:
            return Path(self.path)
        ours = Path(settings.TUNELOOP_DATA) / "models"
        return ours / BUNDLED_FOLDER if self.source == Source.BUNDLED else ours / "hub" / str(self.pk)

    @property
    def is_ready(self) -> bool:
        return bool(self.facts)

    @property
    def state(self) -> BaseModelState:
        if self.is_ready:
            return BaseModelState.READY
        is_over = self.job is None or self.job.is_terminal
        return BaseModelState.FAILED if is_over else BaseModelState.PREPARING

    @property
    def parameters_in_millions(self) -> float:
        return round(float(self.facts.get("parameters", 0)) / 1e6, 1)


SHARING = ("lora", "qlora", "rslora")  # PEFT mixes these in one batch, not DoRA or prompts
BUNDLED_FOLDER = "smollm2-135m-instruct"  # one for all workspaces; `make install` fills it


class Run(WorkspaceRow):
    """One training: a base model, a frozen dataset version, a recipe, and the job that carries it out."""

    number = models.PositiveIntegerField()
    name = models.CharField(_("name"), max_length=80)
    base_model = models.ForeignKey(BaseModel, on_delete=models.PROTECT, related_name="runs")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    recipe = models.JSONField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="run")
    resumed_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="continuations")

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("run")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["workspace", "number"], name="one_run_per_number")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("training:run", args=[self.pk])

    @property
    def code(self) -> str:
        return f"run-{self.number}"

    @property
    def method(self) -> str:
        return str(self.recipe["method"])

    @property
    def objective(self) -> Objective:
        return OBJECTIVES[self.recipe.get("objective", "chat")]

    @property
    def method_name(self) -> str:
        return str(wording.METHODS[self.method])

    @property
    def has_low_rank(self) -> bool:
        return self.method in LORAS

    @property
    def has_adapter(self) -> bool:
        """Whether its checkpoints are adapters beside the base model, not models of their own."""
        return self.method in ADAPTERS

    @property
    def shares_base(self) -> bool:
        """Whether an engine can hold its adapter beside others on one base model."""
        return self.method in SHARING

    @property
    def was_stopped(self) -> bool:
        return bool(self.job.result.get("stopped"))

    @property
    def can_resume(self) -> bool:
        """Ended before its end, with something to go on from."""
        ended_early = self.job.status in (Status.FAILED, Status.CANCELLED) or self.was_stopped
        return ended_early and self.checkpoints.filter(is_removed=False).exists()


class Checkpoint(WorkspaceRow):
    """The bytes of a model at a step of a run. Its folder is an ordinary adapter or model folder with a manifest."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.PositiveBigIntegerField()
    name = models.CharField(max_length=200)  # its folder, below the job's
    key = models.CharField(max_length=200, blank=True)  # in the storage, once the run has ended well
    metrics = models.JSONField(default=dict, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    is_best = models.BooleanField(default=False)
    is_final = models.BooleanField(default=False)
    is_removed = models.BooleanField(default=False)

    objects = CheckpointSet.as_manager()

    class Meta:
        verbose_name = _("checkpoint")
        ordering = ["-step"]
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_checkpoint_per_step"),
            models.UniqueConstraint(fields=["run"], condition=models.Q(is_best=True), name="one_best_checkpoint"),
            models.UniqueConstraint(fields=["run"], condition=models.Q(is_final=True), name="one_final_checkpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.run.code} step {self.step}"

    @property
    def folder(self) -> Path:
        """Where to read it from: the shared storage once it was published there, until then the job's folder."""
        return storage().local(self.key) if self.key else self.run.job.folder / self.name

    def require_text(self, field: str = "checkpoint") -> None:
        """Raises Problem when what was trained writes no text, so that it cannot chat, be served or be judged by its answers."""
        objective = self.run.objective
        if not objective.writes_text:
            raise Problem(
                gettext("%(checkpoint)s was trained as: %(objective)s. It writes no text.")
                % {"checkpoint": self, "objective": objective.label},
                field=field,
                code="writes_no_text",
                hint=gettext("Choose a checkpoint of a run that learned to write."),
            )


class Sample(models.Model):
    """An answer of the model to one prompt at one evaluation."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="samples")
    step = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    prompt = models.TextField()
    answer = models.TextField()
    base_answer = models.TextField(blank=True)

    class Meta:
        ordering = ["-step", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "step", "index"], name="one_sample_per_step")]

    def __str__(self) -> str:
        return f"{self.run.code} step {self.step}: {self.prompt[:40]}"


class Turn(WorkspaceRow):
    """One prompt to a checkpoint and its base, and their answers as they are written."""

    base_model = models.ForeignKey(BaseModel, on_delete=models.CASCADE, related_name="+")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, null=True, related_name="turns")
    messages = models.JSONField()
    sides = models.JSONField()
    max_tokens = models.PositiveIntegerField(default=200)
    temperature = models.FloatField(default=0.0)
    answers = models.JSONField(default=dict, blank=True)
    finished = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)
    last_seq = models.PositiveBigIntegerField(default=0)  # the newest event of the job that is in `answers`
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="turns")

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("chat turn")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_by", "-created_at"], name="turn_recent")]

    def __str__(self) -> str:
        return self.prompt[:60]

    @property
    def prompt(self) -> str:
        return str(self.messages[-1]["content"])

    @property
    def is_done(self) -> bool:
        return bool(self.error) or set(self.finished) >= set(self.sides)

    @property
    def problem(self) -> str:
        """Why there will be no answer, if so."""
        if self.error or self.is_done:
            return self.error
        if self.job is None or self.job.is_terminal:
            told = self.job.failure_message if self.job else ""
            return told or str(_("The chat ended before it could answer. Ask again."))
        return ""

    def payload(self) -> dict[str, Any]:
        """The message for workers.chat."""
        return {
            "id": str(self.pk),
            "messages": self.messages,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "sides": self.sides,
        }
