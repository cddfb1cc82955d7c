"""Raw files without a row: their process died between the move into storage and the commit, so nobody will ever ask for them."""

import logging
from datetime import datetime
from typing import Any

from apps.core.storage import Storage, storage
from apps.datasets.models import Upload

log = logging.getLogger(__name__)
AFTER = 24 * 3600  # seconds: no transaction lasts so long, so what has no row then will never have one
_MOMENTS = (
    "mtime",
    "created",
    "LastModified",
)  # a rename leaves mtime as it was, but not the local "created" (st_ctime)


def clear(*, now: float) -> list[str]:
    """Delete raw files that have no row and are older than a day at `now` (seconds); their keys."""
    store = storage()
    old = [key for key, touched in _raw_files(store) if touched is not None and touched < now - AFTER]
    gone = sorted(set(old) - _known(old))
    for key in gone:
        store.delete(key)
        log.warning("%s had no upload and is gone", key)
    return gone


def _known(keys: list[str]) -> set[str]:
    """Which of them belong to an upload. It is asked after the files were listed: a row that came meanwhile counts."""
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        found.update(Upload.objects.filter(key__in=keys[start : start + 500]).values_list("key", flat=True))
    return found


def _raw_files(store: Storage) -> list[tuple[str, float | None]]:
    """(key, when it was last written or moved) of every raw file; None where the storage does not tell."""
    found = []
    for dataset in _listed(store, "datasets"):
        folder = f"datasets/{_name(dataset)}/raw"
        found += [(f"{folder}/{_name(one)}", _touched(one)) for one in _listed(store, folder) if one["type"] == "file"]
    return found


def _listed(store: Storage, key: str) -> list[dict[str, Any]]:
    try:
        listed: list[dict[str, Any]] = store.fs.ls(store.path(key), detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return listed


def _name(info: dict[str, Any]) -> str:
    return str(info["name"]).rstrip("/").rsplit("/", 1)[-1]


def _touched(info: dict[str, Any]) -> float | None:
    told = [info[name] for name in _MOMENTS if info.get(name) is not None]
    return max((one.timestamp() if isinstance(one, datetime) else float(one) for one in told), default=None)
