"""What can be asked of the list of deployments."""

from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.core.listing import Column, Listing
from apps.serving.models import Status

DEPLOYMENTS = Listing(
    columns=(
        Column("name", _("Deployment"), Lower("name")),
        Column("version", _("Version"), "model_version__model__name"),
        Column("status", _("State"), "status"),
        Column("requests", _("Requests, 24 h"), look="num"),
        Column("failed", _("Failed"), look="num"),
        Column("p95", _("p95"), look="num", hint=_("95 of 100 answers were complete within this time")),
        Column("deployed", _("Deployed"), "created_at"),
    ),
    search=(
        "name",
        "model_version__model__name",
        "model_version__version",
        "model_version__checkpoint__run__name",
        "model_version__checkpoint__run__base_model__name",
        "model_version__checkpoint__run__dataset_version__dataset__name",
    ),
    statuses=Status.choices,
    sort="name",
)
