"""Import of a big table: rows/s, MB/s and the greatest memory of all its processes together per format, beside `datasets.load_dataset`
on the same file; then the time of a page of rows and of a search through all of them.

    python -m tests.bench.bench_import [--megabytes 300] [--formats jsonl csv parquet] [--repeats 1]

Times run from the start of the process to its end. Of more repeats each side's median counts; both sides take turns.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from apps.datasets.rows import read_page, search
from tests.bench.measuring import Measured, measure, run_program

LIMIT = 2**30  # bytes, of all processes of an import together
RATIO = 0.5  # of the rows/s of load_dataset
_LOAD = "tests.bench.load_dataset"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--formats", nargs="+", default=["jsonl", "csv", "parquet"])
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        folder = Path(name)
        sources = [source for source in _sources(folder, options.megabytes) if source.suffix[1:] in options.formats]
        found = [_bench(folder, source, options.repeats) for source in sources]
        _browse(sorted((folder / f"{sources[0].name}.job-0/artifacts/table").glob("shard-*")))
    worst, slowest = max(memory for memory, _ratio in found), min(ratio for _memory, ratio in found)
    print(
        f"greatest memory {worst / 2**20:.0f} MiB, limit {LIMIT / 2**20:.0f} MiB; least ratio {slowest:.2f}, limit {RATIO}"
    )
    sys.exit(0 if worst <= LIMIT and slowest >= RATIO else 1)


def _sources(folder: Path, megabytes: int) -> list[Path]:
    """The same rows as JSON Lines, CSV and Parquet."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)]
    path, writer, count = folder / "rows.jsonl", None, 0
    with path.open("w") as file, (folder / "rows.csv").open("w") as csv:
        csv.write("prompt,completion,id\n")
        while file.tell() < megabytes * 2**20:
            batch = []
            for _ in range(2000):
                prompt, completion = " ".join(chance.choices(words, k=40)), " ".join(chance.choices(words, k=100))
                batch.append({"prompt": prompt, "completion": completion, "id": count})
                count += 1
            file.writelines(json.dumps(row) + "\n" for row in batch)
            csv.writelines(f"{row['prompt']},{row['completion']},{row['id']}\n" for row in batch)
            table = pa.Table.from_pylist(batch)
            writer = writer or pq.ParquetWriter(folder / "rows.parquet", table.schema)
            writer.write_table(table)
    if writer:
        writer.close()
    return [path, folder / "rows.csv", folder / "rows.parquet"]


def _bench(folder: Path, source: Path, repeats: int) -> tuple[int, float]:
    """Import one file and load it with `datasets`; (greatest memory of the import in bytes, its rows/s as a share of theirs)."""
    ours, theirs, rows = list[Measured](), list[Measured](), 0
    for number in range(repeats):
        settings = {"mapping": {"prompt": "prompt", "completion": "completion"}, "name": source.name}
        measured, result = run_program(
            folder / f"{source.name}.job-{number}", "import_table", {"file": str(source)}, settings
        )
        ours.append(measured)
        rows = result["row_count"]
        theirs.append(measure(_LOAD, source, folder / f"{source.name}.cache-{number}"))
    seconds, loaded = (statistics.median(one.seconds for one in times) for times in (ours, theirs))
    megabytes, greatest = source.stat().st_size / 2**20, max(ours, key=lambda one: one.rss)
    print(
        f"{source.suffix[1:]:8} {rows:,} rows {megabytes:,.0f} MiB (n={repeats}): {seconds:.2f} s, {rows / seconds:,.0f} rows/s,"
        f" {megabytes / seconds:.0f} MiB/s, {greatest.memory}; load_dataset {loaded:.2f} s, {rows / loaded:,.0f} rows/s;"
        f" ratio {loaded / seconds:.2f}",
        flush=True,
    )
    return greatest.rss, loaded / seconds


def _browse(shards: list[Path]) -> None:
    total = sum(pq.read_metadata(shard).num_rows for shard in shards)
    chance = random.Random(2)
    pages = []
    for _ in range(40):
        began = time.perf_counter()
        read_page(shards, start=chance.randrange(total), limit=50, total=total)
        pages.append(1000 * (time.perf_counter() - began))
    began, start, scanned = time.perf_counter(), 0, 0
    while (page := search(shards, "not in any row", start=start, limit=50)).next is not None:
        start, scanned = page.next, scanned + page.scanned
    whole = time.perf_counter() - began
    print(f"page of 50 rows: median {statistics.median(pages):.0f} ms, greatest {max(pages):.0f} ms (n={len(pages)})")
    print(f"search through all {total:,} rows: {whole:.2f} s")


if __name__ == "__main__":
    main()
