"""Look at an uploaded file in a process with limits, so that no file can hurt the one that asks.

    python -m workers.preview FILE [--name support.csv] [--format csv] [--encoding cp1252] [--mapping '{"prompt": "q", ...}']

Prints one JSON object: {"preview": {...}} (see workers.formats.first_look) or {"refused": {code, message, hint, line, field}}.
Memory, processor time and files are limited before the file or any parser is touched.
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY = 640 * 2**20  # bytes of address space; resident stays well below 512 MiB
CPU_SECONDS = 30
TIMEOUT = 60  # seconds of wall time, for who starts this
# One allocator without arenas per thread, one thread: address space stays close to what is used.
ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}


def limit_this_process(memory: int = MEMORY) -> None:
    """Cap memory (bytes of address space), processor time and written files; a breach ends this process, never its parent."""
    os.environ.update(ENVIRONMENT)
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 16 * 2**20),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def look(path: Path, **options: Any) -> dict[str, Any]:
    """The answer for one file: a preview, or why it is refused."""
    from workers.formats import FileRefused, preview  # heavy; imported under the limits

    try:
        return {"preview": preview(path, **options)}
    except FileRefused as refusal:
        return {"refused": refusal.as_dict()}
    except MemoryError:
        message = "The file needs more memory to read than a table may."
        return {
            "refused": FileRefused("too_heavy", message, hint="Split it, or save it with smaller row groups.").as_dict()
        }


def main(arguments: list[str]) -> int:
    """Read the arguments, print the answer."""
    parser = argparse.ArgumentParser(prog="python -m workers.preview", description="Look at a file under limits.")
    parser.add_argument("path", type=Path)
    for option in ("--name", "--format", "--encoding"):
        parser.add_argument(option, default="")
    parser.add_argument("--mapping", type=json.loads, default=None)
    given = parser.parse_args(arguments)
    limit_this_process()
    answer = look(given.path, name=given.name, format=given.format, encoding=given.encoding, mapping=given.mapping)
    print(json.dumps(answer, ensure_ascii=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
