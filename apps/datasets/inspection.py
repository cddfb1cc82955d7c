"""A look at an uploaded file, taken by a small process with limits on memory and time: the web process never parses it."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from workers.preview import TIMEOUT

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
_AT_ONCE = threading.BoundedSemaphore(2)


def inspect_upload(
    path: Path, *, name: str, format: str = "", encoding: str = "", mapping: Any = None
) -> dict[str, Any]:
    """The preview of workers.formats.first_look. Raises Problem when the file is refused or breaks the limits."""
    command = [sys.executable, "-m", "workers.preview", str(path), f"--name={name}"]
    command += [f"--format={format}", f"--encoding={encoding}"]
    if mapping is not None:
        command.append(f"--mapping={json.dumps(mapping)}")
    with _AT_ONCE:
        answer = _run(command)
    if refused := answer.get("refused"):
        raise Problem(refused["message"], field=refused["field"], hint=refused["hint"], code=refused["code"])
    preview: dict[str, Any] = answer["preview"]
    return preview


def try_rows(task: dict[str, Any]) -> dict[str, Any]:
    """What comes of mended rows (see workers.mending). Raises Problem when they cannot be read at all."""
    with _AT_ONCE:
        answer = _run([sys.executable, "-m", "workers.mending"], json.dumps(task))
    if refused := answer.get("refused_file"):
        raise Problem(refused["message"], field=refused["field"], hint=refused["hint"], code=refused["code"])
    return answer


def _run(command: list[str], given: str = "") -> dict[str, Any]:
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(
            command,
            cwd=settings.BASE_DIR,
            env=env,
            input=given.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        message = _("The file could not be read within the limits of time and memory.")
        hint = _("Check that it opens elsewhere, or split it into smaller files.")
        raise Problem(message, field="file", hint=hint, code="unreadable") from None
    return answer


def require_importable(preview: dict[str, Any], *, trust_guess: bool) -> None:
    """Raise Problem for a preview from which no import can start: unsure encoding, no mapping, or no good row.

    With `trust_guess` a person has seen the preview, so a guessed encoding is no obstacle.
    """
    encoding, counts = preview["encoding"], preview["counts"]
    if not encoding["certain"] and not trust_guess:
        where = {"line": encoding["first_bad_line"], "label": encoding["label"]}
        raise Problem(
            _("Line %(line)s is not UTF-8. The file looks like %(label)s.") % where,
            field="encoding",
            code="encoding_unsure",
            hint=_("Send encoding=%(name)s to read it so, or save the file as UTF-8.") % {"name": encoding["name"]},
        )
    if preview["mapping"] is None:
        columns = ", ".join(preview["columns"])[:300]
        raise Problem(
            _("The columns fit no known layout: %(columns)s.") % {"columns": columns},
            field="mapping",
            code="mapping_needed",
            hint=_('Say which column plays which role, such as {"prompt": "question", "completion": "answer"}.'),
        )
    if not counts["good"]:
        first = preview["problems"][0]
        what = {"count": counts["rows"], "line": first["line"], "reason": first["reason"]}
        raise Problem(
            _("None of the %(count)s rows can be used. Line %(line)s: %(reason)s") % what,
            field="mapping",
            code="all_rows_bad",
            hint=_("Check the mapping of the columns, or mend the file."),
        )
