"""The tools that look into texts, each there or left out with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.cleaning.languages import detector
from workers.cleaning.privacy import DEFAULT_KINDS, find
from workers.profiling.tally import CountTokens, Tools

KINDS = tuple(kind for kind in DEFAULT_KINDS if kind != "name")  # names are found by guessing, which is no count
NO_TOKENIZER = "no_tokenizer"
CHARACTERS = 20_000  # of a row in which personal data is looked for


def make_tools(inputs: Mapping[str, Any]) -> tuple[Tools, dict[str, str]]:
    """(tools, what is left out and why)."""
    left_out = {}
    path = Path(inputs.get("tokenizer") or "/nowhere")
    count = token_counter(path) if path.is_file() else None
    if count is None:
        left_out["tokens"] = NO_TOKENIZER
    return Tools(count, detector(), personal_kinds), left_out


def personal_kinds(text: str) -> list[str]:
    """The kind of each piece of personal data in a text."""
    return [span.kind for span in find(text[:CHARACTERS], KINDS)]


def token_counter(path: Path) -> CountTokens:
    """Counts the tokens of rows, each given as its texts, by a tokenizer.json; without the marks between turns."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(rows: list[list[str]]) -> list[int]:
        flat = tokenizer.encode_batch_fast([text for texts in rows for text in texts], add_special_tokens=False)
        lengths = iter([len(encoded) for encoded in flat])
        return [sum(next(lengths) for _text in texts) for texts in rows]

    return count
