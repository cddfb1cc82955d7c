"""Who may do what: one table. Capabilities are named stage.verb; a door asks for one by name."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ENGINEER = "engineer", _("Engineer")
    CURATOR = "curator", _("Curator")
    ANNOTATOR = "annotator", _("Annotator")
    APPROVER = "approver", _("Approver")
    VIEWER = "viewer", _("Viewer")


_SEE = frozenset(
    {
        "workspace.view", "datasets.view", "jobs.view", "labeling.view", "training.view", "evaluation.view", "registry.view",
        "serving.view", "rollout.view", "feedback.view",
    }
)  # fmt: skip
_RATE = frozenset({"workspace.view", "labeling.annotate", "evaluation.rate"})
_CURATE = _SEE | _RATE | {
    "datasets.upload", "datasets.edit", "datasets.delete", "jobs.cancel", "labeling.manage", "labeling.review", "training.chat",
    "feedback.give", "feedback.triage",
}  # fmt: skip
_ENGINEER = _CURATE | {
    "training.launch", "training.stop", "training.add_model", "evaluation.manage", "registry.register", "serving.deploy",
    "serving.infer", "rollout.manage", "rollout.stop",
}  # fmt: skip
_OWN = _ENGINEER | {
    "workspace.manage",
    "members.manage",
    "keys.manage",
    "jobs.manage",
    "registry.approve",
    "datasets.unmask",
}

CAPABILITIES: dict[str, frozenset[str]] = {
    Role.OWNER: _OWN,
    Role.ENGINEER: _ENGINEER | {"keys.manage"},
    Role.CURATOR: _CURATE,
    Role.ANNOTATOR: _RATE,
    Role.APPROVER: _SEE | {"training.chat", "registry.approve", "rollout.stop", "evaluation.rate"},
    Role.VIEWER: _SEE,
}

# What a capability lets one do, in words for people (Settings, Members).
SAYS = {
    "workspace.view": _("enter the workspace"),
    "datasets.view": _("see datasets and their rows"),
    "datasets.upload": _("upload data and import it"),
    "datasets.edit": _("correct and describe datasets"),
    "datasets.delete": _("delete a dataset that no run needs"),
    "datasets.unmask": _("open what was masked reversibly"),
    "jobs.view": _("see what runs and what it says"),
    "jobs.cancel": _("cancel imports and other jobs"),
    "jobs.manage": _("manage the jobs of everybody"),
    "labeling.view": _("see labeling projects and their progress"),
    "labeling.manage": _("make labeling projects, accept and freeze labels"),
    "labeling.review": _("review labels of others, decide and send back"),
    "labeling.annotate": _("label tasks"),
    "training.view": _("see runs, curves and checkpoints"),
    "training.launch": _("launch and resume runs"),
    "training.stop": _("stop and cancel runs"),
    "training.add_model": _("add base models"),
    "training.chat": _("chat with checkpoints"),
    "evaluation.view": _("see reports and rounds"),
    "evaluation.manage": _("measure checkpoints, open and close rounds"),
    "evaluation.rate": _("rate answers in a round"),
    "registry.view": _("see models and their versions"),
    "registry.register": _("register versions, move aliases"),
    "registry.approve": _("approve versions of others"),
    "serving.view": _("see deployments and exchanges"),
    "serving.deploy": _("deploy and stop versions"),
    "serving.infer": _("ask deployed models through the API"),
    "rollout.view": _("see rollouts and their figures"),
    "rollout.manage": _("start rollouts and change their shares"),
    "rollout.stop": _("stop a rollout at once"),
    "feedback.view": _("see feedback"),
    "feedback.give": _("give feedback on an answer"),
    "feedback.triage": _("sort feedback and send it to labeling"),
    "keys.manage": _("make API keys"),
    "members.manage": _("add and remove people, give roles"),
    "workspace.manage": _("change the workspace itself"),
}

ALL: frozenset[str] = frozenset().union(*CAPABILITIES.values())


def roles_with(capability: str) -> list[str]:
    """Roles that hold a capability. Raises KeyError for a name that no role holds: a typing error in a door."""
    if capability not in ALL:
        raise KeyError(f"no role has the capability {capability!r}")
    return [role for role, held in CAPABILITIES.items() if capability in held]
