"""What a run would see: the first rows as tokens, which of them bear loss, and how long the rows are. No torch.

    python -m workers.token_preview < request.json

The request: {"folder": the base model's, "shards": [paths], "form", "max_length", "most_rows", "shown_rows"}. Prints
{"preview": {...}} (see `look`), or {"refused": {message, hint, field}}.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from workers.preview import limit_this_process

MEMORY = 3 * 2**30  # bytes of address space; resident stays below 600 MiB
MOST_TOKENS = 400  # of a row that is shown
TALKS = ("chat", "preference", "kto")


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What is printed for a request."""
    from workers.failures import UserError  # heavy; imported under the limits

    try:
        return {"preview": look(request)}
    except UserError as error:
        return {"refused": {"message": error.message, "hint": error.hint, "field": error.field or "dataset_version"}}


def look(request: Mapping[str, Any]) -> dict[str, Any]:
    """The first rows as tokens.

    {"rows": [{"tokens": [[text, is taught], ...], "length", "full_length", "label"}], "n": rows looked at,
    "lengths": {"p50", "p95", "max"} in tokens before the cut, "cut": rows longer than the limit, "untaught": rows without a token that
    bears loss, "taught_share": of the tokens, "labels": {label: rows}, "in_both": rows that stand in the train and the validation split}.
    """
    from workers import tokens
    from workers.formats.stored import Stored

    shards = [Path(shard) for shard in request["shards"]]
    tokenizer = tokens.load_tokenizer(Path(request["folder"]))
    limit = int(request["max_length"])
    stored = list(islice(_rows(Stored(shards)), int(request["most_rows"])))
    masked = [_masked(tokenizer, limit, row, request["form"]) for row in stored]
    lengths = sorted(row.full_length for row in masked)
    held = sum(len(row.input_ids) for row in masked)
    return {
        "rows": [
            {**_shown(tokenizer, row), "label": label_of(stored[at])}
            for at, row in enumerate(masked[: request["shown_rows"]])
        ],
        "n": len(masked),
        "lengths": {"p50": _at(lengths, 0.5), "p95": _at(lengths, 0.95), "max": lengths[-1] if lengths else 0},
        "cut": sum(row.is_truncated for row in masked),
        "untaught": sum(row.taught == 0 for row in masked) if request["form"] in (*TALKS, "text") else 0,
        "taught_share": round(sum(row.taught for row in masked) / held, 4) if held else 0.0,
        "labels": dict(Counter(filter(None, map(label_of, stored))).most_common(50)),
        "in_both": in_both(Stored(shards)),
    }


def label_of(row: Mapping[str, Any]) -> str:
    """The class of a stored row as text; "" where it has none."""
    content = json.loads(row["content"]) if row.get("content") else {}
    label = content.get("label")
    return "" if label is None else str(label)


def in_both(stored: Any) -> int:
    """How many rows of the validation split are, word for word, in the train split as well; 0 for a version without splits."""
    sides: dict[str, set[str]] = {"train": set(), "validation": set()}
    for _first, batch in stored.groups(columns=["row_id", "split"]):
        for row_id, split in zip(*(batch.column(at).to_pylist() for at in (0, 1)), strict=True):
            if split is None:
                return 0
            if split in sides:
                sides[split].add(row_id)
    return len(sides["train"] & sides["validation"])


def _rows(stored: Any) -> Iterator[dict[str, Any]]:
    for _first, batch in stored.groups(columns=["messages", "content", "split"]):
        for row in batch.slice(0, 2000).to_pylist():
            if row["split"] in (None, "train"):
                yield row


def _masked(tokenizer: Any, limit: int, row: Mapping[str, Any], form: str) -> Any:
    from workers import tokens
    from workers.failures import UserError, first_line
    from workers.masking import MaskedRow

    if form in TALKS:
        try:
            return tokens.masker_for(tokenizer, limit).mask([row["messages"]])[0]
        except Exception as exc:  # templates raise what they like
            hint = "Look at the roles of the messages."
            raise UserError(
                f"The model's chat template refuses a row: {first_line(exc)}", hint, "dataset_version"
            ) from exc
    ids = list(tokenizer(text_of(row), add_special_tokens=False)["input_ids"])
    return MaskedRow(ids[:limit], ids[:limit] if form == "text" else [-100] * len(ids[:limit]), len(ids))


def text_of(row: Mapping[str, Any]) -> str:
    """The text of a row that is no conversation; a table's row as `column: value` lines."""
    content = json.loads(row["content"]) if row.get("content") else {}
    if "text" in content:
        return str(content["text"])
    return "\n".join(f"{name}: {value}" for name, value in content.get("values", {}).items() if value is not None)


def _shown(tokenizer: Any, row: Any) -> dict[str, Any]:
    """The row's tokens as texts; runs of bytes that are no character yet are joined to the token that completes them."""
    shown: list[list[Any]] = []
    waiting: list[int] = []
    for token, label in list(zip(row.input_ids, row.labels, strict=True))[:MOST_TOKENS]:
        text = tokenizer.decode([*waiting, token])
        if text.endswith("\N{REPLACEMENT CHARACTER}") and len(waiting) < 4:
            waiting.append(token)
            continue
        waiting = []
        shown.append([text, label != -100])
    return {"tokens": shown, "length": len(row.input_ids), "full_length": row.full_length}


def _at(values: Sequence[int], share: float) -> int:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0


def main() -> int:
    """Read the request, print the answer."""
    limit_this_process(MEMORY)
    print(json.dumps(answer(json.load(sys.stdin)), ensure_ascii=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
