"""How good answers are, in numbers: loss, perplexity, ROUGE-L, exact match, each with a bootstrap interval. No torch.

The interval is the middle 95 % of draws of rows with replacement (Efron and Tibshirani 1993, section 13.3), with a fixed seed.
Two models on the same rows are compared draw by draw, so that what a row has of its own falls out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DRAWS, SEED = 1_000, 20_261_122
MOST_WORDS = 2_000  # of an answer that are compared; the work grows with the square
# Words of letters and digits; in scripts that are written without spaces (Han, Kana, Thai, Lao, Khmer) each character by itself.
_UNITS = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff\U00020000-\U0002ebef]"
    r"|(?:(?![\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff])[^\W_])+"
)


@dataclass(frozen=True)
class Scored:
    """One row as one model did it. `nll`: sum over its `tokens` taught tokens, in nats."""

    nll: float
    tokens: int
    rouge_l: float
    exact: bool


def units(text: str) -> list[str]:
    """What ROUGE compares: words in lower case, characters where a script has no spaces."""
    return [found.lower() for found in _UNITS.findall(text)][:MOST_WORDS]


def rouge_l(answer: str, reference: str) -> float:
    """F1 of the longest common subsequence of units (Lin 2004, "ROUGE", section 3.1, equations 2 to 4 with beta = 1). 0 to 1."""
    said, wanted = units(answer), units(reference)
    common = longest_common(said, wanted)
    return 2 * common / (len(said) + len(wanted)) if common else 0.0


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence (Cormen et al., section 15.4), a row of the table at a time."""
    lengths = [0] * (len(second) + 1)
    for one in first:
        diagonal = 0
        for place, other in enumerate(second, 1):
            above = lengths[place]
            lengths[place] = diagonal + 1 if one == other else max(above, lengths[place - 1])
            diagonal = above
    return lengths[-1]


def is_exact(answer: str, reference: str) -> bool:
    """Equal but for white space."""
    return answer.split() == reference.split()


def summary(tuned: Sequence[Scored], base: Sequence[Scored]) -> dict[str, Any]:
    """Figures of both models on the same rows, and of tuned minus base. Perplexity is exp(loss) (Jelinek et al. 1977)."""
    count = len(tuned)
    drawn = np.random.default_rng(SEED).integers(0, count, size=(DRAWS, count))
    whole = np.arange(count)[None, :]
    figures = {
        side: {name: (figure(rows, whole), figure(rows, drawn)) for name, figure in FIGURES.items()}
        for side, rows in (("tuned", tuned), ("base", base))
    }
    told = {side: {name: _told(value, draws) for name, (value, draws) in own.items()} for side, own in figures.items()}
    apart = {
        name: _told(value - figures["base"][name][0], draws - figures["base"][name][1])
        for name, (value, draws) in figures["tuned"].items()
    }
    return {**told, "difference": apart, "rows": count, "tokens": sum(row.tokens for row in tuned)}


def _loss(rows: Sequence[Scored], drawn: NDArray[np.int64]) -> Array:
    nll = np.asarray([row.nll for row in rows])
    tokens = np.asarray([row.tokens for row in rows], dtype=float)
    return np.asarray(nll[drawn].sum(axis=1) / np.maximum(tokens[drawn].sum(axis=1), 1))


def _perplexity(rows: Sequence[Scored], drawn: NDArray[np.int64]) -> Array:
    return np.asarray(np.exp(np.minimum(_loss(rows, drawn), 700)))  # e**710 is beyond a double


def _mean_of(value: Callable[[Scored], float]) -> Callable[[Sequence[Scored], NDArray[np.int64]], Array]:
    return lambda rows, drawn: np.asarray(np.asarray([value(row) for row in rows], dtype=float)[drawn].mean(axis=1))


FIGURES: Mapping[str, Callable[[Sequence[Scored], NDArray[np.int64]], Array]] = {
    "loss": _loss,
    "perplexity": _perplexity,
    "rouge_l": _mean_of(lambda row: row.rouge_l),
    "exact_match": _mean_of(lambda row: float(row.exact)),
}


def _told(value: Array, draws: Array) -> dict[str, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": float(value[0]), "low": float(low), "high": float(high)}
