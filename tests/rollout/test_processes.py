"""Real processes with a database connection of their own: the same user on the same arm everywhere, and a stop that all obey."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from apps.rollout import services
from apps.rollout.models import Exposure, Rollout
from apps.rollout.routing import CANDIDATE, CONTROL, REST
from tests.cast import Cast
from tests.rollout.making import make_rollout
from tests.rollout.test_services import user_at

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


def database_url() -> str:
    named = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{named['NAME']}"
    host, port = named["HOST"] or "127.0.0.1", named["PORT"] or 5432
    return f"postgres://{named['USER']}:{named['PASSWORD']}@{host}:{port}/{named['NAME']}"


@contextmanager
def asker(data: Path, units: list[str], seconds: float = 60) -> Iterator[Any]:
    """A started process; its lines come from `stdout`."""
    surroundings = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "TUNELOOP_DATA": str(data),
        "DATABASE_URL": database_url(),
    }
    command = [sys.executable, "-m", "tests.rollout.asker", "support", ",".join(units), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout
        finally:
            process.kill()


def next_line(lines: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(lines.readline())
    return told


def until(lines: Any, arms: list[str]) -> float:
    """When a process first said so; before that, one turn of its questions may have met the change halfway."""
    while (told := next_line(lines))["arms"] != arms:
        pass
    return float(told["at"])


@pytest.mark.parametrize("way", ["verb", "file"])
def test_stop__seen_by_two_other_processes__holds_within_a_second(cast: Cast, settings: Any, way: str) -> None:
    rollout = make_rollout(cast.workspace)
    units, running = [user_at(0, 0.1), user_at(0.9, 1), user_at(0.4, 0.6)], [CANDIDATE, CONTROL, REST]
    with ExitStack() as stack:
        processes = [stack.enter_context(asker(settings.TUNELOOP_DATA, units)) for _ in range(2)]
        assert [next_line(lines)["arms"] for lines in processes] == [running] * 2
        pressed = time.monotonic()
        if way == "verb":
            services.stop_rollout(actor=cast.approver, rollout=Rollout.objects.get(pk=rollout.pk))
        else:
            call_command("stop_rollout", str(rollout.pk))
        assert all(until(lines, [REST] * 3) - pressed < 1 for lines in processes)
        services.start_rollout(actor=cast.engineer, rollout=Rollout.objects.get(pk=rollout.pk))
        assert all(until(lines, running) for lines in processes)
    assert Exposure.objects.count() == 2  # written once, whoever asked first


def test_arms__after_a_restart__are_the_same(cast: Cast, settings: Any) -> None:
    make_rollout(cast.workspace, share=0.3)
    units = [f"customer-{number}" for number in range(60)]
    here = [services.choose(workspace=cast.workspace, name="support", unit=unit) for unit in units[:30]]
    told = []
    for _start in range(2):
        with asker(settings.TUNELOOP_DATA, units) as lines:
            told.append(next_line(lines)["arms"])
    assert told[0] == told[1] and set(told[0]) == {CANDIDATE, CONTROL, REST}
    assert told[0][:30] == [choice.arm.key for choice in here if choice]
