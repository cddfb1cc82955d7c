"""What was fixed when a round opened, as one hash: a change behind the console's back does not stay unseen."""

import hashlib
import json
from typing import Any

from apps.evaluation.models import Round


def fingerprint(round: Round) -> str:
    """SHA-256 over items, rubric, raters and gate."""
    items = round.items.order_by("number", "entrant__place").values_list(
        "pk", "number", "entrant__place", "entrant__checkpoint_id", "row_id", "messages", "reference", "answer"
    )
    frozen: dict[str, Any] = {
        "items": [[str(pk), number, place, str(checkpoint), *rest] for pk, number, place, checkpoint, *rest in items],
        "rubric": round.rubric,
        "raters": sorted(str(pk) for pk in round.raters.values_list("user_id", flat=True)),
        "gate": [round.statistic, round.threshold, round.rule],
        "sample": [str(round.dataset_version_id), round.split, round.seed],
    }
    return hashlib.sha256(json.dumps(frozen, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
