"""The slots of a worker: their names, and that they are there."""

import logging
import time

from django.db import Error, connection
from django.db.models.functions import Now

from apps.jobs.models import Slot

log = logging.getLogger(__name__)
EVERY = 10.0  # seconds between two reports of one worker
_reported = -EVERY


def queue_of(slot: str) -> str:
    """`host:gpu0` -> `gpu`."""
    return slot.rsplit(":", 1)[1].rstrip("0123456789")


def names(text: str) -> list[str]:
    """The slot names in TUNELOOP_SLOTS, separated by commas."""
    return [name for name in text.split(",") if name]


def report(text: str, *, host: str) -> None:
    """Say that these slots are there. A database that is away is no reason to stop working."""
    global _reported
    if time.monotonic() - _reported < EVERY:
        return
    _reported = time.monotonic()
    try:
        for name in names(text):
            values = {
                "queue": queue_of(name),
                "host": host,
                "seen_at": Now(),
            }  # the database's clock: ours may be wrong
            Slot.objects.update_or_create(name=name, defaults=values)
    except Error as exc:
        log.warning("slots not reported: %s", exc)
        connection.close()
