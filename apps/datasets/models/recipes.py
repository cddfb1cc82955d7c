"""Recipes that were saved for any dataset, and the key with which a workspace masks."""

import uuid
from typing import Any, Self

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.datasets.models.base import Scoped


class SavedRecipeQuerySet(Scoped):
    def newest(self) -> Self:
        """The newest edition of each line."""
        later = self.model._default_manager.filter(line=models.OuterRef("line"), number__gt=models.OuterRef("number"))
        return self.exclude(models.Exists(later))


class SavedRecipe(WorkspaceRow):
    """One edition of a recipe. An edition never changes: to save it anew makes the next of its `line`.

    `steps` may hold steps that are off ({"step", "off": true, ...}); `split` is a plan or None.
    """

    line = models.UUIDField(default=uuid.uuid4, db_index=True)
    number = models.PositiveIntegerField(default=1)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    steps = models.JSONField(default=list)
    split = models.JSONField(null=True)

    objects = SavedRecipeQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipe")
        ordering = ["name", "-number"]
        indexes = [models.Index(fields=["workspace", "name"], name="recipe_by_name")]
        constraints = [models.UniqueConstraint(fields=["line", "number"], name="one_edition_per_number")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("datasets:recipe", args=[self.pk])

    def as_dict(self) -> dict[str, Any]:
        """What is exported, and what a version says it was made with."""
        return {"name": self.name, "description": self.description, "steps": self.steps, "split": self.split}


class WorkspaceKey(WorkspaceRow):
    """The key that a workspace masks with, sealed with one derived from the console's SECRET_KEY: a copy of the database alone opens
    nothing."""

    sealed = models.BinaryField(max_length=100)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("masking key")
        constraints = [models.UniqueConstraint(fields=["workspace"], name="one_masking_key")]

    def __str__(self) -> str:
        return str(_("the masking key"))
