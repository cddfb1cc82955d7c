"""Some rows of a version by their places: only the row groups that hold them are read."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from apps.datasets.browsing import metadata
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import StoredRow, stored_rows
from workers.formats.chat import TrainingRow
from workers.formats.shards import SCHEMA
from workers.formats.stored import as_row

_THREADS = 2


def tables_at(version: DatasetVersion, places: Sequence[int]) -> list[pa.Table]:
    """The stored rows at these places, in their order, each a table of one row."""
    paths = version.shard_paths()
    return [_shaped(table) for table in _taken(paths, metadata.locate(version, places), SCHEMA.names)]


def rows_at(version: DatasetVersion, places: Sequence[int]) -> list[StoredRow]:
    """The rows at these places, in their order."""
    tables = tables_at(version, places)
    return [replace(stored_rows(table, 0)[0], index=place) for place, table in zip(places, tables, strict=True)]


def training_rows_at(version: DatasetVersion, places: Sequence[int]) -> list[TrainingRow]:
    """The same as they are written."""
    return [as_row(table.to_pylist()[0]) for table in tables_at(version, places)]


def cells_at(version: DatasetVersion, places: Sequence[int], columns: Sequence[str]) -> list[dict[str, Any]]:
    """The small columns of the rows at these places, in their order."""
    if metadata.is_small(version):
        table = metadata.described(version).take(pa.array(places, pa.int64()))
        there = [name for name in columns if name in table.column_names]
        return list(table.select(there).to_pylist())
    paths = metadata.column_paths(version)
    return [table.to_pylist()[0] for table in _taken(paths, metadata.locate(version, places), columns)]


def _taken(paths: Sequence[Path], where: Sequence[metadata.Place], columns: Sequence[str]) -> list[pa.Table]:
    """A table of one row for each place, whatever their order; each file is opened and each row group read once."""
    by_file: dict[int, list[int]] = defaultdict(list)
    for number, place in enumerate(where):
        by_file[place.file].append(number)
    found: list[Any] = [None] * len(where)
    with ThreadPoolExecutor(_THREADS) as pool:  # to unpack row groups takes the time, and needs no lock of Python
        read = pool.map(lambda file: _rows_of(paths[file], [where[n].number for n in by_file[file]], columns), by_file)
        for wanted, tables in zip(by_file.values(), read, strict=True):
            for number, table in zip(wanted, tables, strict=True):
                found[number] = table
    give_back()
    return found


def give_back() -> None:
    """Let go of what Arrow keeps of the memory of row groups that were read: tens of megabytes for each thread that has ended."""
    pa.default_memory_pool().release_unused()


def _shaped(rows: pa.Table) -> pa.Table:
    """With every column of a stored row; those that an older shard lacks are null."""
    for field in SCHEMA:
        if field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(SCHEMA.names)


def _rows_of(path: Path, numbers: Sequence[int], columns: Sequence[str]) -> list[pa.Table]:
    with pq.ParquetFile(path, memory_map=False) as file:
        there = set(file.schema_arrow.names)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        ends = np.cumsum(sizes)
        groups = np.searchsorted(ends, numbers, side="right")
        wanted = [name for name in columns if name in there]
        found: list[Any] = [None] * len(numbers)
        for group in np.unique(groups).tolist():
            read = file.read_row_group(group, columns=wanted, use_threads=False)
            inside = np.flatnonzero(groups == group)
            kept = read.take(_as_arrow(np.asarray(numbers)[inside] - (ends[group] - sizes[group])))
            for row, place in enumerate(inside.tolist()):
                found[place] = kept.slice(row, 1)  # of a copy: a slice of the group would keep all of it in memory
    return found


def _as_arrow(numbers: Any) -> pa.Array:
    """Numbers of numpy as they are: pyarrow imports pandas to look at anything else."""
    whole = np.ascontiguousarray(numbers, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])
