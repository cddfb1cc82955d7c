"""The profile of a version of a million rows, about 1 GB of text, without perplexity: rows/s and the greatest memory.

python -m tests.bench.bench_profile [--rows 1000000] [--topics]
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.settings import MODELS
from tests.workers.formats.files import run_measured
from workers.formats.chat import Message, TrainingRow, row_id
from workers.formats.shards import ShardWriter

LIMIT_KIB = 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--topics", action="store_true", help="embed a sample as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-profile-") as name:
        folder = Path(name)
        shards = make_version(folder / "version", options.rows)
        seconds, size, figures = profile(folder / "job", shards, options.topics)
    characters = figures["lengths"]["characters"]["total"]
    print(
        f"{options.rows:,} rows, {characters / 1e6:,.0f} M characters: {seconds:.1f} s, {options.rows / seconds:,.0f} rows/s,"
        f" greatest memory {size / 1024:.0f} MiB, limit {LIMIT_KIB / 1024:.0f} MiB"
    )
    near = figures["duplicates"]["near"]
    print(f"tokens n={figures['lengths']['tokens']['n']:,}; near duplicates {near['share']:.4f} (n={near['n']:,})")
    sys.exit(0 if size < LIMIT_KIB else 1)


def make_version(folder: Path, rows: int) -> list[Path]:
    """Conversations of some 1,000 characters with two columns beside them; every 50th repeats an earlier one."""
    folder.mkdir()
    chance, writer = random.Random(1), ShardWriter(folder)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)]
    earlier = None
    for number in range(rows):
        question, answer = " ".join(chance.choices(words, k=40)), " ".join(chance.choices(words, k=100))
        messages = [Message("user", question), Message("assistant", answer)]
        if number % 50 == 49 and earlier:
            messages = earlier
        earlier = messages
        extra = json.dumps({"topic": words[number % 7], "score": number % 101})
        writer.add(TrainingRow(row_id(messages), messages, number + 1, extra, "test" if number % 10 == 0 else "train"))
    writer.close()
    return [folder / shard.name for shard in writer.shards]


def profile(
    folder: Path, shards: list[Path], topics: bool
) -> tuple[float, int, dict[str, dict[str, dict[str, float]]]]:
    """(seconds, KiB, figures) of the program over these shards."""
    folder.mkdir()
    inputs = {
        "shards": [str(shard) for shard in shards],
        "form": "chat",
        "tokenizer": str(MODELS / "smollm2-135m-instruct" / "tokenizer.json"),
    }
    spec = folder / "spec-1.json"
    settings = {"perplexity_rows": 0, "topics": topics}
    spec.write_text(json.dumps({"program": "profile_table", "inputs": inputs, "settings": settings}))
    began = time.perf_counter()
    code, output, size = run_measured("workers.run", spec)
    if code:
        sys.exit(f"the profile ended with {code}: {output}")
    last = (folder / "events-1.jsonl").read_text().splitlines()[-1]
    return time.perf_counter() - began, size, json.loads(last)["result"]["figures"]


if __name__ == "__main__":
    main()
