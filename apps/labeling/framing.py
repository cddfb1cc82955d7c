"""What every page of one label project shows around its tab."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import workspaces_where
from apps.labeling.models import LabelProject, ProjectStatus

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a project in the bar, for who has the right `needs` ("" for all who see the project)."""

    name: str  # as its view calls it
    label: "StrPromise"
    route: str
    needs: str = ""


TABS = (
    Tab("progress", gettext_lazy("Progress"), "project"),
    Tab("tasks", gettext_lazy("Tasks"), "tasks"),
    Tab("review", gettext_lazy("Review"), "review", "may_review"),
    Tab("agreement", gettext_lazy("Agreement"), "agreement", "may_review"),
    Tab("people", gettext_lazy("People"), "people", "may_manage"),
    Tab("report", gettext_lazy("Report"), "report", "may_review"),
    Tab("suggestions", gettext_lazy("Suggestions"), "suggestions", "may_manage"),
    Tab("export", gettext_lazy("In and out"), "formats", "may_manage"),
    Tab("studio", gettext_lazy("Label Studio"), "studio", "may_manage"),
    Tab("settings", gettext_lazy("Settings"), "settings", "may_manage"),
)
TONES = {"draft": "idle", "open": "info", "paused": "warn", "closed": "good"}


def frame(request: HttpRequest, found: LabelProject) -> dict[str, Any]:
    """The project, its state, and what the person may do in it."""
    rights = {
        f"may_{verb}": may(request, f"labeling.{verb}", found.workspace) for verb in ("manage", "review", "annotate")
    }
    tabs = [
        {"name": tab.name, "label": tab.label, "url": reverse(f"labeling:{tab.route}", args=[found.pk])}
        for tab in TABS
        if rights.get(tab.needs, True)
    ]
    return {"project": found, "tone": TONES[found.status], "steps": steps(found), "tabs": tabs, **rights}


def steps(project: LabelProject) -> list[tuple[str, str, str]]:
    """(status, what the button says, icon) for each step that is allowed now."""
    said = {
        ProjectStatus.OPEN: (
            _("Open for labeling") if project.status == ProjectStatus.DRAFT else _("Open again"),
            "play",
        ),
        ProjectStatus.PAUSED: (_("Pause"), "pause"),
        ProjectStatus.CLOSED: (_("Close"), "lock"),
    }
    return [(to, *said[ProjectStatus(to)]) for to in project.TRANSITIONS[project.status]]


def may(request: HttpRequest, capability: str, workspace: Any) -> bool:
    return workspaces_where(request.user, capability).filter(pk=workspace.pk).exists()


def is_partial(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"
