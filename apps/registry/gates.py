"""The verdicts on a checkpoint, as gates before its approval."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.evaluation import services as evaluation
from apps.registry.models import ModelVersion
from apps.training.models import Checkpoint

FAILED = "failed"
WORDS = {"passed": _("Yes"), "failed": _("No"), "undefined": _("Cannot be told"), "pending": _("Not yet")}


@dataclass(frozen=True)
class Gate:
    """What one evaluation says of the checkpoint; the fields of evaluation's Verdict, which may grow."""

    kind: str
    title: str
    state: str
    text: str
    url: str
    at: datetime | None

    @property
    def tone(self) -> str:
        """The colour that stands beside its word."""
        return {"passed": "good", "failed": "bad", "undefined": "warn"}.get(self.state, "info")

    @property
    def word(self) -> str:
        return str(WORDS.get(self.state, self.state))

    def as_dict(self) -> dict[str, Any]:
        """To be kept with the decision."""
        at = self.at.isoformat() if self.at else None
        return {
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "text": self.text,
            "url": self.url,
            "at": at,
        }


def gates_of(checkpoint: Checkpoint, user: Any = None) -> list[Gate]:
    """As they stand now, the newest first. Open rounds are told only to a `user` who does not rate in them."""
    found = evaluation.verdicts_of(checkpoint, user=user)
    return [Gate(row.kind, str(row.title), str(row.state), str(row.text), row.url, row.at) for row in found]


def kept_gates(version: ModelVersion, user: Any = None) -> list[Gate]:
    """As they stood when it was decided on; as they stand now while nobody has decided."""
    if version.decided_at is None:
        return gates_of(version.checkpoint, user)
    return [Gate(**{**kept, "at": _moment(kept["at"])}) for kept in version.decided_gates]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
