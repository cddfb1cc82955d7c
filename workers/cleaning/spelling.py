"""Spelling: common English words that were typed wrongly. English only; a word that might be right stays as it is.

Corrections come from SymSpell (Garbe 2012, github.com/wolfgarbe/SymSpell) with the dictionary of 82,765 English words that the
package symspellpy brings along. Nothing is fetched.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from workers.cleaning.base import Facts, Option, RowStep, StepKind, register
from workers.cleaning.texts import WHICH, outside_code, text_step

SHORTEST = 4  # letters; shorter words have too many neighbours
COMMON = 2_000_000  # occurrences in the dictionary's corpus: a word is taken for a slip of a common one only
# Words in lower case that touch no digit, underscore, slash, dot or @ inside: no URLs, addresses, identifiers or file names.
_WORD = re.compile(r"(?<![\w/\\.@#:$%&=+~'’-])[a-z]{4,32}(?![\w/\\@#$%&=+~'’-]|\.\w|:\S)")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")


@cache
def _dictionary(distance: int) -> Any:
    """SymSpell over the bundled words: about 90 MB and a second for distance 1, 170 MB and three seconds for distance 2."""
    from symspellpy import SymSpell

    speller = SymSpell(max_dictionary_edit_distance=distance, prefix_length=7)
    if not speller.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1):
        raise FileNotFoundError("The dictionary of symspellpy is missing.")
    return speller


def speller(distance: int = 1, own: Iterable[str] = ()) -> Callable[[str], str]:
    """A change of texts that puts slips of up to `distance` letters right, but for the words in `own`.

    Left alone: words of fewer than SHORTEST letters, with a capital, a digit or an accent (names, codes, other languages), parts of
    addresses, and words near which no common word lies.
    """
    kept = frozenset(word.strip().lower() for word in own)
    _dictionary(distance)  # now, so that processes that are forked from this one share its memory

    @lru_cache(maxsize=100_000)
    def corrected(word: str) -> str:
        from symspellpy import Verbosity

        words = _dictionary(distance)
        if word in kept or word in COMPUTING or word in words.words or _is_inflected(word, words.words):
            return word
        found = words.lookup(word, Verbosity.CLOSEST, max_edit_distance=distance)
        return str(found[0].term) if found and _is_slip(word, found[0].term, found[0].count) else word

    def put_right(text: str) -> str:
        parts, place = list[str](), 0
        for address in _ADDRESS.finditer(text):
            parts += [_WORD.sub(lambda word: corrected(word.group()), text[place : address.start()]), address.group()]
            place = address.end()
        return "".join([*parts, _WORD.sub(lambda word: corrected(word.group()), text[place:])])

    return outside_code(put_right)


# Words of computing that the dictionary lacks and that stand next to common ones.
_COMPUTING = (
    "api apis args argv async auth autocomplete autoscale await backend backends bool boolean bytecode cli codec config configs const cron"
    " daemon dataset datasets dtype enum env eval frontend frontends goroutine hostname http https json kernel kwargs lambda linter"
    " localhost login logits lookup metadata middleware mutex namespace nginx numpy param params parquet perplexity pip plugin plugins"
    " prefetch printf proxied rebase regex repo repos rerank runtime schema schemas semver serializer softmax sql stdin stdout stderr"
    " struct subnet sudo symlink sync tensor tensors timestamp timestamps token tokenizer tokens toml tuple tuples upsert url urls"
    " usage utf uuid venv viewport webhook webhooks websocket wifi xml yaml zstd"
)
COMPUTING = frozenset(_COMPUTING.split())
_ENDINGS = (
    ("s", ""),
    ("es", ""),
    ("ed", ""),
    ("ed", "e"),
    ("ing", ""),
    ("ing", "e"),
    ("er", ""),
    ("er", "e"),
    ("ly", ""),
)


def _is_slip(word: str, term: str, count: int) -> bool:
    """Whether `word` is a slip of `term`: a common word with the same first letter (slips seldom begin a word; other words do), of
    which a short word has the very letters."""
    return count >= COMMON and word[0] == term[0] and (len(word) > SHORTEST or sorted(word) == sorted(term))


def _is_inflected(word: str, known: Mapping[str, int]) -> bool:
    """Whether the word is a known one with an ending: the dictionary has not every form."""
    return any(word.endswith(end) and word[: -len(end)] + stem in known for end, stem in _ENDINGS)


def _make(options: Mapping[str, Any], facts: Facts) -> RowStep:
    return text_step(speller(int(options["distance"]), options["own_words"]), options, facts)


register(
    StepKind(
        "spelling",
        "Correct spelling (English)",
        "Slips in common English words are put right. English only: leave it out for other languages. Code, addresses, numbers and"
        " words with capitals stay.",
        "text",
        (
            Option(
                "distance",
                "choice",
                "Letters apart",
                "1",
                ("1", "2"),
                help="With 2 more is found, and more is wrongly changed.",
            ),
            Option("own_words", "words", "Own words", [], most=10_000, help="One a line; they are right as they are."),
            WHICH,
        ),
        _make,
    )
)
