"""The Celery application: routes, beat, and what a worker process has to know about its life."""

import ctypes
import os
import signal
import socket
from pathlib import Path
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

from django.conf import settings

app = Celery("tuneloop")
app.config_from_object("console.broker")
app.autodiscover_tasks()
PR_SET_PDEATHSIG = 1


@signals.worker_process_init.connect
def die_with_the_parent(**_kwargs: Any) -> None:
    """A pool process whose worker was killed must not go on supervising: it would hold a job without a worker."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _drain_mark() -> Path:
    return Path(settings.TUNELOOP_DATA) / "run" / f"{os.getpid()}.draining"


@signals.worker_init.connect
def clear_drain_mark(**_kwargs: Any) -> None:
    _drain_mark().parent.mkdir(parents=True, exist_ok=True)
    _drain_mark().unlink(missing_ok=True)


@signals.worker_shutting_down.connect
def drain(**_kwargs: Any) -> None:
    """SIGTERM: supervisors see the mark, their programs save and leave, the jobs go back to the queue unharmed."""
    _drain_mark().touch()


@signals.worker_ready.connect
@signals.heartbeat_sent.connect
def report_slots(**_kwargs: Any) -> None:
    """Tell the database which slots this worker offers, so that pages can show them and the sweeper can fill them."""
    from apps.jobs import slots

    slots.report(os.environ.get("TUNELOOP_SLOTS", ""), host=socket.gethostname())
