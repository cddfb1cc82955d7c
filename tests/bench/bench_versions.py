"""Versions of a large dataset: what differs, the way back, and what a small change costs on the disk.

    python -m tests.bench.bench_versions [--rows 1000000] [--changed 1000] [--characters 300]

Three versions: one imported, one that changes some scattered rows of it (a patch), and one with the same changes that was imported anew in
shards of another size, so that it shares no file. Limits are those of the issue: 5 s for a diff, 1 s for a rollback.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workers.comparison import compare
from workers.formats.amending import amend
from workers.formats.chat import TrainingRow
from workers.formats.forms import make_row, texts_of, with_texts
from workers.formats.shards import ShardWriter
from workers.formats.stored import read_rows
from workers.version_diff import diff

DIFF_SECONDS, ROLLBACK_SECONDS = 5.0, 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"rows": 1_000_000, "changed": 1_000, "characters": 300}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-versions-") as name:
        folder = Path(name)
        whole, amended, anew = _versions(folder, options)
        times = _diffs(whole, amended, anew)
        back = _rollback(folder, whole, amended)
    print(f"greatest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    sys.exit(0 if max(times) <= DIFF_SECONDS and back <= ROLLBACK_SECONDS else 1)


Made = tuple[list[Path], dict[str, Any]]


def _versions(folder: Path, options: Any) -> tuple[Made, Made, Made]:
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)]
    count = options.characters // 6

    def rows() -> Iterator[TrainingRow]:
        for number in range(options.rows):
            text, extra = " ".join(chance.choices(words, k=count)), f'{{"id":{number}}}'
            yield make_row("text", [], {"text": text}, source_line=number + 1, extra=extra)

    whole = _written(folder / "whole", rows())
    places = sorted(chance.sample(range(options.rows), options.changed))
    changes = _edited(whole[0], places)
    (folder / "amended").mkdir()
    result = amend(whole[0], changes, [], folder / "amended")
    patch = folder / "amended" / result["patch"]["name"]
    size = sum(path.stat().st_size for path in whole[0])
    print(
        f"{options.rows:,} rows of about {options.characters} characters, {size / 1e6:.0f} MB; a version with {options.changed:,} rows"
        f" changed adds {patch.stat().st_size / 1e3:.0f} kB: {100 * patch.stat().st_size / size:.3f} % of it"
    )
    amended = ([*whole[0], patch], {**result, "kept_shards": whole[1]["shards"]})
    imported = (row._replace(key="") for row in read_rows(amended[0]))
    return whole, amended, _written(folder / "anew", imported, shard_rows=40_000)


def _written(folder: Path, rows: Iterator[TrainingRow], **options: int) -> Made:
    folder.mkdir()
    writer = ShardWriter(folder, **options)
    for row in rows:
        writer.add(row)
    result = {"content_hash": writer.close(), "row_count": writer.rows, "statistics": {}}
    named = [
        (folder / shard.name).rename(folder / f"{shard.sha256}.parquet") for shard in writer.shards
    ]  # as in storage
    shards = [{**shard, "name": path.name} for shard, path in zip(writer.as_dicts(), named, strict=True)]
    return named, {**result, "shards": shards}


def _edited(paths: list[Path], places: Sequence[int]) -> dict[int, TrainingRow | None]:
    wanted, changes = set(places), dict[int, TrainingRow | None]()
    for place, row in enumerate(read_rows(paths)):
        if place in wanted:
            changes[place] = with_texts(row, [f"{texts_of(row)[0]} and more"], form="text")
    return changes


def _timed(words: str, work: Callable[[], Any]) -> tuple[float, Any]:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - began)
    print(f"{words}: {min(times):.2f} to {max(times):.2f} s (n=3), {found}", flush=True)
    return max(times), found


def _diffs(whole: Made, amended: Made, anew: Made) -> list[float]:
    first, second, third = whole[0], amended[0], anew[0]
    return [
        _timed("diff, shards shared", lambda: diff(first, second).counts)[0],
        _timed("diff, no file shared", lambda: diff(first, third).counts)[0],
        _timed("diff by a column, no file shared", lambda: diff(first, third, by="id").counts)[0],
        _timed("counts for a new version, no file shared", lambda: compare(first, third))[0],
    ]


def _rollback(folder: Path, whole: Made, amended: Made) -> float:
    """`services.roll_back` on an SQLite database of its own."""
    os.environ.update(TUNELOOP_DATA=str(folder / "data"), DJANGO_SETTINGS_MODULE="console.settings")
    for name in ("DATABASE_URL", "REDIS_URL", "TUNELOOP_STORAGE"):
        os.environ.pop(name, None)
    (folder / "data").mkdir()
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.accounts.models import Workspace
    from apps.datasets import freezing, services
    from apps.datasets.models import Layout

    workspace = Workspace.objects.create(name="Bench", slug="bench")
    dataset = services.create_dataset(actor=None, workspace=workspace, name="bench")
    values: dict[str, Any] = {"actor": None, "created_by": None, "layout": Layout.MESSAGES, "form": "text"}
    freezing.keep_shards(dataset, whole[1], whole[0][0].parent)
    first = freezing.freeze(dataset=dataset, result=whole[1], **values)
    result = {**amended[1], "kept_shards": first.shards, "statistics": {}}
    freezing.keep_shards(dataset, {**result, "kept_shards": []}, amended[0][-1].parent)
    freezing.freeze(dataset=dataset, result=result, step="edit", **values)
    began = time.perf_counter()
    made = services.roll_back(actor=None, version=first)
    took = time.perf_counter() - began
    print(f"rollback: {took:.2f} s, {made.row_count:,} rows, +{made.added_count:,} -{made.removed_count:,}")
    return took


if __name__ == "__main__":
    main()
