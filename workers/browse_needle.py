"""Which rows hold a piece of text exactly as it stands, through the full-text index of their file, without a look at every text.

A text that holds the piece holds its words in their order, whole but for the first and the last, which may go on where the piece begins or
ends with a letter or a digit. The index tells the rows of which that is true in any case of letters; their texts are then read. A row whose
texts are so long that a word of them may be missing in the index is always read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tantivy

from workers.browse_text import MOST_WORDS, query_of_pattern, query_of_patterns, query_of_words, words_of

# Characters of a row: the index leaves out words of more than 65,530 bytes, and a character has at most 4.
LONG = 16_000
_MOST_LETTERS = 40  # of a word that may go on: an automaton grows with its letters
# With fewer letters a word that may go on stands for so many words that their places take long to compare.
_FEW_ENDINGS = 3


def condition_of(text: str) -> Any:
    """What the index is asked for a piece of text: true of every row with it but the long ones. None where it has no letter, no digit."""
    words = words_of(text)
    if not words:
        return None
    before, after = words_of(f"a{text}")[0] != "a", words_of(f"{text}a")[-1] != "a"
    if len(words) == 1 and (before or after):
        return query_of_pattern(_going_on(words[0], before, after))
    first, last = _going_on(words[0], before, False), _going_on(words[-1], False, after)
    whole = words[before : len(words) - after]
    if whole == words:
        return query_of_words(words[:MOST_WORDS])
    ends = [end for end, is_open in ((words[0], before), (words[-1], after)) if is_open]
    if min(map(len, ends)) >= _FEW_ENDINGS and len(words) <= MOST_WORDS:
        return query_of_patterns([first, *words[1:-1], last])
    asked = [query_of_words(whole[:MOST_WORDS])] if whole else []
    asked += [query_of_pattern(end) for end, is_open in ((first, before), (last, after)) if is_open]
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in asked])


def _going_on(word: str, before: bool, after: bool) -> str:
    """The pattern of words that go on before or after these letters, which are no signs of a pattern."""
    kept = word if not (before or after) else word[:_MOST_LETTERS] if after else word[-_MOST_LETTERS:]
    return f"{'.*' if before else ''}{kept}{'.*' if after else ''}"


def holding(path: Path, column: str, text: str, likely: Any) -> Any:
    """The numbers of the rows, among likely ones and all long ones, whose text in `column` of a file of small columns holds the piece."""
    found = [np.zeros(0, np.int64)]
    with pq.ParquetFile(path, memory_map=False) as file:
        place_of_size = file.schema_arrow.names.index("characters")
        first = 0
        for group in range(file.metadata.num_row_groups):
            told = file.metadata.row_group(group)
            inside = likely[(likely >= first) & (likely < first + told.num_rows)] - first
            size = told.column(place_of_size).statistics
            if size is None or not size.has_min_max or size.max > LONG:
                sizes = file.read_row_group(group, columns=["characters"], use_threads=False).column(0).to_numpy()
                inside = np.union1d(inside, np.flatnonzero(sizes > LONG))
            if len(inside):
                texts = file.read_row_group(group, columns=[column], use_threads=False).column(0)
                found.append(inside[_contain(texts, inside, text)] + first)
            first += told.num_rows
    return np.concatenate(found)


def _contain(texts: pa.ChunkedArray, inside: Any, text: str) -> Any:
    whole = np.ascontiguousarray(inside, np.int64)
    numbers = pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])  # pa.array would import pandas
    held = pc.fill_null(pc.match_substring(texts.take(numbers), text), False)
    return held.to_numpy().astype(bool)
