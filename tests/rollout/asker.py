"""A process of its own that asks for an arm again and again, and tells each change with the clock. Run by test_processes."""

import json
import sys
import time

import django

django.setup()

from apps.accounts.models import Workspace  # noqa: E402
from apps.rollout import services  # noqa: E402


def ask(name: str, units: list[str], seconds: float) -> None:
    workspace, before, ends = Workspace.objects.get(slug="northpeak"), None, time.monotonic() + seconds
    while time.monotonic() < ends:
        choices = [services.choose(workspace=workspace, name=name, unit=unit) for unit in units]
        now = [choice.arm.key if choice else "none" for choice in choices]
        if now != before:
            sys.stdout.write(json.dumps({"arms": now, "at": time.monotonic()}) + "\n")
            sys.stdout.flush()
            before = now
        time.sleep(0.02)


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2].split(","), float(sys.argv[3]))
