"""Checkpoints are whole or absent: killed, flipped, full disk, rotated."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.test_reporter import files_at_most
from workers.checkpoints import CheckpointDamaged, Manifest, Store, newest_verified, read_manifest, verify

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import os, sys
from pathlib import Path
from tests.workers.test_checkpoints import header
from workers.checkpoints import Store

store = Store(Path(sys.argv[1]), lambda level, text: None)
step = int(sys.argv[2])
store.sweep()
print("begun", flush=True)
while True:
    step += 1
    def fill(folder: Path) -> None:
        (folder / "training").mkdir()
        for name in ("model.safetensors", "training/optimizer.safetensors"):
            (folder / name).write_bytes(os.urandom(300_000))
    store.save(header(step), fill)
"""


def header(step: int) -> Manifest:
    return Manifest(
        step,
        epoch=1,
        seq=step * 10,
        created_at=1.5,
        config_hash="c",
        versions={"torch": "2"},
        metrics={"eval_loss": 0.1 + 0.2},
        files=[],
    )


def fill_with(text: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / "model.safetensors").write_text(text)
        (folder / "training").mkdir()
        (folder / "training" / "state.json").write_text(text * 2)

    return fill


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, said: list[str]) -> Store:
    return Store(tmp_path / "checkpoints", lambda level, text: said.append(f"{level}: {text}"))


def save(store: Store, *steps: int, best: int | None = None) -> None:
    for step in steps:
        store.save(header(step), fill_with(f"weights of {step}"), best)


def flip_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_save__checkpoint__verifies_and_lists_every_file(store: Store) -> None:
    save(store, 7)
    manifest = verify(store.folder_of(7))
    assert [file["name"] for file in manifest.files] == ["model.safetensors", "training/state.json"]
    assert (manifest.step, manifest.seq, manifest.metrics) == (7, 70, {"eval_loss": 0.1 + 0.2})
    assert manifest == read_manifest(store.folder_of(7))
    assert store.folder_of(7).name == "step-00000007"
    assert oct((store.folder_of(7) / "model.safetensors").stat().st_mode)[-3:] == "644"


def test_rotation__keeps_the_last_two_and_the_best(store: Store) -> None:
    save(store, 1, 2)
    save(store, 3, 4, 5, best=2)
    assert store.steps() == [2, 4, 5]


def test_rotation__damaged_checkpoint__does_not_push_out_a_good_one(store: Store) -> None:
    save(store, 1, 2)
    store.verified.clear()
    flip_bit(store.folder_of(2) / "model.safetensors")
    save(store, 3)
    assert store.steps() == [1, 3]


@pytest.mark.parametrize("name", ["model.safetensors", "training/state.json", "manifest.json"])
def test_newest__flipped_bit__falls_back_and_says_so(store: Store, said: list[str], name: str) -> None:
    save(store, 1, 2)
    flip_bit(store.folder_of(2) / name)
    assert newest_verified(store.root, store.log) == store.folder_of(1)
    assert len(said) == 1 and "step 2 is damaged" in said[0]


def test_verify__manifest_that_says_another_step__is_refused(store: Store) -> None:
    save(store, 1)
    file = store.folder_of(1) / "manifest.json"
    file.write_text(file.read_text().replace('"step": 1,', '"step": 9,'))
    with pytest.raises(CheckpointDamaged, match="manifest has changed"):
        verify(store.folder_of(1))


def test_newest__all_damaged__is_none_and_each_is_named(store: Store, said: list[str]) -> None:
    save(store, 1, 2)
    flip_bit(store.folder_of(1) / "model.safetensors")
    (store.folder_of(2) / "manifest.json").unlink()
    assert newest_verified(store.root, store.log) is None
    assert len(said) == 2


def test_newest__nothing_there__is_none(tmp_path: Path, said: list[str]) -> None:
    assert newest_verified(tmp_path / "nowhere", lambda level, text: said.append(text)) is None
    assert said == []


def test_verify__foreign_file__is_refused(store: Store) -> None:
    save(store, 1)
    (store.folder_of(1) / "rng_state.pth").write_bytes(b"pickle")
    with pytest.raises(CheckpointDamaged, match="rng_state"):
        verify(store.folder_of(1))


def test_save__same_step_again__replaces_a_damaged_one(store: Store) -> None:
    save(store, 1)
    flip_bit(store.folder_of(1) / "model.safetensors")
    save(store, 1)
    verify(store.folder_of(1))
    assert [entry.name for entry in store.root.iterdir()] == ["step-00000001"]


def test_save__disk_full__leaves_the_old_checkpoint_and_nothing_half_written(store: Store) -> None:
    save(store, 1)
    with files_at_most(5_000), pytest.raises(OSError):
        store.save(header(2), fill_with("x" * 10_000))
    assert [entry.name for entry in store.root.iterdir()] == ["step-00000001"]
    verify(store.folder_of(1))


def test_save__too_little_room__is_refused_before_writing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    save(store, 1)
    monkeypatch.setattr("workers.checkpoints.shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(OSError, match="needs"):
        save(store, 2)
    assert store.steps() == [1]


def test_sweep__leftovers__are_removed(store: Store) -> None:
    save(store, 1)
    (store.root / ".tmp-1-2").mkdir()
    (store.root / ".tmp-1-2" / "model.safetensors").write_text("half")
    assert store.sweep() == 1
    assert store.steps() == [1]


def test_save__killed_at_random_moments__newest_always_verifies(tmp_path: Path) -> None:
    root, moments = tmp_path / "checkpoints", random.Random(5)
    last = 0
    for _ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(last)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert writer.stdout is not None and writer.stdout.readline() == b"begun\n"
        time.sleep(moments.uniform(0.01, 0.12))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        damage: list[str] = []
        newest = newest_verified(root, lambda level, text: damage.append(text))  # noqa: B023
        assert damage == []
        reached = 0 if newest is None else int(newest.name.removeprefix("step-"))
        assert reached >= last
        last = reached
    assert last > 0
