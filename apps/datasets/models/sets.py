"""Datasets, the files that were uploaded for them, and their versions, which never change."""

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from django.db import models
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import WorkspaceRow
from apps.core.errors import Gone, Problem
from apps.core.storage import storage
from apps.datasets.models.base import Form, Layout, Scoped, State
from apps.datasets.receiving.pieces import LONGEST
from apps.jobs.models import TERMINAL, Job, Status


class DatasetQuerySet(Scoped):
    def with_newest(self) -> Self:
        """Annotate what a list shows: newest version, its rows and layout, and the newest upload's job."""
        versions = DatasetVersion.objects.filter(dataset=models.OuterRef("pk")).order_by("-number")
        uploads = Upload.objects.filter(dataset=models.OuterRef("pk")).order_by("-created_at")
        return self.annotate(
            newest_number=models.Subquery(versions.values("number")[:1]),
            newest_rows=models.Subquery(versions.values("row_count")[:1]),
            newest_quarantined=models.Subquery(versions.values("quarantined_count")[:1]),
            newest_layout=models.Subquery(versions.values("layout")[:1]),
            import_status=Coalesce(models.Subquery(uploads.values("job__status")[:1]), models.Value("")),
        )

    def in_state(self, state: str) -> Self:
        """Filter what `with_newest` annotated by the state that `Dataset.state` would tell."""
        unfinished = [status for status in Status.values if status not in TERMINAL]
        has_version = models.Q(newest_number__isnull=False)
        return self.filter(
            {
                State.IMPORTING: models.Q(import_status__in=unfinished),
                State.READY: has_version & ~models.Q(import_status__in=unfinished),
                State.FAILED: ~has_version & models.Q(import_status__in=[Status.FAILED, Status.CANCELLED]),
                State.MAPPING: ~has_version & models.Q(import_status=""),
            }[State(state)]
        )


