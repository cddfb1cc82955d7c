"""Full-text search in a version: through the indexes of its files, or by reading the rows of a small one."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.browsing import metadata, reading
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


class Piece(NamedTuple):
    """A piece of text asked of a column of whole texts, and the rows of each file of which the index thinks that they may hold it."""

    column: str
    text: str
    likely: list[Any]


def piece_of(version: DatasetVersion, column: str, text: str) -> Piece | None:
    """A piece of the first message or last answer. None where the index does not tell few rows, so that texts are to be read through."""
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
    return Piece(column, text, likely)


def saying(
    version: DatasetVersion, pieces: Sequence[Piece], *, within: Any = None, most: int | None = None
) -> tuple[Any, bool]:
    """(rows that hold all the pieces, by their places in all shards, ascending; whether these are all).

    The texts are read from the first shard on, until more than `most` rows are found. `within`: the only rows asked about, ascending.
    """
    begins, changes = metadata.starts(version), metadata.patched(version)
    own, found = _of_patch(version, pieces, within), []
    count = end = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(0, len(version.shards), _THREADS):
            some = range(first, min(first + _THREADS, len(version.shards)))
            asked = [None if within is None else _between(within, begins[n], begins[n + 1]) for n in some]
            for n, numbers in zip(some, pool.map(partial(_held, version, pieces), some, asked), strict=True):
                places = numbers + begins[n]
                found.append(places[~np.isin(places, changes.places)])
                count += len(found[-1])
            end = begins[some[-1] + 1]
            if most is not None and count + np.searchsorted(own, end) > most:
                break
    reading.give_back()
    return np.sort(np.concatenate([*found, own[own < end]])), end == begins[-1]


def _of_patch(version: DatasetVersion, pieces: Sequence[Piece], within: Any) -> Any:
    """The rows of a patch that hold the pieces, by the places of the rows that they replace."""
    changes = metadata.patched(version)
    if not version.patch:
        return changes.places
    numbers = _held(version, pieces, len(version.shards), None)
    places = changes.places[numbers[~changes.gone[numbers]]]
    return places if within is None else places[np.isin(places, within)]


def _held(version: DatasetVersion, pieces: Sequence[Piece], file: int, within: Any) -> Any:
    """The numbers of the rows of one file that hold all pieces and are among `within`."""
    path, found = metadata.column_paths(version)[file], within
    for piece in pieces:
        likely = piece.likely[file] if found is None else np.intersect1d(piece.likely[file], found)
        held = holding(path, piece.column, piece.text, likely)
        found = held if found is None else np.intersect1d(held, found)
    return found


def _between(places: Any, begin: int, end: int) -> Any:
    """Places from `begin` on and before `end`, counted from there."""
    return places[np.searchsorted(places, begin) : np.searchsorted(places, end)] - begin


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
