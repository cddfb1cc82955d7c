"""The files that make browsing fast, one pair for each file of a version, and where a row of a version stands in its files."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from apps.core.storage import storage
from apps.datasets.models import DatasetVersion
from workers.browse_columns import describe, joined, names_of
from workers.formats.stored import Stored

SMALL_ROWS = 5_000  # a version of at most so many rows is described when it is looked at, and never indexed
_KEPT_NAMES = 4_096
_READ = ["row_id", "messages", "source_line", "split", "content", "extra"]


class Place(NamedTuple):
    """A row in the files of a version: which file, and its number there."""

    file: int
    number: int


def columns_key(file: dict[str, Any]) -> str:
    """The storage key of the small columns of a file."""
    return f"{_folder(file)}/columns-{file['sha256']}.parquet"


def text_key(file: dict[str, Any]) -> str:
    """The storage key of the full-text index of a file."""
    return f"{_folder(file)}/text-{file['sha256']}"


def _folder(file: dict[str, Any]) -> str:
    return f"{'/'.join(file['key'].split('/')[:2])}/meta"


def is_small(version: DatasetVersion) -> bool:
    return bool(version.row_count <= SMALL_ROWS)


def missing(version: DatasetVersion) -> list[dict[str, Any]]:
    """The files of a version that are not indexed yet; none of a small version, which needs no index."""
    if is_small(version):
        return []
    store = storage()
    return [file for file in version.files if not (store.exists(columns_key(file)) and store.exists(text_key(file)))]


def is_ready(version: DatasetVersion) -> bool:
    """Whether a version can be filtered and sorted."""
    return not missing(version)


def column_paths(version: DatasetVersion) -> list[Path]:
    """Local paths of the small columns, in the order of the version's files."""
    version.require_rows()
    return [storage().local(columns_key(file)) for file in version.files]


def text_paths(version: DatasetVersion) -> list[Path]:
    """Local paths of the full-text indexes, in the order of the version's files."""
    version.require_rows()
    return [storage().local(text_key(file)) for file in version.files]


def starts(version: DatasetVersion) -> list[int]:
    """Where each shard begins among the rows of all shards."""
    return [int(start) for start in np.cumsum([0, *(int(shard["rows"]) for shard in version.shards)])]


def described(version: DatasetVersion) -> pa.Table:
    """The small columns of a small version; `place` is that in the version."""
    return _described(tuple(str(path) for path in version.shard_paths()))


def whole_texts(version: DatasetVersion) -> pa.Table:
    """The texts of a small version to their end, as columns of the same rows; read anew each time, for they may be long."""
    groups = Stored(version.shard_paths()).groups(columns=_READ)
    tables = [describe(group, first, whole=True).select(["question_whole", "answer_whole"]) for first, group in groups]
    return pa.concat_tables(tables)


@lru_cache(maxsize=8)
def _described(paths: tuple[str, ...]) -> pa.Table:
    groups = Stored([Path(path) for path in paths]).groups(columns=_READ)
    return joined(describe(group, first) for first, group in groups)


def known_names(version: DatasetVersion) -> dict[str, tuple[str, bool]]:
    """x_ column -> its name and whether all its values are numbers, over all files, in the order of their coming."""
    files = [described(version).schema] if is_small(version) else []
    told = [names_of(schema) for schema in files] or [_names(str(path)) for path in column_paths(version)]
    found: dict[str, tuple[str, bool]] = {}
    for names in told:
        for column, (name, is_numeric) in names.items():
            found[column] = (name, is_numeric and found.get(column, (name, True))[1])
    return found


@lru_cache(maxsize=_KEPT_NAMES)
def _names(path: str) -> dict[str, list[Any]]:
    return names_of(pq.read_schema(path))


class Patched(NamedTuple):
    """What the patch of a version is about: places in all shards, ascending, and which of them it takes out."""

    places: Any
    gone: Any


def patched(version: DatasetVersion) -> Patched:
    if not version.patch:
        return Patched(np.zeros(0, np.int64), np.zeros(0, bool))
    return _patched(str(storage().local(version.patch["key"])))


@lru_cache(maxsize=16)
def _patched(path: str) -> Patched:
    table = pq.read_table(path, columns=["place", "gone"], use_threads=False)
    return Patched(table.column("place").to_numpy(), table.column("gone").to_numpy(zero_copy_only=False))


def as_places(version: DatasetVersion, base: Any) -> Any:
    """Places in the version of rows that are given by their places in all shards."""
    changes = patched(version)
    gone = changes.places[changes.gone]
    return np.asarray(base, np.int64) - np.searchsorted(gone, base)


def locate(version: DatasetVersion, places: Sequence[int]) -> list[Place]:
    """Where rows of a version stand in its files; of a row that the patch replaces, in the patch."""
    changes, begins = patched(version), starts(version)
    gone = changes.places[changes.gone]
    wanted = np.asarray(places, np.int64)
    base = wanted + np.searchsorted(gone - np.arange(len(gone)), wanted, side="right")
    in_patch = np.searchsorted(changes.places, base)
    found = []
    for place, number in zip(base.tolist(), in_patch.tolist(), strict=True):
        if number < len(changes.places) and changes.places[number] == place:
            found.append(Place(len(version.shards), number))
            continue
        file = int(np.searchsorted(begins, place, side="right")) - 1
        found.append(Place(file, place - begins[file]))
    return found
