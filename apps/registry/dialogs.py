"""The questions of the version page: what a step means before a person takes it."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.registry.models import ModelVersion, VersionStatus


def steps_from(version: ModelVersion) -> list[dict[str, Any]]:
    """What a person is asked before the next step of this version."""
    words = {"version": version.version}
    dialogs: list[dict[str, Any]] = [
        {
            "id": "ask",
            "from": VersionStatus.DRAFT,
            "step": "request",
            "title": _("Ask for approval of %(version)s?") % words,
            "text": _("Somebody else who may approve versions looks at its gates and decides. The number stays taken."),
            "action": _("Ask for approval"),
            "tone": "primary",
        },
        {
            "id": "approve",
            "from": VersionStatus.PENDING,
            "step": "approve",
            "title": _("Approve %(version)s?") % words,
            "text": _("It may then be deployed and become production. Where a gate failed, write why you approve it."),
            "action": _("Approve %(version)s") % words,
            "tone": "primary",
        },
        {
            "id": "reject",
            "from": VersionStatus.PENDING,
            "step": "reject",
            "title": _("Reject %(version)s?") % words,
            "text": _("This is for good: what comes instead is another version. Say what is to be mended."),
            "action": _("Reject %(version)s") % words,
            "tone": "danger",
            "is_required": True,
        },
        {
            "id": "retire",
            "from": VersionStatus.APPROVED,
            "step": "retire",
            "title": _("Retire %(version)s?") % words,
            "text": _("Nothing new may be deployed from it or named after it. What happened with it stays on record."),
            "action": _("Retire %(version)s") % words,
            "tone": "danger",
        },
    ]
    place = (version.model_id, version.version)
    return [
        {**dialog, "url": reverse("registry:decide", args=[*place, dialog["step"]])}
        for dialog in dialogs
        if dialog["from"] == version.status
    ]
