"""What the pages show, put together from the pure parts; the doors stay thin."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from apps.accounts.models import Workspace
from apps.core import live
from apps.labeling import listing, progress, queue, wording
from apps.labeling.framing import TONES
from apps.labeling.harvest import saying
from apps.labeling.models import LabelProject
from apps.labeling.queueing import foreseeing
from apps.labeling.queueing.pages import filling_page


def projects(person: Any, workspace: Workspace, query: Mapping[str, str], **may: bool) -> dict[str, Any]:
    """A page of the projects of the workspace that the person sees, with how far each is."""
    rows = LabelProject.objects.visible_to(person).filter(workspace=workspace)
    rows = rows.select_related("created_by", "dataset_version__dataset")
    listed = listing.projects(**may).show(rows, query, reverse("labeling:list"))
    found = [
        {
            "row": project,
            "tone": TONES[project.status],
            "done": progress.counts(project)["done"],
            "mine": progress.own(project, person),
        }
        for project in listed.page
    ]
    return {"listed": listed, "projects": found}


# ---- one project


def progress_page(project: LabelProject) -> dict[str, Any]:
    """Figures for who watches."""
    counts = progress.counts(project)
    return {
        "counts": counts,
        "people": progress.people(project),
        "forecast": foreseeing.foresee(project, counts),
        **filling_page(project),
        "agreement": progress.agreements(project),
        "agreement_of": progress.agreement_sample(project),
        "rules": saying.rules(project.config, project.keep),
        "is_settled": not project.is_open or not counts["waiting"],
    }


def work_page(project: LabelProject, person: Any) -> dict[str, Any]:
    page = {
        "topic": live.topic_of(project),
        "api": f"/api/v1/label-projects/{project.pk}/",
        "assignments": "/api/v1/label-assignments/",
        "parts": project.config.as_page(),
        "heartbeat": queue.LEASE / 5,
        "person": str(person.pk),
    }
    controls = project.config.controls
    return {
        "project": project,
        "page": page,
        "words": wording.WORK,
        "kinds": {control.kind for control in controls},
        "has_marks": any(control.marks for control in controls),
        "has_pictures": any(shown.kind == "Image" for shown in project.config.shown),
        "mine": progress.own(project, person),
    }
