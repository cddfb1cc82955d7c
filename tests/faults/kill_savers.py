"""Kills a program while it saves checkpoints, again and again, and looks whether the newest one is whole each time.

python -m tests.faults.kill_savers FOLDER ROUNDS SEED       exit code 1 when a checkpoint was lost or could not be read
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from tests.faults.fake_trainer import FIRST, main, next_state
from workers.checkpoints import Store
from workers.context import Context, Spec
from workers.reporter import Reporter


def save_for_ever(folder: Path, epoch: int) -> None:
    orders = {"steps": 10**9, "step_s": 0, "checkpoint_every": 1, "checkpoint_bytes": 1_000_000}
    spec = Spec(program="fake", folder=folder, epoch=epoch, settings=orders)
    main(Context(spec, Reporter(folder / f"events-{epoch}.jsonl")))


def state_after(steps: int) -> int:
    state = FIRST
    for _step in range(steps):
        state = next_state(state)
    return state


def run(folder: Path, rounds: int, seed: int) -> int:
    moments, newest, leftovers = random.Random(seed), 0, 0
    for number in range(1, rounds + 1):
        child = os.fork()
        if child == 0:
            save_for_ever(folder, number)
        time.sleep(moments.uniform(0.02, 0.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        leftovers += len(list((folder / "checkpoints").glob(".tmp-*")))
        store = Store(folder / "checkpoints", lambda _level, text: print(text))
        step = store.newest_sound() or 0
        whole = step == max(store.steps(), default=0) and step >= newest
        if step:
            state = json.loads((store.folder_of(step) / "state.json").read_text())["state"]
            whole = whole and state == state_after(step)
        if not whole:
            print(f"round {number}: newest {step}, there are {store.steps()}, before {newest}")
            return 1
        newest = step
    print(f"{rounds} kills, {newest} checkpoints, {leftovers} half-written ones found, 0 unreadable")
    return 0 if newest > rounds // 4 else 1  # it did save between the kills


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
