"""What can be asked of the lists of rounds and of reports. No search tells a rater of an open round whose answers are rated."""

from typing import Any

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.core.listing import Column, Listing, Search, holds
from apps.evaluation.models import OPEN, Outcome, Round, RoundStatus
from apps.jobs.models import Status

MODELS = ("entrants__checkpoint__run__name", "entrants__checkpoint__run__base_model__name")


def _has_state(value: str) -> Q:
    return Q(outcome=value) if value in Outcome.values else Q(status=value)


ROUNDS = Listing(
    columns=(
        Column("name", _("Round"), Lower("name")),
        Column("status", _("Status"), "status"),
        Column("data", _("Prompts from"), Lower("dataset_version__dataset__name")),
        Column("rated", _("Rated"), look="num"),
        Column("made", _("Made"), "created_at"),
    ),
    search=("name", "dataset_version__dataset__name"),
    statuses=(*RoundStatus.choices, *Outcome.choices),
    sort="-made",
    having=_has_state,
)
REPORTS = Listing(
    columns=(
        Column("name", _("Checkpoint"), Lower("checkpoint__run__name")),
        Column("status", _("Status"), "job__status"),
        Column("data", _("Rows from"), Lower("dataset_version__dataset__name")),
        Column("loss", _("Loss"), "metrics__tuned__loss__value", "num"),
        Column("base", _("of the base"), "metrics__base__loss__value", "num"),
        Column("rouge", _("ROUGE-L"), "metrics__tuned__rouge_l__value", "num"),
        Column("made", _("Made"), "created_at"),
    ),
    search=(
        "checkpoint__run__name",
        "checkpoint__name",
        "checkpoint__run__base_model__name",
        "dataset_version__dataset__name",
    ),
    statuses=Status.choices,
    sort="-made",
    having=lambda value: Q(job__status=value),
)


def rounds_with(user: Any) -> Search:
    """Rounds with some words in their names, or in the names of their models where this person may know those."""

    def search(text: str) -> Q:
        rated = Round.objects.filter(status__in=OPEN, raters__user_id=user.pk).values("pk")
        return holds(text, ROUNDS.search) | (holds(text, MODELS) & ~Q(pk__in=rated))

    return search
