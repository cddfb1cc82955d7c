"""Arrays of text as wholes: joined, written as JSON, hashed, looked at by their first bytes."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from json.encoder import encode_basestring as quoted
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_HEX = 64  # digits of a sha256
_WRITTEN = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))  # the backslash first


def bytes_in(texts: pa.Array) -> tuple[Any, Any]:
    """(UTF-8 of an array of strings, offsets of its n texts in it: n + 1 of them)."""
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if not len(texts) or buffers[2] is None:
        return np.zeros(0, np.uint8), np.zeros(len(texts) + 1, np.int32)
    return np.frombuffer(buffers[2], np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def only_chunk(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without a copy where it is one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def strings(text: str, count: int) -> pa.Array:
    """An array of one text many times."""
    return pa.repeat(pa.scalar(text, pa.string()), count)


def together(*parts: Any) -> pa.Array:
    """Arrays and single texts put together row by row; nothing where a part is nothing."""
    return pc.binary_join_element_wise(*[pa.scalar(p) if isinstance(p, str) else p for p in parts], "")


def in_json(texts: pa.Array) -> pa.Array:
    """The texts as they stand in JSON between their quotes, written as `json.dumps(ensure_ascii=False)` does."""
    data, _offsets = bytes_in(texts)
    if not len(data):
        return texts
    found = np.bincount(data[(data < 32) | (data == 34) | (data == 92)], minlength=93)
    if found[:32].sum() != found[[9, 10, 13]].sum():
        return pa.array([None if text is None else quoted(text)[1:-1] for text in texts.to_pylist()], pa.string())
    for mark, instead in _WRITTEN:
        if found[ord(mark)]:
            texts = pc.replace_substring(texts, mark, instead)
    return texts


def digests(texts: pa.Array) -> pa.Array:
    """The sha256 (hex) of each text's UTF-8."""
    data, offsets = bytes_in(texts)
    held, sha = memoryview(data), hashlib.sha256
    digits = b"".join([sha(held[start:end]).digest() for start, end in pairwise(offsets.tolist())]).hex()
    places = np.arange(0, _HEX * len(texts) + 1, _HEX, dtype=np.int32)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(places), pa.py_buffer(digits.encode()))


def is_said(texts: pa.Array) -> Any:
    """Which texts are there and more than white space, as `str.strip` knows it."""
    data, offsets = bytes_in(texts)
    starts, ends = offsets[:-1], offsets[1:]
    if not len(data):
        return np.zeros(len(texts), bool)
    first = data[np.minimum(starts, len(data) - 1)]
    has_text = (ends > starts) & pc.is_valid(texts).to_numpy(zero_copy_only=False)
    # white space of UTF-8 begins below 33, or with C2, E1, E2 or E3
    is_clear = ((first > 32) & (first < 0xC2)) | (first > 0xE3) | ((first > 0xC2) & (first < 0xE1))
    said = has_text & is_clear
    doubtful = np.flatnonzero(has_text & ~is_clear)
    if len(doubtful):
        said[doubtful] = [bool(text.strip()) for text in texts.take(pa.array(doubtful)).to_pylist()]
    return said