class Dataset(WorkspaceRow):
    """A named line of versions. What may change is its name and description; what was learned from is a version."""

    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    known_newest: "DatasetVersion | None"
    known_upload: "Upload | None"

    objects = DatasetQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset")
        ordering = ["-changed_at"]
        indexes = [models.Index(fields=["workspace", "-changed_at"], name="dataset_recent")]
        constraints = [models.UniqueConstraint("workspace", Lower("name"), name="one_dataset_per_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("datasets:detail", args=[self.pk])

    @property
    def newest(self) -> "DatasetVersion | None":
        """The newest version (looked up, unless `attach_newest` brought it)."""
        if "known_newest" in self.__dict__:
            return self.known_newest
        return self.versions.order_by("-number").first()

    @property
    def newest_upload(self) -> "Upload | None":
        if "known_upload" in self.__dict__:
            return self.known_upload
        return self.uploads.select_related("job").order_by("-created_at").first()

    @property
    def state(self) -> State:
        upload = self.newest_upload
        if upload and upload.job and not upload.job.is_terminal:
            return State.IMPORTING
        if self.newest:
            return State.READY
        return State.FAILED if upload and upload.job else State.MAPPING


class Upload(WorkspaceRow):
    """A file as it came in, kept untouched, and what a look at it found. Its import has no status but its job's."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(_("file name"), max_length=200)
    key = models.CharField(max_length=200, unique=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=LONGEST, blank=True, db_index=True)  # receiving.pieces
    format = models.CharField(max_length=10, blank=True)
    encoding = models.CharField(max_length=20, blank=True)
    preview = models.JSONField(default=dict)
    mapping = models.JSONField(null=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("upload")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("datasets:mapping", args=[self.dataset_id, self.pk])


class VersionQuerySet(Scoped):
    def of_form(self, *forms: str) -> Self:
        """Versions that have rows, of one of these forms."""
        return self.filter(form__in=forms, purge=None)

    def update(self, **values: Any) -> int:
        raise TypeError("A version never changes.")


class DatasetVersion(WorkspaceRow):
    """Frozen rows with a fingerprint. `provenance` is opaque here: kind and id of what it was made from.

    `splits` is {} or {"seed", "fractions", "group_by", "counts"}: how its rows were parted and how many each part got.
    Rows added and removed are counted against the parent; None for versions from before they were counted. `patch` is {} or the file
    that replaces rows of the shards (workers.formats.stored), with its storage key.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="children")
    step = models.CharField(max_length=40, default="import")
    note = models.CharField(max_length=200, blank=True)
    provenance_kind = models.CharField(max_length=40, blank=True)
    provenance_id = models.UUIDField(null=True)
    recipe = models.JSONField(default=dict)
    splits = models.JSONField(default=dict)
    added_count = models.PositiveBigIntegerField(null=True)
    removed_count = models.PositiveBigIntegerField(null=True)

    content_hash = models.CharField(max_length=64, db_index=True)
    row_count = models.PositiveBigIntegerField()
    quarantined_count = models.PositiveBigIntegerField(default=0)
    quarantine_key = models.CharField(max_length=200, blank=True)
    reasons = models.JSONField(default=dict)
    form = models.CharField(_("form"), max_length=20, choices=Form.choices, default=Form.CHAT)
    shards = models.JSONField(default=list)
    patch = models.JSONField(default=dict)
    statistics = models.JSONField(default=dict)
    layout = models.CharField(max_length=20, choices=Layout.choices)
    mapping = models.JSONField(default=dict)
    source_name = models.CharField(max_length=200, blank=True)
    source_format = models.CharField(max_length=10, blank=True)
    notes = models.JSONField(default=list)

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("dataset version")
        ordering = ["dataset", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="one_version_per_number"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="version_number_from_1"),
            models.CheckConstraint(condition=models.Q(row_count__gte=1), name="version_has_rows"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("datasets:version", args=[self.dataset_id, self.number])

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A version never changes.")
        super().save(*args, **kwargs)

    @property
    def holds_conversations(self) -> bool:
        """Whether its rows are what today's fine-tunes learn from."""
        return self.form in (Form.CHAT, Form.PREFERENCE)

    @property
    def has_sealed_values(self) -> bool:
        """Whether its recipe put tokens in place of personal data, which the workspace's key opens."""
        return any(step.get("mode") == "token" for step in self.recipe.get("steps", ()) if isinstance(step, dict))

    @property
    def size(self) -> int:
        """Bytes of all shards and the patch, those shared with other versions too."""
        return sum(int(file["bytes"]) for file in self.files)

    @property
    def files(self) -> list[dict[str, Any]]:
        """The shards in order and, last, the patch where there is one."""
        return [*self.shards, self.patch] if self.patch else list(self.shards)

    @property
    def parent_label(self) -> str:
        """What the parent is called beside this version: "v3", or its whole name where it is of another dataset."""
        if self.parent is None:
            return ""
        return f"v{self.parent.number}" if self.parent.dataset_id == self.dataset_id else str(self.parent)

    def require_form(self, *forms: str, field: str = "dataset_version") -> None:
        """Raise Problem unless its rows are of one of these forms, and Gone where it has none any more."""
        self.require_rows()
        if self.form in forms:
            return
        words = {"version": self, "form": self.get_form_display()}
        wanted = ", ".join(str(Form(form).label) for form in forms)
        raise Problem(
            _("The rows of %(version)s are of the form “%(form)s”.") % words,
            field=field,
            hint=_("This takes: %(forms)s. A template step of a recipe turns texts and labels into chats.")
            % {"forms": wanted},
            code="wrong_form",
        )

    @property
    def purged(self) -> "Purge | None":
        """When and by whom its rows were deleted; None while they are there."""
        return getattr(self, "purge", None)

    def require_rows(self) -> None:
        """Raises Gone where its rows were deleted."""
        if purge := self.purged:
            when, who = date_format(timezone.localtime(purge.created_at), "j M Y"), purge.created_by or _("the console")
            message = _("The rows of %(version)s were deleted on %(when)s by %(who)s.")
            hint = _("Its number, fingerprint and place in the line are kept. Choose another version.")
            raise Gone(message % {"version": self, "when": when, "who": who}, hint=str(hint), code="rows_deleted")

    def shard_paths(self) -> list[Path]:
        """Local paths of its files as workers.formats.stored takes them (fetched to the cache from remote storage). Raises Gone."""
        self.require_rows()
        return [storage().local(file["key"]) for file in self.files]


class Purge(WorkspaceRow):
    """The rows of a version were deleted; its number, hash and place in the line stay."""

    version = models.OneToOneField(DatasetVersion, on_delete=models.CASCADE, related_name="purge")
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    objects = Scoped.as_manager()

    class Meta:
        verbose_name = _("purge")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"purge of {self.version}"


def attach_newest(datasets: Iterable[Dataset]) -> None:
    """Bring the newest version and upload of each dataset in two queries, for a list."""
    by_id = {dataset.pk: dataset for dataset in datasets}
    for dataset in by_id.values():
        dataset.known_newest = dataset.known_upload = None
    versions = DatasetVersion.objects.filter(dataset__in=by_id).annotate(last=models.Max("dataset__versions__number"))
    for version in versions.filter(number=models.F("last")):
        by_id[version.dataset_id].known_newest = version
    uploads = Upload.objects.filter(dataset__in=by_id).annotate(last=models.Max("dataset__uploads__created_at"))
    for upload in uploads.filter(created_at=models.F("last")).select_related("job"):
        by_id[upload.dataset_id].known_upload = upload


def new_key(dataset_id: uuid.UUID, folder: str, name: str) -> str:
    """A storage key below a dataset. `name` is ours, never a person's."""
    return f"datasets/{dataset_id}/{folder}/{name}"
