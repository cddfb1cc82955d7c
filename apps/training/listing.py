"""What can be asked of the list of runs."""

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.core.listing import Column, Listing, holds
from apps.jobs.models import Status

RUNS = Listing(
    columns=(
        Column("chosen", _("Compare"), is_quiet=True),
        Column("name", _("Run"), Lower("name")),
        Column("status", _("Status"), "job__status"),
        Column("model", _("Base model"), Lower("base_model__name")),
        Column("data", _("Data"), Lower("dataset_version__dataset__name")),
        Column("method", _("Method")),
        Column("loss", _("Evaluation loss"), "job__result__eval_loss", "num"),
        Column("launched", _("Launched"), "created_at"),
    ),
    search=("name", "base_model__name", "dataset_version__dataset__name"),
    statuses=Status.choices,
    sort="-launched",
    having=lambda value: Q(job__status=value),
)


def runs_with(text: str) -> Q:
    """Runs with some words, or with the number that the words are."""
    words, number = holds(text, RUNS.search), text.lower().removeprefix("run-")
    return words | Q(number=int(number)) if number.isascii() and number.isdigit() and len(number) < 9 else words
