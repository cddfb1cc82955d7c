"""A million rows of JSON Lines, about 1 GB, on the way of a dataset: import, profile without perplexity, index for browsing.

    python -m tests.bench.bench_million [--rows 1000000]

Each step is the program of the job, run as its supervisor runs it, on what the step before left. Told are the time of each and the
greatest memory of all its processes together.
"""

import argparse
import itertools
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.measuring import Measured, run_program
from tests.settings import MODELS

LIMIT = 2**30  # bytes, of all processes of a step together


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-million-") as name:
        folder = Path(name)
        source = folder / "rows.jsonl"
        with source.open("w", encoding="utf-8") as file:
            file.writelines(_rows(options.rows))
        print(f"{options.rows:,} rows, {source.stat().st_size / 2**20:,.0f} MiB of JSON Lines", flush=True)
        steps = list(_steps(folder, source, options.rows))
    worst = max(step.rss for step in steps)
    print(f"greatest memory {worst / 2**20:.0f} MiB, limit {LIMIT / 2**20:.0f} MiB")
    sys.exit(0 if worst <= LIMIT else 1)


def _steps(folder: Path, source: Path, rows: int) -> Iterator[Measured]:
    mapping = {"prompt": "prompt", "completion": "completion"}
    took, table = run_program(
        folder / "import", "import_table", {"file": str(source)}, {"mapping": mapping, "name": source.name}
    )
    if table["row_count"] != rows:
        sys.exit(f"{table['row_count']:,} rows came in, not {rows:,}: {table['reasons']}")
    yield _told("import", took, rows)
    held = folder / "import" / "artifacts" / "table"
    shards = [str(held / shard["name"]) for shard in table["shards"]]
    tokenizer = MODELS / "smollm2-135m-instruct" / "tokenizer.json"
    inputs = {"shards": shards, "form": "chat", "tokenizer": str(tokenizer), "tokenizer_name": "SmolLM2"}
    took, _figures = run_program(
        folder / "profile", "profile_table", inputs, {"seed": 42, "perplexity_rows": 0, "topics": False}
    )
    yield _told("profile", took, rows)
    files: list[dict[str, Any]] = [
        {"path": path, "sha256": shard["sha256"], "name": shard["name"]}
        for path, shard in zip(shards, table["shards"], strict=True)
    ]
    took, index = run_program(folder / "index", "browse_index", {"files": files}, {})
    if index["rows"] != rows:
        sys.exit(f"{index['rows']:,} rows were indexed, not {rows:,}.")
    yield _told("index", took, rows)


def _told(name: str, took: Measured, rows: int) -> Measured:
    print(f"{name:8} {took.seconds:7.1f} s, {rows / took.seconds:9,.0f} rows/s, {took.memory}", flush=True)
    return took


def _rows(count: int) -> Iterator[str]:
    """Lines of about 1 kB, a tenth of them Chinese, with words as unevenly frequent as real ones, quotes and line breaks."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(20_000)]
    weights = list(itertools.accumulate(1 / (number + 10) for number in range(len(words))))
    phrases = [" ".join(chance.choices(words, cum_weights=weights, k=10)) for _ in range(20_000)]
    signs = [chr(0x4E00 + chance.randrange(3000)) for _ in range(3000)]
    for number in range(count):
        if number % 10 == 0:
            question, answer = "".join(chance.choices(signs, k=60)), "".join(chance.choices(signs, k=200))
        else:
            question, answer = (" ".join(chance.choices(phrases, k=length)) for length in (4, 11))
        row = {
            "prompt": f"{question}?",
            "completion": f'"{answer}"\n\nBye.',
            "topic": f"t{number % 50}",
            "price": number / 10,
        }
        yield json.dumps(row, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
