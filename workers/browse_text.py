"""Full-text search: which rows say these words next to one another, through an index for each file, or by reading the rows.

A text is a row of words: letters and digits that stand together, in lower case; a Chinese or Japanese character is a word of its own, so
words of two characters are found as two that follow one another. A question asks for its words in this order; a star after its last word
asks for what begins so. The index and the reading give the same rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tantivy

from workers.formats.forms import texts_of
from workers.formats.stored import as_row

MOST_WORDS = 40
MOST_ENDINGS = 200  # words that a star may stand for
_HEAP_BYTES = 128_000_000
_FIELD = "text"
_ANALYZER = "rows"
_CJK = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af])")
_READ = ["messages", "content", "row_id", "source_line", "extra", "split", "key"]


class Words(NamedTuple):
    """What is asked for. `is_open`: the last word may go on."""

    words: tuple[str, ...]
    is_open: bool


class Hits(NamedTuple):
    """Rows of one file that were found: how many, and the places in the index of the first of them, ascending."""

    total: int
    numbers: Any


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()


@lru_cache(maxsize=1)
def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(_FIELD, stored=False, tokenizer_name=_ANALYZER, index_option="position")
    return builder.build()


def words_of(text: str) -> list[str]:
    """The words of a text, as they are indexed."""
    found: list[str] = _analyzer().analyze(_spaced(text))
    return found


def asked(text: str) -> Words:
    """The words that a question asks for; none where it has no letter and no digit."""
    words = words_of(text)[:MOST_WORDS]
    return Words(tuple(words), bool(words) and text.rstrip().endswith("*"))


def _spaced(text: str) -> str:
    return text if text.isascii() else _CJK.sub(r" \1 ", text)


def query_of_words(words: Sequence[str]) -> Any:
    """What finds the rows that say these words, whole and next to one another."""
    if len(words) == 1:
        return tantivy.Query.term_query(_schema(), _FIELD, words[0])
    return tantivy.Query.phrase_query(_schema(), _FIELD, list(words))


def query_of_pattern(pattern: str) -> Any:
    """What finds the rows with a word that a pattern describes to its ends."""
    return tantivy.Query.regex_query(_schema(), _FIELD, pattern)


def query_of_patterns(patterns: Sequence[str]) -> Any:
    """What finds the rows with words next to one another that patterns describe, one each."""
    return tantivy.Query.regex_phrase_query(_schema(), _FIELD, list(patterns))


def texts_of_rows(rows: pa.Table) -> Iterator[list[str]]:
    """Every text of each row that is searched: its messages and its content, spans or not."""
    for row in rows.to_pylist():
        found = texts_of(as_row({"extra": None, "split": None, "key": None, **row}))
        content = json.loads(row["content"]) if row.get("content") else {}
        if "spans" in content:
            found.append(content["text"])
        if isinstance(content.get("label"), str):
            found.append(content["label"])
        yield found


def build(path: Path, folder: Path, watch: Any = lambda rows: None) -> int:
    """Write the index of a file of a version into `folder` and return its rows; row n of the file is document n of its one segment.
    `watch` is told the rows done."""
    folder.mkdir(parents=True)
    index = tantivy.Index(_schema(), str(folder), reuse=False)
    index.register_tokenizer(_ANALYZER, _analyzer())
    writer, done = index.writer(heap_size=_HEAP_BYTES, num_threads=1), 0
    with pq.ParquetFile(path, memory_map=False) as file:
        there = set(file.schema_arrow.names)
        for batch in file.iter_batches(2_000, columns=[name for name in _READ if name in there], use_threads=False):
            for texts in texts_of_rows(pa.Table.from_batches([batch])):
                document = tantivy.Document()
                for text in texts:
                    document.add_text(_FIELD, _spaced(text))
                writer.add_document(document)
            done += batch.num_rows
            watch(done)
    writer.commit()
    writer.wait_merging_threads()
    for lock in folder.glob("*.lock"):
        lock.unlink()
    return done


class TextIndex:
    """The index of one file, open for questions."""

    def __init__(self, folder: Path) -> None:
        self._searcher = tantivy.Index.open(str(folder)).searcher()
        segments = max(self._searcher.num_segments, 1)
        self._starts = [0] * segments if segments == 1 else self._segment_starts(segments)

    def _segment_starts(self, segments: int) -> list[int]:
        raise ValueError(f"an index of a file has one segment, not {segments}")

    def find(self, words: Words, limit: int) -> Hits:
        """How many rows say the words, and the first `limit` of their places."""
        query = self._query(words)
        if query is None:
            return Hits(0, np.zeros(0, np.int64))
        found = self._searcher.search(tantivy.Query.const_score_query(query, 1.0), limit=max(limit, 1), count=True)
        hits = found.hits if limit else []
        numbers = np.fromiter((address.doc for _score, address in hits), np.int64, len(hits))
        return Hits(int(found.count or 0), np.sort(numbers))  # type: ignore[attr-defined]  # missing in its stub

    def likely(self, query: Any, most: int) -> Any:
        """The places of the rows that a query finds, ascending, or None when they are more than `most`."""
        try:
            found = self._searcher.search(tantivy.Query.const_score_query(query, 1.0), limit=most + 1, count=True)
        except ValueError:  # a pattern within a phrase stands for more than 16,384 words
            return None
        if int(found.count or 0) > most:  # type: ignore[attr-defined]  # missing in its stub
            return None
        return np.sort(np.fromiter((address.doc for _score, address in found.hits), np.int64, len(found.hits)))

    def _query(self, words: Words) -> Any:
        *before, last = words.words
        endings = [last]
        if words.is_open:
            endings = [word for word, _rows in self._searcher.terms_with_prefix(_FIELD, last, limit=MOST_ENDINGS)]
        if not endings:
            return None
        if not before:
            return tantivy.Query.term_set_query(_schema(), _FIELD, endings)
        phrases = [tantivy.Query.phrase_query(_schema(), _FIELD, [*before, word]) for word in endings]
        return phrases[0] if len(phrases) == 1 else tantivy.Query.disjunction_max_query(phrases)


def matching(rows: pa.Table, words: Words) -> list[int]:
    """The places in a table of stored rows of those that say the words: the same that an index finds."""
    likely = _likely(rows, words)
    texts = texts_of_rows(rows.take(pa.array(likely, pa.int64())))
    return [place for place, said in zip(likely, texts, strict=True) if any(says(text, words) for text in said)]


def says(text: str, words: Words) -> bool:
    """Whether a text says the words next to one another."""
    spoken, count = words_of(text), len(words.words)
    for start in range(len(spoken) - count + 1):
        if spoken[start : start + count - 1] == list(words.words[:-1]):
            last = spoken[start + count - 1]
            if last == words.words[-1] or (words.is_open and last.startswith(words.words[-1])):
                return True
    return False


def _likely(rows: pa.Table, words: Words) -> list[int]:
    """Places of rows that hold the longest word anywhere, in any case."""
    word = max(words.words, key=len)
    if word.isascii() is False and word.lower() != word.upper():  # İ and its like change their length between the cases
        return list(range(rows.num_rows))
    messages = rows.column("messages").combine_chunks()
    hits = pc.match_substring(pc.struct_field(pc.list_flatten(messages), "content"), word, ignore_case=True)
    found = set(pc.filter(pc.list_parent_indices(messages), hits).to_pylist())
    if "content" in rows.column_names and rows.column("content").null_count < rows.num_rows:
        held: Iterable[Any] = pc.fill_null(pc.is_valid(rows.column("content")), False).to_pylist()
        found |= {place for place, is_there in enumerate(held) if is_there}
    return sorted(found)


def offsets(counts: Sequence[int]) -> list[int]:
    """Where each file begins among all rows, given their rows."""
    return [int(start) for start in np.cumsum([0, *counts[:-1]])] if counts else []
