"""The figures of a profile as plain data, whole or as far as they are known (docs/quality.md says what each means)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from workers.profiling.near import SIMILAR
from workers.profiling.tally import Tally
from workers.profiling.topics import COMPANY, NEIGHBOURS

FORMAT = 1
TOP = 20
LANGUAGES = 12


def assemble(
    tally: Tally, identities: Mapping[str, Any], parts: Mapping[str, Any], left_out: Mapping[str, str]
) -> dict[str, Any]:
    """All figures: those of the round over the rows, of the identities, and of the `parts` that were found after it."""
    found: dict[str, Any] = {
        "format": FORMAT,
        "form": tally.form,
        "rows": identities["rows"],
        "rows_read": tally.rows,
        "splits": identities["splits"],
        "lengths": {name: sketch.summary() for name, sketch in tally.lengths.items() if sketch.count},
        "outliers": _outliers(tally),
        "missing": tally.columns.missing(),
        "columns": tally.columns.summary(tally.hidden_columns),
        "labels": _labels(tally),
        "languages": _languages(tally),
        "personal": _personal(tally),
        "duplicates": _duplicates(identities, parts.get("near")),
        "leak": _leak(identities, parts.get("near")),
        "left_out": dict(left_out),
    }
    if tally.lengths["turns"].count:
        found["with_system"] = {"n": tally.rows, "rows": tally.with_system}
    for name in ("perplexity", "topics", "label_errors"):
        if parts.get(name):
            found[name] = parts[name]
    if "topics" in found:
        found["topics"] |= {"cutoff": COMPANY, "neighbours": NEIGHBOURS}
    return {name: value for name, value in found.items() if value not in ({}, [])}


def fences(tally: Tally) -> tuple[float, float] | None:
    """Lengths in characters outside of which a row is an outlier: Tukey's fences, 1.5 times the interquartile range beyond the
    quartiles (Tukey 1977), of the logarithm of the length. None when there are no lengths."""
    sketch = tally.lengths["characters"]
    if not sketch.count or sketch.most < 1:
        return None
    low, high = (math.log(max(value, 1.0)) for value in sketch.quantiles((0.25, 0.75)))
    reach = 1.5 * (high - low)
    return math.exp(low - reach), math.exp(high + reach)


def _outliers(tally: Tally) -> dict[str, Any]:
    bounds = fences(tally)
    if bounds is None:
        return {}
    low, high = bounds[0] * (1 - 1e-9), bounds[1] * (1 + 1e-9)
    short, long = tally.lengths["characters"].outside(low, high)
    shortest, longest = tally.extremes()
    examples = [row for row in shortest if row["characters"] < low] + [
        row for row in longest if row["characters"] > high
    ]
    return {
        "n": tally.rows,
        "rows": short + long,
        "share": round((short + long) / tally.rows, 6),
        "short": short,
        "long": long,
        "low": round(bounds[0], 2),
        "high": round(bounds[1], 2),
        "examples": examples,
    }


def _labels(tally: Tally) -> dict[str, Any]:
    """Evenness is Pielou's (1966): the entropy of the shares over the logarithm of the number of classes; 1 when all are equal."""
    total = sum(tally.labels.values())
    if not total:
        return {}
    counts = sorted(tally.labels.values(), reverse=True)
    entropy = -sum(count / total * math.log(count / total) for count in counts)
    return {
        "n": total,
        "rows": tally.labelled,
        "distinct": len(counts),
        "evenness": round(entropy / math.log(len(counts)), 4) if len(counts) > 1 else None,
        "ratio": round(counts[0] / counts[-1], 2),
        "top": [{"label": label[:120], "count": count} for label, count in tally.labels.most_common(TOP)],
    }


def _languages(tally: Tally) -> dict[str, Any]:
    total = sum(tally.languages.values())
    top = [
        {"language": code, "count": count, "share": round(count / total, 4)}
        for code, count in tally.languages.most_common(LANGUAGES)
    ]
    return {"n": total, "distinct": len(tally.languages), "top": top} if total else {}


def _personal(tally: Tally) -> dict[str, Any]:
    looked = tally.taken["personal"]
    if not looked:
        return {}
    rows = Counter(tally.personal_rows)
    any_kind = rows.pop("", 0)
    kinds = [{"kind": kind, "rows": count, "hits": tally.personal_hits[kind]} for kind, count in rows.most_common()]
    return {"n": looked, "rows": any_kind, "share": round(any_kind / looked, 6), "kinds": kinds}


def _duplicates(identities: Mapping[str, Any], near: Mapping[str, Any] | None) -> dict[str, Any]:
    rows, repeated = identities["rows"], identities["repeated"]
    if not rows:
        return {}
    exact = round(repeated / rows, 6)
    found: dict[str, Any] = {"n": rows, "exact": {"n": rows, "rows": repeated, "share": exact}, "share": exact}
    if near:
        found["near"] = {name: near[name] for name in ("n", "rows", "share", "groups")}
        found["near"]["similar"] = SIMILAR
        found["share"] = max(exact, near["share"])
    return found


def _leak(identities: Mapping[str, Any], near: Mapping[str, Any] | None) -> dict[str, Any]:
    """Rows of validation and test that are, or nearly are, in an earlier split; {} for rows in fewer than two splits."""
    splits = identities["splits"]
    if len(splits) < 2:
        return {}
    later = sum(list(splits.values())[1:])
    found = {"n": later, "exact": identities["leaked"], "rows": identities["leaked"]}
    if near:
        found |= {"near": near["leaked"], "near_n": near["n"], "rows": max(identities["leaked"], near["leaked"])}
    return found
