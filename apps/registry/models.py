"""Named models and their versions: an approved name for the bytes of a checkpoint, and who was called what when."""

from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet, User, WorkspaceRow
from apps.registry import versions
from apps.training.models import Checkpoint

PRODUCTION = "production"


class Scoped(ScopedQuerySet):
    SEE = "registry.view"


class Model(WorkspaceRow):
    """A name that clients know, with a line of versions."""

    name = models.SlugField(_("name"), max_length=60)
    description = models.CharField(_("description"), max_length=300, blank=True)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("model")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="one_model_per_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("registry:model", args=[self.pk])

    @property
    def newest(self) -> "ModelVersion | None":
        found: ModelVersion | None = self.versions.order_by("-number").first()
        return found


class VersionStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PENDING = "pending", _("Waits for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    RETIRED = "retired", _("Retired")


class Change(models.TextChoices):
    """What its number says about a version."""

    FIRST = "first", _("first version")
    MAJOR = "major", _("major: other base weights")
    MINOR = "minor", _("minor: new adapter")
    PATCH = "patch", _("patch: same checkpoint")


class ModelVersion(WorkspaceRow):
    """`name 1.2.0`: a number that never comes again, for a checkpoint that is kept as long as the version is."""

    TRANSITIONS = {
        VersionStatus.DRAFT: (VersionStatus.PENDING,),
        VersionStatus.PENDING: (VersionStatus.APPROVED, VersionStatus.REJECTED),
        VersionStatus.APPROVED: (VersionStatus.RETIRED,),
    }

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()  # first, second, third of its model: also the order of precedence
    version = models.CharField(_("version"), max_length=100)
    major = models.PositiveIntegerField()
    minor = models.PositiveIntegerField()
    patch = models.PositiveIntegerField()
    pre = models.CharField(max_length=60, blank=True)
    change = models.CharField(max_length=10, choices=Change.choices)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="model_versions")
    status = models.CharField(max_length=10, choices=VersionStatus.choices, default=VersionStatus.DRAFT)
    notes = models.TextField(_("notes"), blank=True)

    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.TextField(blank=True)
    decided_gates = models.JSONField(default=list, blank=True)  # as they stood when it was approved or rejected

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("model version")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "version"], name="one_model_version_per_text"),
            models.UniqueConstraint(fields=["model", "number"], name="one_model_version_per_number"),
        ]
        indexes = [models.Index(fields=["workspace", "status"], name="model_version_status")]

    def __str__(self) -> str:
        return f"{self.model.name} {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("registry:version", args=[self.model_id, self.version])

    @property
    def semver(self) -> versions.Version:
        return versions.parse(self.version)

    @property
    def is_servable(self) -> bool:
        """Approved by somebody else. What is not may be tried out only where that is said (serving, allow_unapproved)."""
        return self.status == VersionStatus.APPROVED

    @property
    def is_over(self) -> bool:
        """Rejected or retired: nothing new may point to it."""
        return self.status in (VersionStatus.REJECTED, VersionStatus.RETIRED)

    @property
    def made(self) -> versions.Made:
        run = self.checkpoint.run
        return versions.Made(self.checkpoint_id, run.base_model_id, not run.has_adapter)


class MoveQuerySet(Scoped):
    def update(self, **values: Any) -> int:
        raise TypeError("The history of aliases is append-only.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("The history of aliases is append-only.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise TypeError("The history of aliases is append-only.")


class AliasMove(WorkspaceRow):
    """From `at` on the alias means this version (or none). The newest move of a name is where it stands now."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="alias_moves")
    name = models.CharField(_("alias"), max_length=40)
    number = models.PositiveIntegerField()
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="alias_moves")
    at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)

    objects = MoveQuerySet.as_manager()

    class Meta:
        verbose_name = _("alias")
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["model", "name", "number"], name="one_alias_move_per_number")]
        indexes = [models.Index(fields=["model", "name", "-at"], name="alias_at")]

    def __str__(self) -> str:
        return f"{self.model.name}@{self.name} = {self.version.version if self.version else '-'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("The history of aliases is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("The history of aliases is append-only.")
