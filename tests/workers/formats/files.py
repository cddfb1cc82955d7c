"""Small files for the tests of the readers."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.formats import FileFacts, Problem, Row, Table, inspect_file

ROOT = Path(__file__).resolve().parents[3]
PAIR = b'{"prompt": "a", "completion": "b"}\n'


def facts_of(folder: Path, content: bytes, name: str, **said: str) -> FileFacts:
    path = folder / "upload"
    path.write_bytes(content)
    return inspect_file(path, name=name, **said)


def items_of(folder: Path, content: bytes, name: str = "rows.jsonl", **said: str) -> list[Row | Problem]:
    """Everything that a file yields. Raises FileRefused."""
    facts = facts_of(folder, content, name, **said)
    return list(Table(folder / "upload", facts).rows())


def values_of(folder: Path, content: bytes, name: str, **said: str) -> list[dict[str, Any]]:
    """The rows of a file that has no problem."""
    items = items_of(folder, content, name, **said)
    assert all(isinstance(item, Row) for item in items), items
    return [item.values for item in items if isinstance(item, Row)]


def problems_of(folder: Path, content: bytes, name: str = "rows.jsonl", **said: str) -> dict[int, str]:
    """{line: code} of the bad rows."""
    return {item.line: item.code for item in items_of(folder, content, name, **said) if isinstance(item, Problem)}


# A process inherits the greatest size of the one that forked it, so a small one stands between it and the tests.
_MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
size = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([done.returncode, done.stdout.decode(), size]))
"""


def run_measured(module: str, *words: object) -> tuple[int, str, int]:
    """(exit code, output, greatest resident size in KiB) of `python -m module words`."""
    command: Sequence[str] = [sys.executable, "-c", _MEASURE, sys.executable, "-m", module, *map(str, words)]
    code, output, size = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    return code, output, size
