"""What can be asked of the list of label projects."""

from dataclasses import replace

from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.core.listing import Column, Listing
from apps.labeling.models import ProjectStatus

PROJECTS = Listing(
    columns=(
        Column("name", _("Project"), Lower("name")),
        Column("status", _("Status"), "status"),
        Column("answered", _("Answered"), look="on-wide"),
        Column("overlap", _("People a task"), "overlap", "num on-wide"),
        Column("mine", _("Done by you"), look="num on-wide"),
        Column("made", _("Made"), "created_at", "on-wide"),
        Column("label", _("Label"), is_quiet=True),
    ),
    search=("name", "dataset_version__dataset__name"),
    statuses=ProjectStatus.choices,
    sort="-made",
)
BY_NAME = replace(PROJECTS, search=("name",))  # for those who only label: the name is all that they see of a project
WATCHED, LABELED = ("answered", "overlap"), ("mine", "label")


def projects(*, may_view: bool, may_annotate: bool) -> Listing:
    """The list as a person with these rights sees it."""
    hidden = (() if may_view else WATCHED) + (() if may_annotate else LABELED)
    return (PROJECTS if may_view else BY_NAME).without(hidden)
