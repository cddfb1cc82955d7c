"""How long a program takes and how much memory it and all processes that it starts hold together."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.workers.formats.files import ROOT

LOOK_EVERY_S = 0.1


class Measured(NamedTuple):
    """`rss` and `pss` are the greatest sums over all processes in bytes: PSS counts a page that n of them share as one n-th of it."""

    seconds: float
    rss: int
    pss: int

    @property
    def memory(self) -> str:
        """Both sums in words."""
        return f"{self.rss / 2**20:.0f} MiB RSS, {self.pss / 2**20:.0f} MiB PSS of all processes"


def measure(module: str, *words: Any) -> Measured:
    """Run `python -m module words` from its start to its end. Leaves with its output when it fails."""
    began = time.perf_counter()
    command = [sys.executable, "-m", module, *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        sums = list[tuple[int, int]]()
        watcher = threading.Thread(target=_watch, args=(psutil.Process(process.pid), sums))
        watcher.start()
        output, _errors = process.communicate()
        seconds = time.perf_counter() - began
        watcher.join()
    if process.returncode:
        sys.exit(f"{module} ended with {process.returncode}: {output.decode(errors='replace')[-2000:]}")
    rss, pss = (max(column, default=0) for column in zip(*sums, strict=True)) if sums else (0, 0)
    return Measured(seconds, rss, pss)


def run_program(folder: Path, program: str, inputs: dict[str, Any], settings: dict[str, Any]) -> tuple[Measured, Any]:
    """Run a program of a job as a supervisor does, in a folder of its own; what it took and its result."""
    folder.mkdir(parents=True)
    spec = folder / "spec-1.json"
    spec.write_text(json.dumps({"program": program, "inputs": inputs, "settings": settings}))
    measured = measure("workers.run", spec)
    last = (folder / "events-1.jsonl").read_text().splitlines()[-1]
    return measured, json.loads(last)["result"]


def _watch(process: psutil.Process, sums: list[tuple[int, int]]) -> None:
    while True:
        try:
            tree = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        found = [size for size in map(_size, tree) if size]
        if not found:
            return
        sums.append((sum(size[0] for size in found), sum(size[1] for size in found)))
        time.sleep(LOOK_EVERY_S)


def _size(process: psutil.Process) -> tuple[int, int] | None:
    try:
        held = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return None
    return held.rss, held.pss
