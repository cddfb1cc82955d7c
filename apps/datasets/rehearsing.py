"""A recipe tried on the first rows of a version by a small process with limits: the web process runs none of its steps."""

import json
import os
import subprocess
import sys
import threading
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from workers.rehearsal import TIMEOUT

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
_AT_ONCE = threading.BoundedSemaphore(3)


def rehearse(request: dict[str, Any]) -> dict[str, Any]:
    """What workers.rehearsal finds. Raises Problem when the recipe cannot run on these rows, or breaks the limits."""
    with _AT_ONCE:
        answer = run(request)
    if refused := answer.get("refused"):
        raise Problem(refused["message"], field=refused["field"], hint=refused["hint"])
    found: dict[str, Any] = answer["rehearsal"]
    return found


def run(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of the process that tries recipes."""
    return ask("workers.rehearsal", request, timeout=TIMEOUT, field="steps")


def ask(program: str, request: dict[str, Any], *, timeout: float, field: str) -> dict[str, Any]:
    """The answer of a program with limits. The request goes through a pipe: it may hold the workspace's key, which no file may. Raises
    Problem when it gives none in time."""
    env = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"TOKENIZERS_PARALLELISM": "false"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", program],
            cwd=settings.BASE_DIR,
            env=env,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        message = _("This could not be tried within the limits of time and memory.")
        hint = _("Leave a step out, or shorten its pattern or its list of words.") if field == "steps" else ""
        raise Problem(message, field=field, hint=hint, code="too_heavy") from None
    return answer
