"""From a job's folder to the shared storage, so that every worker and later stage can read a checkpoint."""

import os
import shutil
import tempfile
from pathlib import Path

from django.conf import settings

from apps.core.storage import storage
from apps.training.models import Checkpoint
from workers import checkpoints
from workers.checkpoints import CheckpointDamaged

HASH_UP_TO = 1_000_000_000  # bytes of a checkpoint that are read whole here, where a lease or a person waits


def check_files(folder: Path) -> None:
    """Compare a checkpoint with its manifest: every byte of a small one, names and sizes of a large one (the trainer reads
    every byte after writing and before resuming). Raises CheckpointDamaged."""
    manifest = checkpoints.read_manifest(folder)
    if manifest.bytes <= HASH_UP_TO:
        checkpoints.verify(folder)
    for file in manifest.files:
        path = folder / file["name"]
        if not path.is_file() or path.stat().st_size != file["size"]:
            raise CheckpointDamaged(f"{file['name']} is missing or cut off")


def publish(checkpoint: Checkpoint) -> str:
    """Bring a finished checkpoint into the storage and return its key. The job keeps its own copy, a hard link to the same bytes.

    Safe to repeat: what an attempt that was cut off has published is replaced. Nobody reads it before the run has ended well.
    """
    place, key = storage(), key_of(checkpoint)
    place.delete(key)
    with tempfile.TemporaryDirectory(dir=settings.TUNELOOP_DATA / "tmp") as scratch:
        draft = Path(scratch) / "checkpoint"
        shutil.copytree(checkpoint.run.job.folder / checkpoint.name, draft, copy_function=_link)
        place.keep(draft, key)
    return key


def key_of(checkpoint: Checkpoint) -> str:
    return f"checkpoints/{checkpoint.run_id}/step-{checkpoint.step:08d}"


def _link(source: str, target: str) -> None:
    """A second name for the same bytes; a copy where the disk is another one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
