"""The small columns of a version as one table that DuckDB asks: bounded in time, threads and memory, and unable to open anything else."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Problem
from apps.datasets.browsing import metadata
from apps.datasets.models import DatasetVersion

SECONDS = 5.0
MEMORY = "256MB"
SHARDS, PATCH = "shards", "patch"  # parts of the rows of a version
_AT_ONCE = threading.BoundedSemaphore(2)  # two questions keep two cores busy; more would only share memory
_idle: deque[tuple[tuple[str, ...], duckdb.DuckDBPyConnection]] = deque(maxlen=2)  # with the folders that each may read


def require_ready(version: DatasetVersion) -> None:
    """Raises Conflict while the index of a version is not built."""
    if not metadata.is_ready(version):
        hint = _("Rows can be read and searched meanwhile; this takes about a minute for 500,000 rows.")
        raise Conflict(_("The index of this version is still being built."), hint=hint, code="not_indexed")


def relation(version: DatasetVersion, part: str = "") -> str:
    """The rows of a version in SQL: `place` among all shards (of a small version: in the version), and its small columns. Of a version with
    a patch `part` asks for the rows of its shards alone, replaced ones among them and in their order (which a join would not keep), or for
    those of the patch alone."""
    if metadata.is_small(version):
        return "small"
    paths = [str(path) for path in metadata.column_paths(version)]
    begins = metadata.starts(version)[: len(version.shards)]
    shards = (
        f"SELECT * REPLACE (place + ({begins})[CAST(file_index AS BIGINT) + 1] AS place)"  # noqa: S608 - places and paths are ours
        f" FROM read_parquet({_listed(paths[: len(version.shards)])}, union_by_name=true)"
    )
    if not version.patch:
        return f"({shards})"
    patch = f"read_parquet({_listed(paths[-1:])})"
    # both have the columns of both, whichever is asked for
    is_left = {"": f"place NOT IN (SELECT place FROM {patch})", SHARDS: "TRUE", PATCH: "FALSE"}[part]  # noqa: S608
    kept = f"SELECT * FROM ({shards}) WHERE {is_left}"  # noqa: S608
    own = f"SELECT * EXCLUDE (gone) FROM {patch} WHERE {part != SHARDS} AND NOT gone"  # noqa: S608
    return f"({kept} UNION ALL BY NAME {own})"


def ask(
    version: DatasetVersion, sql: str, values: Sequence[Any] = (), *, found: Any = None, part: str = ""
) -> dict[str, Any]:
    """The columns (numpy) that `sql` gives, where {rows} stands for the rows of the version (or a part of them) and `found` for a table
    of places. Raises Problem when it takes too long or too much."""
    require_ready(version)
    tables = {"small": _small(version, sql)} if metadata.is_small(version) else {}
    if found is not None:
        tables["found"] = pa.table({"place": found})
    told = written(sql, values, relation(version, part))
    with _connected(version, tables) as connection, _stopped_after(connection):
        return dict(connection.execute(told).fetchnumpy())


def written(sql: str, values: Sequence[Any], rows: str) -> str:
    """A question with its values in the places of `?` and `rows` in those of {rows}.

    The values are not bound, because DuckDB imports pandas to look at a bound one: half a second and 60 MB. A string in quotes, with each
    quote in it doubled, has no other way to end: DuckDB knows no escapes there.
    """
    first, *pieces = [piece.replace("{rows}", rows) for piece in sql.split("?")]
    return first + "".join(_literal(value) + piece for value, piece in zip(values, pieces, strict=True))


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value) if isinstance(value, int) else f"CAST('{float(value)!r}' AS DOUBLE)"


def _small(version: DatasetVersion, sql: str) -> pa.Table:
    """The rows of a small version, with their whole texts where the question is about these."""
    table = metadata.described(version)
    if "_whole" not in sql:
        return table
    texts = metadata.whole_texts(version)
    for name in texts.column_names:
        table = table.append_column(name, texts.column(name))
    return table


@contextmanager
def _connected(version: DatasetVersion, tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    if not _AT_ONCE.acquire(timeout=SECONDS):
        raise Problem(_("Too many questions at once."), hint=_("Ask again in a moment."), code="busy")
    try:
        folders = _folders(version)
        connection = _warm(folders) or _opened(folders)
        try:
            for name, table in tables.items():
                connection.register(name, table)
            yield connection
            for name in tables:
                connection.unregister(name)
        except BaseException:
            connection.close()
            raise
        _idle.append((folders, connection))
    finally:
        _AT_ONCE.release()


def _folders(version: DatasetVersion) -> tuple[str, ...]:
    if metadata.is_small(version):
        return ()
    return tuple(sorted({f"{path.parent}/" for path in metadata.column_paths(version)}))


def _warm(folders: tuple[str, ...]) -> duckdb.DuckDBPyConnection | None:
    """A connection that has answered a question about these folders before, and knows the footers of their files."""
    for entry in list(_idle):
        if entry[0] == folders:
            try:
                _idle.remove(entry)
            except ValueError:  # another thread was faster
                continue
            return entry[1]
    return None


def _opened(folders: tuple[str, ...]) -> duckdb.DuckDBPyConnection:
    """A connection that reads these folders and nothing else, and cannot be told otherwise. It keeps footers, but no data."""
    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": MEMORY})
    connection.execute(
        "SET parquet_metadata_cache = true; SET enable_external_file_cache = false; SET allocator_flush_threshold = '8MB';"
        f" SET temp_directory = ''; SET allowed_directories = {_listed(folders)}; SET enable_external_access = false;"
        " SET lock_configuration = true"
    )
    return connection


@contextmanager
def _stopped_after(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    timer = threading.Timer(SECONDS, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException:
        hint = _("Make the filter narrower, or sort by another column.")
        raise Problem(
            _("This took more than %(s)s seconds.") % {"s": int(SECONDS)}, hint=hint, code="too_slow"
        ) from None
    except duckdb.OutOfMemoryException:
        hint = _("Make the filter narrower, or sort by another column.")
        raise Problem(_("This needs more memory than a question may have."), hint=hint, code="too_big") from None
    finally:
        timer.cancel()
        timer.join()  # or it would interrupt the next question


def _listed(paths: Sequence[str]) -> str:
    """Paths as a list in SQL. They are ours, of ids and digits below the storage's root, whose name may hold a quote."""
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"
