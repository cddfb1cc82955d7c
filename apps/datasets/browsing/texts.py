"""Full-text search in a version: through the indexes of its files, or by reading the rows of a small one."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing import metadata
from apps.datasets.browsing.tables import SECONDS
from apps.datasets.models import DatasetVersion
from workers.browse_needle import condition_of, holding
from workers.browse_text import Hits, TextIndex, Words, matching
from workers.formats.forms import TALKS
from workers.formats.stored import Stored

_READ = ["messages", "content", "row_id", "source_line"]

_LIKELY_SHARE = 0.02  # of the rows; where the index finds more, to read all texts in one go is faster
_FEWEST_LIKELY = 100
_THREADS = 2


def find(version: DatasetVersion, words: Words, *, most: int) -> Hits:
    """How many rows of a version say the words, and the places in the version of the first `most`, ascending."""
    if not words.words:
        return Hits(0, np.zeros(0, np.int64))
    if metadata.is_small(version):
        return _read_through(version, words, most)
    if version.patch:
        return _with_patch(version, words, most)
    deadline, count, found = time.monotonic() + SECONDS, 0, []
    for path, begin in zip(metadata.text_paths(version), metadata.starts(version), strict=False):
        hits = index_at(str(path)).find(words, min(max(most - count, 0), version.row_count))
        found.append(hits.numbers + begin)
        count += hits.total
        _hurry(deadline)
    return Hits(count, np.concatenate(found)[:most])


def _with_patch(version: DatasetVersion, words: Words, most: int) -> Hits:
    """What the patch replaces is left out of the shards' hits, and its own hits come in."""
    deadline, found = time.monotonic() + SECONDS, []
    changes = metadata.patched(version)
    *shards, patch = metadata.text_paths(version)
    for path, begin in zip(shards, metadata.starts(version), strict=False):
        base = index_at(str(path)).find(words, version.row_count + len(changes.places)).numbers + begin
        found.append(base[~np.isin(base, changes.places)])
        _hurry(deadline)
    numbers = index_at(str(patch)).find(words, len(changes.places)).numbers
    found.append(changes.places[numbers[~changes.gone[numbers]]])
    places = np.sort(metadata.as_places(version, np.concatenate(found)))
    return Hits(len(places), places[:most])


def containing(version: DatasetVersion, column: str, text: str) -> Any:
    """The rows whose first message or last answer contains a text, by their places in all shards, ascending. None where the index does
    not tell few rows, so that the texts are to be read through."""
    condition = None if metadata.is_small(version) or version.form not in TALKS else condition_of(text)
    if condition is None:
        return None
    left, likely = max(int(version.row_count * _LIKELY_SHARE), _FEWEST_LIKELY), []
    for path in metadata.text_paths(version):
        numbers = index_at(str(path)).likely(condition, left)
        if numbers is None:
            return None
        left -= len(numbers)
        likely.append(numbers)
    with ThreadPoolExecutor(_THREADS) as pool:
        paths = metadata.column_paths(version)
        held = list(pool.map(lambda path, rows: holding(path, column, text, rows), paths, likely))
    return _in_all_shards(version, held)


def _in_all_shards(version: DatasetVersion, held: list[Any]) -> Any:
    """Places in all shards of rows that are given by their numbers in each file; those that a patch replaces or takes out are left out."""
    shards = len(version.shards)
    found = np.concatenate([rows + begin for rows, begin in zip(held[:shards], metadata.starts(version), strict=False)])
    if not version.patch:
        return found
    changes = metadata.patched(version)
    own = held[shards]
    kept = [found[~np.isin(found, changes.places)], changes.places[own[~changes.gone[own]]]]
    return np.sort(np.concatenate(kept))


def _read_through(version: DatasetVersion, words: Words, most: int) -> Hits:
    groups = Stored(version.shard_paths()).groups(columns=_READ)
    found = [first + place for first, group in groups for place in matching(group, words)]
    return Hits(len(found), np.asarray(found[:most], np.int64))


@lru_cache(maxsize=256)
def index_at(path: str) -> Any:
    """The index in a folder, kept open: its files are mapped, not read."""
    return TextIndex(Path(path))


def _hurry(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Problem(_("This search took too long."), hint=_("Search for rarer words."), field="q", code="too_slow")
