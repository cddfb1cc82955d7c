"""Our training program against a bare TRL script: tokens a second, and time from process start to the first step.

    python -m tests.bench.bench_sft [--pairs 5] [--steps 30] [--tiny] [--method full]

Pairs run one after the other in alternating order on the same rows in the same batches; each pair gives one ratio (above 1: we are
faster), the median and its range are printed. CPU seconds are printed beside wall time: on a shared machine they are steadier.
"""

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
MODEL = Path(os.environ.get("TUNELOOP_DATA", ROOT / "var")) / "models" / "smollm2-135m-instruct"
DEMO = ROOT / "apps/datasets/demo/harbour-and-pine-support.jsonl"
WARM_UP = 3  # steps that are not counted


@dataclass(frozen=True)
class Timing:
    """One run: seconds to the first step, seconds for the counted steps, CPU seconds of the whole process."""

    first_step: float
    steps: float
    cpu: float


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-sft-") as name:
        folder = Path(name)
        model = _tiny_model(folder / "model") if options.tiny else MODEL
        recipe = _recipe(options)
        shard = _rows(folder / "rows.parquet", recipe)
        pairs = []
        for number in range(options.pairs):
            runners = [_run_ours, _run_bare] if number % 2 else [_run_bare, _run_ours]
            timings = {run: run(folder / f"{number}-{run.__name__}", model, shard, recipe) for run in runners}
            pairs.append((timings[_run_ours], timings[_run_bare]))
            _print_pair(number, *pairs[-1])
    _print_summary(pairs)


def _run_ours(folder: Path, model: Path, shard: Path, recipe: dict[str, Any]) -> Timing:
    folder.mkdir()
    spec = {
        "program": "fine_tune",
        "inputs": {"model": {"folder": str(model)}, "shards": [str(shard)], "resume_from": None},
        "settings": recipe,
    }
    (folder / "spec-1.json").write_text(json.dumps(spec))
    started, cpu = _run(["-m", "workers.run", str(folder / "spec-1.json")], folder)
    events = [json.loads(line) for line in (folder / "events-1.jsonl").read_text().splitlines()]
    return _timing(started, [event["at"] for event in events if event.get("name") == "loss"], cpu)


def _run_bare(folder: Path, model: Path, shard: Path, recipe: dict[str, Any]) -> Timing:
    folder.mkdir()
    settings = {
        "model": str(model),
        "rows": str(shard.with_name("ordered.parquet")),
        "recipe": recipe,
        "output": str(folder / "out"),
        "times": str(folder / "times"),
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    started, cpu = _run(["tests/bench/bare_trl.py", str(folder / "settings.json")], folder)
    return _timing(started, [float(line) for line in (folder / "times").read_text().split()], cpu)


def _run(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Moment of start and CPU seconds of one process of this Python."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HOME": str(folder / "hf"),
    }
    with (folder / "log.txt").open("wb") as log:
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _timing(started: float, ends: list[float], cpu: float) -> Timing:
    return Timing(first_step=ends[0] - started, steps=ends[-1] - ends[WARM_UP - 1], cpu=cpu)


def _recipe(options: argparse.Namespace) -> dict[str, Any]:
    """Like the preset for CPUs, without evaluations and checkpoints, which a bare script does not do."""
    from workers.recipes import PRESETS, Recipe

    changes = {
        "max_steps": options.steps + WARM_UP,
        "eval_fraction": 0.0,
        "eval_every": 0,
        "save_every": 0,
        "sample_count": 0,
    }
    recipe = Recipe.from_dict(
        PRESETS["quick"].recipe.as_dict() | changes | {"method": options.method, "precision": "fp32"}
    )
    return recipe.as_dict()


def _rows(path: Path, recipe: dict[str, Any]) -> Path:
    """The demo rows, ordered so that a sequential reader meets them as our seeded order does: our program reads them as a fixed point."""
    from workers.batches import epoch_order

    conversations = [json.loads(line)["messages"] for line in DEMO.read_text().splitlines()]
    conversations = [row for row in conversations if row[-1]["role"] == "assistant" and len(row) <= 3]
    order = epoch_order(len(conversations), recipe["seed"], 0).tolist()
    ids = [hashlib.sha256(json.dumps(row).encode()).hexdigest() for row in conversations]
    plain = pa.table({"row_id": ids, "messages": conversations})
    pq.write_table(plain, path)
    pq.write_table(plain.take(order), path.with_name("ordered.parquet"))
    return path


def _tiny_model(folder: Path) -> Path:
    from tests.workers.tiny import make_model

    return make_model(folder)


def _print_pair(number: int, ours: Timing, bare: Timing) -> None:
    print(
        f"pair {number + 1}: steps {ours.steps:6.2f} s (bare {bare.steps:6.2f} s)  ratio {bare.steps / ours.steps:.3f}   "
        f"first step after {ours.first_step:5.1f} s (bare {bare.first_step:5.1f} s)   cpu {ours.cpu:6.1f} s (bare {bare.cpu:6.1f} s)",
        flush=True,
    )  # fmt: skip


def _print_summary(pairs: list[tuple[Timing, Timing]]) -> None:
    speed = [bare.steps / ours.steps for ours, bare in pairs]
    later = [ours.first_step - bare.first_step for ours, bare in pairs]
    cpu = [bare.cpu / ours.cpu for ours, bare in pairs]
    print(
        f"throughput ours / bare TRL: median {statistics.median(speed):.3f}, range {min(speed):.3f} to {max(speed):.3f}, n={len(pairs)}"
    )
    print(f"CPU of the whole run, bare / ours: median {statistics.median(cpu):.3f}")
    print(
        f"first step later than bare by: median {statistics.median(later):+.1f} s, range {min(later):+.1f} to {max(later):+.1f} s"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30, help="counted steps a run")
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--tiny", action="store_true", help="a tiny random model: shows our own overhead at its worst")
    return parser.parse_args()


if __name__ == "__main__":
    main()
