"""How surprising the texts are to a base model: exp of the mean negative log-likelihood of a token (Jelinek et al. 1977).

Of conversations the tokens of the assistant's answers count, as in training; of other rows every token but the first. At most 512
tokens of a row are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workers.profiling.reading import excerpt

LONGEST = 512  # tokens of a row
SHOWN = 6
Watch = Callable[[int, int], None]


def figures(folder: Path, rows: Sequence[dict[str, Any]], *, of_answers: bool, watch: Watch) -> dict[str, Any]:
    """{"n", "value", "tokens", "median", "of", "examples"} by the model in a scanned folder. Rows have "place", "text", "messages"?.

    `value` is over all tokens of all rows; `median` is the middle one of the rows' own. {"n": 0} when no row bears a token.
    """
    import torch

    from workers import modelling, tokens

    tokenizer, model = tokens.load_tokenizer(folder), modelling.load_model(folder, torch.float32).eval()
    read = _answers if of_answers else _texts
    measured = []
    for number, row in enumerate(rows):
        watch(number, len(rows))
        ids, labels = read(tokenizer, row)
        if sum(label != -100 for label in labels[1:]):
            measured.append((row, *_loss(torch, model, ids, labels)))
    watch(len(rows), len(rows))
    return _summed(measured, "answers" if of_answers else "texts")


def _answers(tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], list[int]]:
    from workers import tokens

    if not row.get("messages"):
        return [], []
    [masked] = tokens.masker_for(tokenizer, LONGEST).mask([row["messages"]])
    return list(masked.input_ids), list(masked.labels)


def _texts(tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], list[int]]:
    ids = list(tokenizer(row["text"], add_special_tokens=False)["input_ids"])[:LONGEST]
    return ids, ids


def _loss(torch: Any, model: Any, ids: list[int], labels: list[int]) -> tuple[float, int]:
    """(negative log-likelihood, summed; tokens that count)."""
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0, :-1].float()
    wanted = torch.tensor(labels[1:])
    nll = torch.nn.functional.cross_entropy(logits, wanted, ignore_index=-100, reduction="sum")
    return float(nll), int((wanted != -100).sum())


def _summed(measured: list[tuple[dict[str, Any], float, int]], of: str) -> dict[str, Any]:
    sound = [item for item in measured if math.isfinite(item[1])]
    if not sound:
        return {"n": 0}
    count = sum(tokens for _row, _nll, tokens in sound)
    each = sorted(((_perplexity(nll, tokens), row) for row, nll, tokens in sound), key=lambda pair: pair[0])
    worst = [
        {"place": row["place"], "perplexity": round(value, 1), "text": excerpt(row["text"])}
        for value, row in each[::-1][:SHOWN]
    ]
    return {
        "n": len(sound),
        "value": round(_perplexity(sum(nll for _row, nll, _n in sound), count), 3),
        "median": round(each[len(each) // 2][0], 3),
        "tokens": count,
        "of": of,
        "examples": worst,
    }


def _perplexity(nll: float, tokens: int) -> float:
    return math.exp(min(nll / tokens, 50.0))
