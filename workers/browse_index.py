"""Program: what browsing needs of a version's files: for each the small columns of its rows, and a full-text index.

Inputs: {"files": [{"path", "sha256", "name"}]}, only those that have none yet. Leaves artifacts/meta/ with columns-<sha>.parquet and the
folder text-<sha> for each, whole or not at all. A file is described and indexed at
memory that does not grow with the version (the index maps its files, so address space is no measure of it); 1,000 rows take about 0.1 s.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workers import browse_text
from workers.browse_columns import describe_file, joined
from workers.context import Context
from workers.formats.shards import sync
from workers.watching import Clock

OUTPUT = "meta"
GROUP_ROWS = 4_096
_PACKING = {"row_id": "zstd", "question_whole": "none", "answer_whole": "none"}


def main(context: Context) -> dict[str, Any]:
    """Describe and index the files, and return the keys of what was made."""
    files = context.spec.inputs["files"]
    folder = context.folder / "artifacts" / OUTPUT
    folder.mkdir(parents=True, exist_ok=True)
    counts = [pq.read_metadata(file["path"]).num_rows for file in files]
    clock, before = Clock(context), 0
    for file, count in zip(files, counts, strict=True):
        index_file(Path(file["path"]), file["sha256"], folder, _told(clock, before, sum(counts)))
        before += count
    return {"made": [file["sha256"] for file in files], "rows": before}


def _told(clock: Clock, before: int, total: int) -> Callable[[int], None]:
    return lambda rows: clock(before + rows, total, "Indexing the rows")


def index_file(path: Path, sha256: str, folder: Path, watch: Callable[[int], None] = lambda rows: None) -> None:
    """Write columns-<sha>.parquet and text-<sha> of one file into `folder`; what is there already stays."""
    columns, text = folder / f"columns-{sha256}.parquet", folder / f"text-{sha256}"
    if not columns.exists():
        draft = columns.with_suffix(".part")
        write_columns(joined(describe_file(path)), draft)
        sync(draft)
        draft.rename(columns)
    if not text.exists():
        draft = text.with_name(f"{text.name}.part")
        shutil.rmtree(draft, ignore_errors=True)
        browse_text.build(path, draft, watch)
        draft.rename(text)
        sync(folder)


def write_columns(table: pa.Table, path: Path) -> None:
    """Write small columns so that a scan decompresses fast (LZ4; whole texts not at all) and a page of rows reads few of them (small
    row groups)."""
    packing = {name: _PACKING.get(name, "lz4") for name in table.column_names}
    few = [name for name in table.column_names if name in ("split", "label") or name.startswith("x_")]
    pq.write_table(table, path, compression=packing, use_dictionary=few, row_group_size=GROUP_ROWS)
