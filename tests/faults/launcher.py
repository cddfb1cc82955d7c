"""One slot without Celery: claims and supervises jobs until it is killed. It can die or freeze at a named point.

python -m tests.faults.launcher SLOT [POINT] [COUNT]
python -m tests.faults.launcher submit SETTINGS [POINT]
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django

POINTS = ("claimed", "freeze-claimed", "before-finish", "after-finish", "before-record", "after-record", "committed")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def before(owner: Any, name: str, act: Callable[[], None]) -> None:
    real = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        act()
        return real(*args, **kwargs)

    setattr(owner, name, wrapped)


def after(owner: Any, name: str, act: Callable[[], None]) -> None:
    real = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        act()
        return answer

    setattr(owner, name, wrapped)


def arm(point: str) -> None:
    """Make this process end or freeze where `point` says."""
    from apps.jobs import hints, protocol, supervisor

    arms: dict[str, Callable[[], None]] = {
        "claimed": lambda: before(supervisor.Supervision, "run", die),
        "freeze-claimed": lambda: before(supervisor.Supervision, "run", freeze),
        "before-finish": lambda: before(protocol, "succeed", die),
        "after-finish": lambda: after(protocol, "succeed", die),
        "before-record": lambda: before(protocol, "record_events", die),
        "after-record": lambda: after(protocol, "record_events", die),
        "committed": lambda: before(hints, "send", die),
    }
    if point:
        arms[point]()


def serve(slot: str, count: int) -> None:
    from apps.jobs import supervisor
    from apps.jobs.slots import queue_of

    while count:
        if supervisor.run_next(queue=queue_of(slot), slots=[slot], worker=f"launcher/{os.getpid()}", env={}):
            count -= 1
        else:
            time.sleep(0.05)


def submit(settings: dict[str, Any]) -> None:
    """Submit one job of the first workspace and print its id and how long it took."""
    from apps.accounts.models import Workspace
    from apps.jobs import services

    began = time.monotonic()
    workspace = Workspace.objects.get(slug="faults")
    job = services.submit(
        actor=None, workspace=workspace, kind="test.fake", title="submitted elsewhere", inputs={}, settings=settings
    )
    print(json.dumps({"job": str(job.pk), "seconds": time.monotonic() - began}), flush=True)


def main(words: list[str]) -> None:
    django.setup()
    point = words[2] if len(words) > 2 else ""
    arm(point)
    if words[0] == "serve":
        serve(words[1], int(words[3]) if len(words) > 3 else -1)
    else:
        submit(json.loads(words[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
