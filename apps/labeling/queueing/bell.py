"""The doorbell of a project whose tasks are answered many times a second: at most one ring a second, and always one after the
last change, so that open pages end up right."""

import threading
import time
from typing import Any

from django.db import transaction

from apps.core import live
from apps.labeling.models import LabelProject

PAUSE = 1.0  # seconds between two rings of a project, in one process
_lock = threading.Lock()
_rung: dict[Any, float] = {}
_due: set[Any] = set()
_MOST = 1000  # projects remembered


def ring(project: LabelProject) -> None:
    """On commit, tell the pages of this project and of its workspace that something changed: now, or when the pause is over."""
    topics = (live.topic_of(project), f"workspace.{project.workspace_id}")
    transaction.on_commit(lambda: _now_or_soon(project.pk, topics))


def _now_or_soon(key: Any, topics: tuple[str, ...]) -> None:
    now = time.monotonic()
    with _lock:
        wait = _rung.get(key, -PAUSE) + PAUSE - now
        if key in _due:
            return
        if wait > 0:
            _due.add(key)
        else:
            _remember(key, now)
    if wait <= 0:
        _send(topics)
        return
    timer = threading.Timer(wait, _late, (key, topics))
    timer.daemon = True
    timer.start()


def _late(key: Any, topics: tuple[str, ...]) -> None:
    with _lock:
        _due.discard(key)
        _remember(key, time.monotonic())
    _send(topics)


def _remember(key: Any, now: float) -> None:
    if len(_rung) >= _MOST:
        _rung.clear()
    _rung[key] = now


def _send(topics: tuple[str, ...]) -> None:
    for topic in topics:
        live.send(topic, {"type": "changed"})
