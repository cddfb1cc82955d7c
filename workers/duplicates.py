"""Texts that say the same: exactly, nearly (shingles in common), or in meaning. Pure; groups are lists of places, the first first.

Near duplicates: Broder 1997 (resemblance of shingle sets), MinHash signatures of 128 permutations (by rensa), banded into buckets
(Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4). Every pair that shares a bucket is compared exactly, by the
Jaccard index of its shingles, so that what is found is right; what is missed is what shares no bucket.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import unicodedata
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import numpy as np

METHODS = ("duplicates", "near_duplicates", "semantic_duplicates")  # steps that find groups
OUTPUT, FILE = "groups", "groups.parquet"  # where a program leaves the groups for review
GROUPS_READ = 1_000  # groups of a row group: what a page reads at once
PERMUTATIONS = 128
WORDS = 5  # of a shingle
CHARACTERS = 5  # of a shingle of a script without spaces
SURE = 0.997  # how likely a pair that is just alike enough is to share a bucket
SMALL_BUCKET = 24  # rows of a bucket that are all compared with each other; of a larger one each with the first ones
_SIGN_ROWS = 1_000  # rows signed at once
_CACHED_WORDS = 500_000
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\U00020000-\U0003ffff]")
_PRIMES = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)
Watch = Callable[[int, int], None]
Same = Callable[[int, int], bool]


def plain(text: str) -> str:
    """The text as it is compared: compatibility forms, case and white space made one (NFKC, case folded)."""
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


class Shingles:
    """Turns texts into sets of shingles: hashes (uint64, ascending) of each 5 words in a row; of 5 characters where a third of the
    letters are of a script without spaces, or where `unit` is "characters". A shorter text is one shingle."""

    def __init__(self, unit: str = "auto", size: int = 0) -> None:
        self._unit, self._size = unit, size
        self._words: dict[str, int] = {}

    def of(self, text: str) -> Any:
        """The shingles of a text; none for one without words."""
        text = plain(text)
        words = _WORD.findall(text)
        joined = " ".join(words)
        if self._unit == "characters" or (self._unit == "auto" and 3 * len(_UNSPACED.findall(joined)) > len(joined)):
            codes = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.uint64)
            return _windows(codes, self._size or CHARACTERS)
        return _windows(np.fromiter(map(self._hash, words), np.uint64, len(words)), self._size or WORDS)

    def _hash(self, word: str) -> int:
        found = self._words.get(word)
        if found is None:
            if len(self._words) >= _CACHED_WORDS:
                self._words.clear()
            raw = word.encode()
            found = self._words[word] = zlib.crc32(raw) << 32 | zlib.adler32(raw[::-1])
        return found


def _windows(codes: Any, size: int) -> Any:
    """The set of hashes of each `size` codes in a row."""
    if not len(codes):
        return np.zeros(0, np.uint64)
    size = min(size, len(codes))
    count = len(codes) - size + 1
    total = np.full(count, size, np.uint64)
    for step in range(size):
        total = _mixed(total * _PRIMES[0] + codes[step : step + count])
    return np.unique(total)


def _mixed(values: Any) -> Any:
    """A bijection of 64 bits that spreads them (the end of SplitMix64, Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _PRIMES[1]
    values = (values ^ (values >> np.uint64(27))) * _PRIMES[2]
    return values ^ (values >> np.uint64(31))


def jaccard(one: Any, other: Any) -> float:
    """The shingles in common among all of two sets; 1 for two empty ones."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    every = len(one) + len(other) - common
    return common / every if every else 1.0


def bands_for(threshold: float, permutations: int = PERMUTATIONS) -> tuple[int, int]:
    """(bands, rows of each) with the longest bands by which a pair of Jaccard index `threshold` still shares one as good as surely."""
    for rows in range(permutations // 4, 0, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= SURE:
            return bands, rows
    return permutations, 1


class Groups:
    """Places that belong together (union-find). The first place stands for its group."""

    def __init__(self, count: int) -> None:
        self._parent = array("Q", range(count)) if count else array("Q")

    def root(self, place: int) -> int:
        """The first place of the group of `place`."""
        parent = self._parent
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    def join(self, one: int, other: int) -> None:
        """Make one group of two."""
        one, other = self.root(one), self.root(other)
        if one != other:
            self._parent[max(one, other)] = min(one, other)

    def groups(self) -> list[list[int]]:
        """The groups of more than one, in the order of their first places."""
        found: dict[int, list[int]] = {}
        roots = np.fromiter((self.root(place) for place in range(len(self._parent))), np.int64, len(self._parent))
        values, counts = np.unique(roots, return_counts=True)
        wanted = set(values[counts > 1].tolist())
        for place in np.flatnonzero(np.isin(roots, list(wanted))).tolist():
            found.setdefault(int(roots[place]), []).append(place)
        return [found[root] for root in sorted(found)]


class NearDuplicates:
    """Takes texts one by one and finds those whose shingles have a Jaccard index of at least `threshold`.

    Memory for each text: 4 bytes a band (84 at 0.8) and 32 more; its shingles lie in a file without a name that goes with the process.
    """

    def __init__(self, threshold: float = 0.8, *, unit: str = "auto", size: int = 0, seed: int = 42) -> None:
        self.threshold, self._seed, self._shingles = threshold, seed, Shingles(unit, size)
        self.bands, self._rows = bands_for(threshold)
        self._waiting: list[Any] = []
        self._keys = array("I")  # the bucket in each band, for each text
        self._whole = array("Q")  # a hash of all shingles: equal sets need no comparison
        self._ends = array("Q", [0])
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this)
        self.compared = 0

    def __len__(self) -> int:
        return len(self._whole)

    def add(self, text: str) -> None:
        """Take the next text."""
        found = self._shingles.of(text)
        self._whole.append(int.from_bytes(hashlib.blake2b(found.tobytes(), digest_size=8).digest(), "big"))
        self._ends.append(self._ends[-1] + len(found))
        self._file.write(found.tobytes())
        self._waiting.append(found)
        if len(self._waiting) >= _SIGN_ROWS:
            self._sign()

    def _sign(self) -> None:
        from rensa import RMinHash  # type: ignore[import-untyped]

        if not self._waiting:
            return
        ends = np.cumsum([0, *map(len, self._waiting)]).astype(np.uint64)
        flat = np.concatenate(self._waiting)
        digests = np.array(
            RMinHash.digest_matrix_from_flat_token_hashes(flat, ends, PERMUTATIONS, self._seed).to_rows(), np.uint32
        )
        used = digests[:, : self.bands * self._rows].reshape(len(self._waiting), self.bands, self._rows)
        total = np.zeros(used.shape[:2], np.uint64)
        for row in range(self._rows):
            total = _mixed(total * _PRIMES[3] + used[:, :, row].astype(np.uint64) + _PRIMES[4])
        self._keys.frombytes((total >> np.uint64(32)).astype(np.uint32).tobytes())
        self._waiting = []

    def groups(self, watch: Watch = lambda done, total: None) -> list[list[int]]:
        """The groups of near duplicates: connected by pairs that are alike enough. `watch` is called between bands."""
        self._sign()
        found = Groups(len(self))
        if not len(self):
            return []
        self._file.flush()
        self._read = np.memmap(self._file, np.uint64, "r") if self._ends[-1] else np.zeros(0, np.uint64)
        first = self._join_equal(found)
        keys = np.frombuffer(self._keys, np.uint32).reshape(len(self), self.bands)
        for band in range(self.bands):
            watch(band, self.bands)
            for bucket in _buckets(keys[first, band], first):
                self._join_alike(bucket, found)
        watch(self.bands, self.bands)
        return found.groups()

    def _join_equal(self, found: Groups) -> Any:
        """Join texts of equal shingles; texts without any are like nothing. Returns the first of each kind, ascending."""
        whole = np.frombuffer(self._whole, np.uint64)
        _kinds, first, kind = np.unique(whole, return_index=True, return_inverse=True)
        sizes = np.diff(np.frombuffer(self._ends, np.uint64).astype(np.int64))
        for place in np.flatnonzero((first[kind] != np.arange(len(whole))) & (sizes > 0)).tolist():
            found.join(int(first[kind[place]]), place)
        firsts = np.sort(first)
        return firsts[sizes[firsts] > 0]

    def _join_alike(self, bucket: list[int], found: Groups) -> None:
        if len(bucket) <= SMALL_BUCKET:
            pairs = ((one, other) for number, one in enumerate(bucket) for other in bucket[number + 1 :])
        else:
            lead = bucket[: SMALL_BUCKET // 4]
            pairs = ((one, other) for number, other in enumerate(bucket) for one in lead[:number])
        for one, other in pairs:
            if found.root(one) != found.root(other) and self.similarity(one, other) >= self.threshold:
                found.join(one, other)

    def similarity(self, one: int, other: int) -> float:
        """The Jaccard index of two texts that were added; 0 where their sizes alone say that it is below the threshold."""
        sets = [self._read[self._ends[place] : self._ends[place + 1]] for place in (one, other)]
        short, long = sorted(map(len, sets))
        if short < self.threshold * long:
            return 0.0
        self.compared += 1
        return jaccard(*sets)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _buckets(keys: Any, places: Any) -> Iterator[list[int]]:
    """The places that share a key, ascending; only buckets of more than one."""
    order = np.argsort(keys, kind="stable")
    _values, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
    for start, count in zip(starts[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        yield places[order[start : start + count]].tolist()


def semantic_groups(
    vectors: Any, threshold: float = 0.95, *, block: int = 1_024, watch: Watch = lambda done, total: None
) -> list[list[int]]:
    """Groups of unit vectors (n, width) connected by a cosine of at least `threshold`: products of blocks, n * n / 2 in all."""
    found, count = Groups(len(vectors)), len(vectors)
    for low in range(0, count, block):
        watch(low, count)
        rows = np.asarray(vectors[low : low + block], np.float32)
        for start in range(low, count, block):
            products = rows @ np.asarray(vectors[start : start + block], np.float32).T
            ones, others = np.nonzero(products >= threshold)
            for one, other in zip((ones + low).tolist(), (others + start).tolist(), strict=True):
                if one < other:
                    found.join(one, other)
    watch(count, count)
    return found.groups()


def first_of_each(keys: Any, *, held: int = 4_000_000) -> Any:
    """For each of the `keys` (uint64), whether it is the first of its kind. In rounds, so that at most `held` are sorted at once."""
    keys = np.asarray(keys, np.uint64)
    is_first, rounds = np.zeros(len(keys), bool), 1 + len(keys) // held
    for number in range(rounds):
        places = np.flatnonzero(keys % np.uint64(rounds) == number)
        is_first[places[np.unique(keys[places], return_index=True)[1]]] = True
    return is_first


def equal_groups(keys: Sequence[int] | Any) -> list[list[int]]:
    """The places that share a key (uint64), for keys that occur more than once, in the order of their first places."""
    return sorted(_buckets(np.asarray(keys, np.uint64), np.arange(len(keys))), key=lambda bucket: bucket[0])
