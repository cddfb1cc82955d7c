"""Checkpoints that are whole or absent.

Written to a temporary folder, each file on disk before `manifest.json`, which comes last and names every file with its size and
SHA-256; then one rename. safetensors does not notice flipped bits, so a checkpoint counts only when its manifest verifies. No torch.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FORMAT = 1
ROOM = 1.2  # free space needed, as a multiple of the last checkpoint
NAME = re.compile(r"step-(\d{8,})")
Log = Callable[[str, str], None]


class CheckpointDamaged(Exception):
    """A checkpoint that must not be used, and why."""


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint says of itself."""

    step: int
    epoch: int  # the attempt that wrote it
    seq: int  # the last event before it
    created_at: float
    config_hash: str
    versions: Mapping[str, str]
    metrics: Mapping[str, float]
    files: list[dict[str, Any]]  # name, size, sha256
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        return sum(int(file["size"]) for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Plain data with its own SHA-256 under `digest`."""
        body = asdict(self)
        return body | {"digest": _digest_of(body)}


@dataclass
class Store:
    """The checkpoints of one job."""

    root: Path
    log: Log
    keep_last: int = 2
    verified: dict[int, Manifest] = field(default_factory=dict)  # steps known to be good

    def sweep(self) -> int:
        """Remove what earlier attempts left half-written. Returns how many folders."""
        self.root.mkdir(parents=True, exist_ok=True)
        leftovers = list(self.root.glob(".tmp-*"))
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        return len(leftovers)

    def save(self, header: Manifest, fill: Callable[[Path], None], best_step: int | None = None) -> Manifest:
        """Write a checkpoint: `fill` puts the files into the folder it is given. Verifies it, then removes what is not kept.

        `header` is a manifest without files. Raises OSError when the disk is full; nothing half-written stays.
        """
        self._require_room()
        temporary = self.root / f".tmp-{header.epoch}-{header.step}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            fill(temporary)
            manifest = _seal(temporary, header)
            self._put_in_place(temporary, header.step)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self.verified[header.step] = verify(self.folder_of(header.step))
        self._rotate(best_step)
        return manifest

    def folder_of(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.root / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """The steps that have a folder, sound or not, in order."""
        if not self.root.is_dir():
            return []
        return sorted(int(found[1]) for entry in self.root.iterdir() if (found := NAME.fullmatch(entry.name)))

    def is_sound(self, step: int) -> bool:
        """Whether the checkpoint of a step verifies; looked up once."""
        if step not in self.verified:
            try:
                self.verified[step] = verify(self.folder_of(step))
            except CheckpointDamaged as damage:
                self.log("error", f"The checkpoint of step {step} is damaged and is not used: {damage}.")
                return False
        return True

    def newest_sound(self) -> int | None:
        """The newest step whose checkpoint verifies; damaged ones are reported on the way down."""
        return next((step for step in reversed(self.steps()) if self.is_sound(step)), None)

    def _require_room(self) -> None:
        newest = max(self.verified, default=None)
        if newest is None:
            return
        needed = int(self.verified[newest].bytes * ROOM)
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise OSError(errno.ENOSPC, f"A checkpoint needs {needed} bytes; {free} are free")

    def _put_in_place(self, temporary: Path, step: int) -> None:
        target = self.folder_of(step)
        if target.exists():  # a damaged or abandoned one of the same step
            target.rename(self.root / f".tmp-old-{step}-{time.time_ns()}")
        temporary.rename(target)
        to_disk(self.root)

    def _rotate(self, best_step: int | None) -> None:
        """Keep the newest `keep_last` good ones and the best. Damaged ones do not count as kept, and go."""
        sound = [step for step in self.steps() if self.is_sound(step)]
        kept = set(sound[-self.keep_last :]) | {best_step}
        for step in self.steps():
            if step not in kept:
                doomed = self.root / f".tmp-gone-{step}"
                self.folder_of(step).rename(doomed)  # gone at once for every reader
                shutil.rmtree(doomed, ignore_errors=True)
                self.verified.pop(step, None)
        self.sweep()


def verify(folder: Path) -> Manifest:
    """The manifest of a checkpoint after comparing every file with it. Raises CheckpointDamaged."""
    manifest = read_manifest(folder)
    listed = {file["name"] for file in manifest.files}
    present = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} - {MANIFEST}
    if listed != present:
        odd = ", ".join(sorted(listed ^ present)[:3])
        raise CheckpointDamaged(f"its files are not those of its manifest ({odd})")
    for entry in manifest.files:
        file = folder / entry["name"]
        if file.stat().st_size != entry["size"] or sha256_of(file) != entry["sha256"]:
            raise CheckpointDamaged(f"{entry['name']} has changed since it was written")
    return manifest


def newest_verified(root: Path, log: Log) -> Path | None:
    """The newest good checkpoint under `root`, falling back over damaged ones (which are logged); None when there is none."""
    store = Store(root, log)
    step = store.newest_sound()
    return None if step is None else store.folder_of(step)


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone, with its own digest checked. Raises CheckpointDamaged."""
    try:
        body = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        digest = body.pop("digest")
        manifest = Manifest(**body)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise CheckpointDamaged("its manifest is missing or unreadable") from exc
    if manifest.format != FORMAT or digest != _digest_of(body):
        raise CheckpointDamaged("its manifest has changed since it was written")
    return manifest


def sha256_of(file: Path) -> str:
    """Hex SHA-256 of a file's content."""
    with open(file, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def to_disk(path: Path) -> None:
    """fsync a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seal(folder: Path, header: Manifest) -> Manifest:
    """Bring every file to disk, then write the manifest that names them."""
    files = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        file.chmod(0o644)  # safetensors leaves 0600
        to_disk(file)
        files.append({"name": str(file.relative_to(folder)), "size": file.stat().st_size, "sha256": sha256_of(file)})
    manifest = Manifest(**(asdict(header) | {"files": files}))
    (folder / MANIFEST).write_text(json.dumps(manifest.as_dict(), indent=1), encoding="utf-8")
    to_disk(folder / MANIFEST)
    for inner in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        to_disk(inner)
    return manifest


def _digest_of(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
