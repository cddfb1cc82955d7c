"""What can be asked of the list of models."""

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.core.listing import Column, Listing
from apps.registry.models import Model, ModelVersion, VersionStatus

NO_VERSION = "none"


def _newest_is(value: str) -> Q:
    return Q(newest_status=None if value == NO_VERSION else value)


MODELS = Listing(
    columns=(
        Column("name", _("Model"), Lower("name")),
        Column("aliases", _("Aliases")),
        Column("version", _("Newest version")),
        Column("status", _("State"), "newest_status"),
        Column("registered", _("Registered"), "newest_at"),
    ),
    search=(
        "name",
        "description",
        "versions__version",
        "versions__checkpoint__run__name",
        "versions__checkpoint__run__base_model__name",
        "versions__checkpoint__run__dataset_version__dataset__name",
    ),
    statuses=(*VersionStatus.choices, (NO_VERSION, _("No version yet"))),
    sort="name",
    having=_newest_is,
)


def with_newest(rows: QuerySet[Model]) -> QuerySet[Model]:
    """Each with the status and the day of its newest version."""
    newest = ModelVersion.objects.filter(model=OuterRef("pk")).order_by("-number")
    found: QuerySet[Model] = rows.annotate(
        newest_status=Subquery(newest.values("status")[:1]), newest_at=Subquery(newest.values("created_at")[:1])
    )
    return found
