"""Rows that every stage stands on: identity, the append-only ledger, remembered answers to repeated requests."""

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Row(models.Model):
    """A row with an unguessable identity and a birthday."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class AppendOnly(models.QuerySet["LedgerEntry"]):
    """Refuses to change or delete lines in bulk, as the row itself does one by one."""

    def update(self, **kwargs: Any) -> int:
        raise TypeError("The ledger is append-only.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError("The ledger is append-only.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise TypeError("The ledger is append-only.")


class LedgerEntry(models.Model):
    """What happened, who did it, to which object. Written once; never changed (audit page, timeline, lineage read it).

    The workspace, actor and object are opaque ids: the ledger outlives what it tells of, and core knows no stage.
    """

    at = models.DateTimeField(auto_now_add=True)
    workspace_id = models.UUIDField(null=True, db_index=True)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=254, blank=True)
    verb = models.CharField(max_length=64)
    object_kind = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=254, blank=True)
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    objects = AppendOnly.as_manager()

    class Meta:
        verbose_name_plural = _("ledger entries")
        indexes = [models.Index(fields=["object_kind", "object_id", "at"], name="ledger_object")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_label} {self.verb} {self.object_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("The ledger is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("The ledger is append-only.")


class RememberedAnswer(models.Model):
    """The answer once given to an Idempotency-Key, so that a repeated POST starts nothing twice."""

    at = models.DateTimeField(auto_now_add=True)
    caller = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
