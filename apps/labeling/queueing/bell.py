"""The doorbell of a project whose tasks are answered many times a second: at most one ring a second, and always one after the
last change, so that open pages end up right."""

import atexit
import threading
import time
from typing import Any

from django.db import transaction

from apps.core import live
from apps.labeling.models import LabelProject

PAUSE = 1.0  # seconds between two rings of a project, in one process
_lock = threading.Lock()
_rung: dict[Any, float] = {}
_due: dict[Any, threading.Timer] = {}  # rings to come
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
            _due[key] = timer = threading.Timer(wait, _late, (key, topics))
            timer.daemon = True
            timer.start()
            return
        _remember(key, now)
    _send(topics)


def _late(key: Any, topics: tuple[str, ...]) -> None:
    with _lock:
        if _due.pop(key, None) is None:  # stilled meanwhile
            return
        _remember(key, time.monotonic())
    _send(topics)


def _remember(key: Any, now: float) -> None:
    if len(_rung) >= _MOST:
        _rung.clear()
    _rung[key] = now


def _send(topics: tuple[str, ...]) -> None:
    for topic in topics:
        live.send(topic, {"type": "changed"})


@atexit.register
def still() -> None:
    """No ring to come any more, and none remembered: the process ends (open pages then heal by themselves), or a test does."""
    with _lock:
        for timer in _due.values():
            timer.cancel()
        _due.clear()
        _rung.clear()
