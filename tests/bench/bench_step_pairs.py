"""What a step of our trainer costs beside a step of TRL's own, on a machine that others use too.

    python -m tests.bench.bench_step_pairs [--steps 40] [--tiny] [--method full]

Both trainers run in one process on the same batches and hand each other the turn after every step, so whatever disturbs one disturbs
the other. Compared is the CPU time of a whole turn on one thread (data, forward, backward, optimizer, logging, events): waiting, and
what other processes do, is not in it. bench_sft compares wall time of whole processes, which needs a quiet machine.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # else the work of a step is spread over threads that are not counted

from tests.bench import bench_sft
from workers.run import ENVIRONMENT

os.environ.update(ENVIRONMENT)

from transformers import TrainerCallback

WARM_UP = 3


class Turns(TrainerCallback):
    """Gives the turn to the other trainer whenever a step begins, and notes the CPU seconds since its own last beginning."""

    def __init__(self, mine: threading.Semaphore, other: threading.Semaphore) -> None:
        self.mine, self.other, self.seconds, self.begun = mine, other, list[float](), 0.0

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        if self.begun:
            self.seconds.append(time.thread_time() - self.begun)
            self.other.release()
        self.mine.acquire()
        self.begun = time.thread_time()

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        self.other.release()


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-steps-") as name:
        folder = Path(name)
        model = bench_sft._tiny_model(folder / "model") if options.tiny else bench_sft.MODEL
        recipe = bench_sft._recipe(options)
        shard = bench_sft._rows(folder / "rows.parquet", recipe)
        ours, bare = _ours(folder, model, shard, recipe), _bare(folder, model, shard, recipe)
        turns = _run_in_turns(ours, bare)
    pairs = list(zip(turns[0].seconds[WARM_UP:], turns[1].seconds[WARM_UP:], strict=False))
    ratios = sorted(theirs / own for own, theirs in pairs)
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    own, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"CPU of a step: ours {own * 1000:.1f} ms, bare TRL {theirs * 1000:.1f} ms (medians, n={len(pairs)} pairs)")
    print(
        f"throughput ours / bare TRL: median of pairs {statistics.median(ratios):.4f}, 80 % of pairs in {low:.3f} to {high:.3f}"
    )


def _run_in_turns(ours: Any, bare: Any) -> list[Turns]:
    first, second = threading.Semaphore(1), threading.Semaphore(0)
    turns = [Turns(first, second), Turns(second, first)]
    for trainer, turn in zip((ours, bare), turns, strict=True):
        trainer.add_callback(turn)
    threads = [threading.Thread(target=trainer.train) for trainer in (ours, bare)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return turns


def _ours(folder: Path, model: Path, shard: Path, recipe: dict[str, Any]) -> Any:
    from workers import fine_tune
    from workers.context import Context, Spec
    from workers.reporter import Reporter

    inputs = {"model": {"folder": str(model)}, "shards": [str(shard)], "resume_from": None}
    spec = Spec("fine_tune", folder, inputs=inputs, settings=recipe)
    return fine_tune.setup(Context(spec, Reporter(folder / "events-1.jsonl"))).trainer


def _bare(folder: Path, model: Path, shard: Path, recipe: dict[str, Any]) -> Any:
    from tests.bench import bare_trl

    ordered = shard.with_name("ordered.parquet")
    settings = {"model": str(model), "rows": str(ordered), "recipe": recipe, "output": str(folder / "out")}
    return bare_trl.make_trainer(settings, callbacks=[])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=40, help="counted steps")
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--tiny", action="store_true", help="a tiny random model: shows our own overhead at its worst")
    return parser.parse_args()


if __name__ == "__main__":
    main()
