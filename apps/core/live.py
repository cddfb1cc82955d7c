"""The doorbell: tells open pages that an object changed. The database stays the truth; a lost ring loses nothing."""

import logging
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import models, transaction

log = logging.getLogger(__name__)
_quiet_until = 0.0
PAUSE = 2.0  # seconds without a try after the broker refused, at least: a dead broker must not slow every commit
PATIENCE = 5  # and at least so many times what the failed try took: a silent broker costs more than a dead one


def topic_of(row: models.Model) -> str:
    """`job.<uuid>`: the subscription name of a row."""
    return f"{row._meta.model_name}.{row.pk}"


def ring(row: models.Model, **payload: Any) -> None:
    """On commit, send {"type": "changed", **payload} to all who watch `row` and its workspace."""
    message = {"type": "changed", **payload}
    topics = {topic_of(row)}
    if workspace_id := getattr(row, "workspace_id", None):
        topics.add(f"workspace.{workspace_id}")
    transaction.on_commit(lambda: [send(topic, message) for topic in topics])


def send(topic: str, message: dict[str, Any]) -> bool:
    """Send now. False when the broker is away: pages then heal from the database."""
    global _quiet_until
    began = time.monotonic()
    if began < _quiet_until:
        return False
    layer = get_channel_layer()
    if layer is None:
        return False
    try:
        async_to_sync(layer.group_send)(topic, {"type": "doorbell", "topic": topic, "message": message})
    except Exception as exc:  # any broker or network fault: the page heals by URL, so it is told, not raised
        now = time.monotonic()
        _quiet_until = now + max(PAUSE, PATIENCE * (now - began))
        log.warning("live update not sent to %s: %s", topic, exc)
        return False
    return True
