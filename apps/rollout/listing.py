"""What can be asked of the list of rollouts."""

from dataclasses import replace

from django.db.models import Q
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from apps.core.listing import Column, Listing
from apps.rollout import switch
from apps.rollout.models import RolloutStatus

ROLLOUTS = Listing(
    columns=(
        Column("name", _("Endpoint"), Lower("name")),
        Column("status", _("State"), "status"),
        Column("share", _("Share"), "share", "num"),
        Column("candidate", _("Candidate")),
        Column("control", _("Control")),
        Column("started", _("Started"), Coalesce("started_at", "created_at")),
    ),
    search=("name", "arms__deployment__name", "arms__deployment__model_version__model__name"),
    statuses=RolloutStatus.choices,
    sort="-started",
)


def _stands(value: str) -> Q:
    """As the page says it: with a stop file, stopped, whatever the row says."""
    is_down = Q(pk__in=switch.all_down())
    return Q(status=value) | is_down if value == RolloutStatus.STOPPED else Q(status=value) & ~is_down


SHOWN = replace(ROLLOUTS, having=_stands)
