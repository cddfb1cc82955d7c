"""Browsing a large version: a page of rows, filters, sorts, full-text search, figures of a column, through the doors of the console.

    python -m tests.bench.bench_browse [--rows 1000000] [--repeats 20] [--folder DIR: kept, and taken up again]

Rows of about 1 kB, a tenth Chinese, of words that are as unevenly frequent as real ones. Told are n, median and 95th percentile in ms,
the time and memory of the job that makes the index, its size, and the greatest resident memory of the process that answers.
"""

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PAGE_MS, SEARCH_MS, MEMORY_MIB = 300.0, 800.0, 450


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--make", action="store_true", help="only make the version and its index")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-browse-") as name:
        folder = options.folder or Path(name)
        if options.make:
            return _make(folder, options.rows)
        if not (folder / "made").exists():
            words = [sys.executable, "-m", "tests.bench.bench_browse", "--make", "--folder", str(folder)]
            subprocess.run([*words, "--rows", str(options.rows)], check=True)
        sys.exit(0 if _browse(folder, options.repeats) else 1)


def _django(folder: Path) -> None:
    os.environ.update(
        TUNELOOP_DATA=str(folder), DJANGO_SETTINGS_MODULE="console.settings", DJANGO_ALLOW_ASYNC_UNSAFE="1"
    )
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["*"]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def _make(folder: Path, count: int) -> None:
    """A version of generated rows, and its index made by the job's program."""
    folder.mkdir(parents=True, exist_ok=True)
    _django(folder)
    from django.core.management import call_command

    from apps.accounts.models import Membership, Workspace
    from apps.datasets import freezing
    from apps.datasets.models import Dataset
    from tests.cast import make_user
    from workers.formats.shards import ShardWriter
    from workers.formats.statistics import Statistics

    call_command("migrate", verbosity=0)
    person = make_user("Mara")
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    Membership.objects.create(workspace=workspace, user=person, role="owner")
    dataset = Dataset.objects.create(workspace=workspace, created_by=person, name="bench")
    drafts = folder / "drafts"
    drafts.mkdir()
    writer = ShardWriter(drafts)
    for row in _rows(count):
        writer.add(row)
    result = {
        "content_hash": writer.close(),
        "shards": writer.as_dicts(),
        "row_count": count,
        "statistics": Statistics().as_dict(),
    }
    result |= {"compared_with": "", "added": count, "removed": 0}
    freezing.keep_shards(dataset, result, drafts)
    splits = {"seed": 1, "fractions": {}, "group_by": "", "counts": {"train": count - count // 10, "test": count // 10}}
    version = freezing.freeze(
        dataset=dataset, actor=person, created_by=person, result=result, layout="messages", splits=splits
    )
    _index(folder, version)
    (folder / "made").touch()


def _rows(count: int) -> Iterator[Any]:
    from workers.formats.chat import Message, TrainingRow, row_id

    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(20_000)]
    signs = [chr(0x4E00 + chance.randrange(3000)) for _ in range(3000)]
    weights = list(itertools.accumulate(1 / (number + 10) for number in range(len(words))))
    for number in range(count):
        if number % 10 == 0:
            question, answer = "".join(chance.choices(signs, k=60)), "".join(chance.choices(signs, k=200))
        else:
            question = " ".join(chance.choices(words, cum_weights=weights, k=40))
            answer = " ".join(chance.choices(words, cum_weights=weights, k=110))
        turns = [Message("user", question), Message("assistant", answer)]
        extra = {"topic": f"t{number % 50}", "price": number % 1000 / 10, "customer": f"c{chance.randrange(100_000)}"}
        split = "test" if number % 10 == 3 else "train"
        yield TrainingRow(row_id(turns), turns, number + 1, json.dumps(extra), split)


def _index(folder: Path, version: Any) -> None:
    """Run the job's program as a worker does."""
    from apps.datasets.browsing import metadata
    from apps.datasets.browsing.jobs import KIND
    from apps.jobs.models import Job
    from tests.workers.formats.files import run_measured

    job = Job.objects.filter(kind=KIND.name).first()
    assert job is not None, "the version was not given to the index"
    spec = job.folder / "spec-1.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    spec.write_text(json.dumps({"program": KIND.program, "inputs": KIND.prepare(job), "settings": {}}))
    began = time.perf_counter()
    code, output, size = run_measured("workers.run", spec)
    if code:
        sys.exit(f"the index ended with {code}: {output}")
    KIND.verify(job, {})
    seconds = time.perf_counter() - began
    Job.objects.filter(pk=job.pk).update(status="succeeded")
    weight = sum(file.stat().st_size for file in folder.rglob("meta/**/*") if file.is_file())
    print(
        f"index of {version.row_count:,} rows ({version.size / 2**20:,.0f} MiB of shards): {seconds:.0f} s,"
        f" {weight / 2**20:,.0f} MiB, greatest memory {size / 1024:.0f} MiB",
        flush=True,
    )
    assert metadata.is_ready(version)


def _browse(folder: Path, repeats: int) -> bool:
    _django(folder)
    from django.test import Client

    from apps.datasets.models import DatasetVersion
    from workers.formats.stored import read_rows

    version = DatasetVersion.objects.select_related("dataset").get()
    client = Client()
    client.force_login(version.dataset.created_by, backend="allauth.account.auth_backends.AuthenticationBackend")
    row = next(iter(read_rows(version.shard_paths(), start=11)))
    chinese = next(iter(read_rows(version.shard_paths(), start=10))).messages[1].content
    words = row.messages[1].content.split()
    print(f"{version.row_count:,} rows, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    is_good = True
    doors = {"page": version.get_absolute_url(), "api": f"/api/v1/datasets/{version.dataset_id}/versions/1/rows/"}
    for name, limit, queries in _cases(version.row_count, words, chinese):
        for door, url in doors.items():
            is_good &= _measured(client, f"{name} ({door})", url, limit, queries, repeats)
    statistics_url = f"/api/v1/datasets/{version.dataset_id}/versions/1/statistics/"
    _measured(
        client, "figures of a column (api)", statistics_url, None, [{"column": "price"}, {"column": "topic"}], repeats
    )
    peak = _resident("VmHWM")
    print(f"greatest resident memory of this process {peak} MiB, limit {MEMORY_MIB} MiB; load {os.getloadavg()[0]:.1f}")
    return is_good and peak <= MEMORY_MIB


def _resident(name: str) -> int:
    """VmRSS or VmHWM of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(name))


Case = tuple[str, float | None, list[dict[str, str]]]


def _cases(count: int, words: list[str], chinese: str) -> list[Case]:
    chance = random.Random(3)

    def asked(*condition: Any) -> dict[str, str]:
        return {"filter": json.dumps([list(condition)])}

    return [
        ("first page", PAGE_MS, [{}]),
        ("page anywhere", PAGE_MS, [{"cursor": str(chance.randrange(count))} for _ in range(20)]),
        ("filter by a number", PAGE_MS, [asked("characters", ">", n) for n in (900, 1000, 1100)]),
        (
            "filter by a column",
            PAGE_MS,
            [asked("topic", "is", f"t{n}") for n in range(5)] + [asked("price", "between", [3, 4])],
        ),
        ("filter by a rare value", PAGE_MS, [asked("customer", "is", f"c{n}") for n in (1, 77, 4711, 99_999)]),
        (
            "filter by first words",
            PAGE_MS,
            [asked("question", "contains", text) for text in ("qqz", words[0], chinese[:2])],
        ),
        (
            "filter by a pattern",
            PAGE_MS,
            [asked("question", "matches", text) for text in (f"^{words[0]} ", "zz[ab]", f"{words[1]}$")],
        ),
        (
            "filter by words of answers",
            PAGE_MS,
            [asked("answer", "contains", text) for text in ("qqz", words[0], chinese[60:62])],
        ),
        (
            "filter answers by a pattern",
            None,
            [asked("answer", "matches", text) for text in (f"^{words[0]} ", "zz[ab]", f"{words[1]}$")],
        ),
        ("filter by a split", PAGE_MS, [{"split": "test"}]),
        ("sort", PAGE_MS, [{"sort": "-characters"}, {"sort": "price"}, {"sort": "question"}, {"sort": "-customer"}]),
        ("search a word", SEARCH_MS, [{"q": word} for word in words[:6]]),
        ("search a phrase", SEARCH_MS, [{"q": " ".join(words[n : n + 2])} for n in range(6)]),
        ("search Chinese", SEARCH_MS, [{"q": chinese[n : n + 2]} for n in range(6)]),
        ("search and filter", SEARCH_MS, [{"q": word, **asked("price", "<", 50)} for word in words[:6]]),
        ("search and sort", SEARCH_MS, [{"q": word, "sort": "-characters"} for word in words[:6]]),
    ]


def _measured(
    client: Any, name: str, url: str, limit: float | None, queries: list[dict[str, str]], repeats: int
) -> bool:
    times, works = list[float](), list[float]()
    get: Callable[..., Any] = client.get
    for number in range(repeats):
        query = queries[number % len(queries)]
        began, worked = time.perf_counter(), time.process_time()
        answer = get(url, {"limit": "25", **query} if "/api/" in url else query)
        times.append(1000 * (time.perf_counter() - began))
        works.append(1000 * (time.process_time() - worked))
        assert answer.status_code == 200, (name, query, answer.content[:300])
    high = statistics.quantiles(times, n=20)[-1]
    told = "" if limit is None else f" of {limit:.0f}{'' if high <= limit else '  TOO SLOW'}"
    print(
        f"{name:34} n={len(times)} p50 {statistics.median(times):5.0f} p95 {high:5.0f}{told}"
        f" (processor {statistics.median(works):.0f}, {_resident('VmRSS')} MiB)",
        flush=True,
    )
    return limit is None or high <= limit


if __name__ == "__main__":
    main()
