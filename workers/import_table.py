"""Program: turn an uploaded table into the Parquet shards of a dataset version, with a quarantine for bad rows.

Inputs: {"file": path}. Settings: {"mapping": {"layout", "columns"}, "name", "format", "encoding"}.
Leaves artifacts/table/ with shard-*.parquet, quarantine.jsonl and, of an archive of images, media/. The folder appears whole or not at
all: it is written under another name and renamed at the end, so an attempt that died costs nothing but its time.
"""

import ctypes
import json
import os
import resource
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from workers.context import Context
from workers.failures import UserError
from workers.formats.layouts import ColumnMapping, read_mapping
from workers.formats.lean import keep_memory, leave_pandas_out
from workers.formats.parting import parts_of
from workers.formats.parts import Part
from workers.formats.problems import FileRefused, Problem
from workers.formats.shards import ShardWriter, sync
from workers.formats.statistics import Statistics
from workers.formats.table import Table, inspect_file

MEMORY = 768 * 2**20  # bytes of address space
FULL_EXCERPTS = 10_000  # quarantined rows kept with their text; of later ones only line and reason
_M_ARENA_MAX = -8  # of malloc.h
_TELL_EVERY_S = 0.5
_PARTS_WAITING = 4  # parts that wait to be written
OUTPUT = "table"
MEDIA = "media"


def main(context: Context) -> dict[str, Any]:
    """Import the file and return what the version needs to know: shards, counts, hash, statistics."""
    leave_pandas_out()
    keep_memory()
    limit_memory()
    settings = context.spec.settings
    options = {name: settings.get(name) or "" for name in ("name", "format", "encoding")}
    watch = Watch(context)
    path, folder = Path(context.spec.inputs["file"]), context.folder / "artifacts" / OUTPUT
    return import_file(path, folder, mapping=settings["mapping"], watch=watch, **options)


def import_file(
    path: Path,
    folder: Path,
    *,
    mapping: Any,
    name: str = "",
    format: str = "",
    encoding: str = "",
    watch: Callable[[Table], None] = lambda table: None,
) -> dict[str, Any]:
    """Turn `path` into `folder` with shard-*.parquet and quarantine.jsonl; the result says what is in it.

    `watch` is called between rows, at the start and at the end. Raises UserError for a file that cannot be imported, OSError
    when the disk is full, and what `watch` raises; then `folder` does not exist.
    """
    partial = fresh_folder(folder)
    try:
        facts = inspect_file(path, name=name, format=format, encoding=encoding)
        result = _import(Table(path, facts, media=partial / MEDIA), partial, read_mapping(mapping, []), watch)
        if (partial / MEDIA).exists():
            os.sync()  # one for all of up to 200,000 files
        sync(partial)
        partial.rename(folder)
        sync(folder.parent)
    except FileRefused as refusal:
        raise UserError(refusal.message, refusal.hint, refusal.field) from None
    except MemoryError:
        hint = "Split it, or save it with smaller row groups."
        raise UserError("The file needs more memory to read than a table may.", hint) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return result


def limit_memory() -> None:
    """Let this process have no more than MEMORY of address space."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc reserves 64 MiB of address space for each thread's own heap
        libc.mallopt(_M_ARENA_MAX, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))


def fresh_folder(folder: Path) -> Path:
    """An empty folder to work in; what an earlier attempt left behind is removed."""
    partial = folder.with_name(f"{folder.name}.partial")
    for old in (partial, folder):
        shutil.rmtree(old, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


class Watch:
    """Called between rows: tells the progress twice a second and obeys wishes (raises Interrupted)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._began = time.monotonic()
        self._told = 0.0

    def __call__(self, table: Table) -> None:
        self._context.check()
        now = time.monotonic()
        if now - self._told < _TELL_EVERY_S and table.position < table.size:
            return
        self._told = now
        done, total = table.position, table.size
        eta = (now - self._began) * (total - done) / done if done else None
        self._context.reporter.progress(done, total, "bytes", "Reading the file", eta)


def _import(table: Table, folder: Path, mapping: ColumnMapping, watch: Callable[[Table], None]) -> dict[str, Any]:
    writer, statistics, blank = ShardWriter(folder), Statistics(), 0
    with _Quarantine(folder / "quarantine.jsonl") as quarantine, WriterBehind(writer) as behind:
        for part in parts_of(table, mapping, watch):
            for problem in part.problems:
                quarantine.add(problem)
            behind.add(part)
            statistics.merge(part.statistics)
            blank += part.blank_lines
    if not writer.rows:
        raise _useless(quarantine)
    content_hash = writer.close()
    watch(table)
    return {
        "content_hash": content_hash,
        "shards": writer.as_dicts(),
        "row_count": writer.rows,
        "quarantined_count": quarantine.count,
        "blank_lines": table.blank_lines + blank,
        "reasons": dict(quarantine.reasons),
        "statistics": statistics.as_dict(),
        "mapping": mapping.as_dict(),
        "format": table.facts.format,
        "encoding": table.facts.encoding.name,
        "notes": table.facts.notes,
    }


class WriterBehind:
    """Writes parts in a thread, in their order, while the next ones are made; compressing takes as long as reading."""

    def __init__(self, writer: ShardWriter) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1)
        self._waiting = deque[Future[None]]()

    def __enter__(self) -> "WriterBehind":
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=kind is not None)
        while self._waiting and kind is None:
            self._waiting.popleft().result()

    def add(self, part: Part) -> None:
        """Write a part soon. Raises what the writing of an earlier one raised, such as OSError for a full disk."""
        while len(self._waiting) >= _PARTS_WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._writer.add_table, part.rows, part.text_bytes))


def _useless(quarantine: "_Quarantine") -> UserError:
    if quarantine.first is None:
        return UserError("The file has no rows, only a header or an empty list.", field="file")
    first = quarantine.first
    message = f"None of the {quarantine.count} rows can be used. Line {first.line}: {first.reason}"
    return UserError(message, "Check the mapping of the columns, or mend the file.", "file")


class _Quarantine:
    """quarantine.jsonl: a line for each bad row, and how often each reason came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8")
        self.count = 0
        self.first: Problem | None = None
        self.reasons: Counter[str] = Counter()

    def __enter__(self) -> "_Quarantine":
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        sync(self._path)

    def add(self, problem: Problem) -> None:
        self.count += 1
        self.first = self.first or problem
        self.reasons[problem.code] += 1
        line = problem.as_dict()
        if self.count > FULL_EXCERPTS:
            line |= {"raw": "", "cut": True}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
