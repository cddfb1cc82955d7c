"""Makes tests/labeling/data/oracle.json: random tables of ratings, and what other libraries say of them. Not run by the tests.

irrCAC pins an old scipy, and krippendorff and pingouin are GPL, so none of them is a dependency; each has its own environment:

    python3 -m venv /tmp/a && /tmp/a/bin/pip install irrCAC==0.4.4
    python3 -m venv /tmp/b && /tmp/b/bin/pip install krippendorff==0.9.0 pingouin==0.7.0 scikit-learn==1.9.1
    /tmp/a/bin/python tests/labeling/oracle.py tables > /tmp/tables.json
    /tmp/a/bin/python tests/labeling/oracle.py irrcac < /tmp/tables.json > /tmp/more.json
    /tmp/b/bin/python tests/labeling/oracle.py others < /tmp/more.json > tests/labeling/data/oracle.json

A table: rows (items x raters, null for a gap), categories, and {"library:figure:option": [value, se, low, high]}, null for what a
library does not give. Places in the lists of categories are 1, 2, ..., so that irrCAC's weights by value are ours by place.
"""

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

DIGITS = 15
# items, raters, categories, share of gaps, share of right answers
SHAPES = [
    (20, 2, 2, 0.0, 0.8), (40, 2, 5, 0.0, 0.6), (60, 2, 3, 0.0, 0.9), (25, 2, 4, 0.2, 0.7), (15, 3, 2, 0.0, 0.7),
    (30, 3, 6, 0.0, 0.6), (50, 3, 4, 0.3, 0.7), (12, 4, 5, 0.2, 0.8), (40, 4, 3, 0.4, 0.6), (60, 5, 6, 0.1, 0.5),
    (30, 5, 4, 0.5, 0.8), (20, 6, 5, 0.0, 0.4), (45, 3, 3, 0.15, 0.0), (80, 8, 6, 0.3, 0.7), (10, 3, 5, 0.1, 0.95),
    (100, 3, 6, 0.0, 0.7),
]  # fmt: skip


def tables() -> list[dict[str, Any]]:
    generator, found = np.random.default_rng(5), list[dict[str, Any]]()
    for items, raters, size, gaps, right in SHAPES:
        shares = generator.dirichlet(np.ones(size) * 2)
        truth = generator.choice(size, size=(items, 1), p=shares)
        guess = generator.integers(0, size, size=(items, raters))
        codes = np.where(generator.random((items, raters)) < right, truth, guess) + 1
        is_gap = generator.random((items, raters)) < gaps
        rows = [
            [None if gap else int(code) for code, gap in zip(*row, strict=True)]
            for row in zip(codes, is_gap, strict=True)
        ]
        matrix = generator.random((size, size)).round(2)
        matrix = (matrix + matrix.T) / 2
        np.fill_diagonal(matrix, 0)
        found.append(
            {"rows": rows, "categories": list(range(1, size + 1)), "apart": matrix.round(4).tolist(), "said": {}}
        )
    return found


def irrcac(table: dict[str, Any]) -> dict[str, Any]:
    """Two raters without gaps by irrCAC.table, else by irrCAC.raw; `raw` too for the coefficients that only it has."""
    import pandas as pd  # type: ignore[import-untyped,unused-ignore]
    from irrCAC.raw import CAC as Raw  # type: ignore[import-not-found,unused-ignore]
    from irrCAC.table import CAC as Tabular  # type: ignore[import-not-found,unused-ignore]

    rows, categories = table["rows"], [float(value) for value in table["categories"]]
    apart = np.array(table["apart"])
    weights: dict[str, Any] = {
        "none": "identity",
        "linear": "linear",
        "quadratic": "quadratic",
        "own": 1 - apart / apart.max(),
    }
    is_two_way = len(rows[0]) == 2 and all(None not in row for row in rows)
    said: dict[str, Any] = {}
    for option, given in weights.items():
        kept: dict[str, Any] = {"weights": given, "digits": DIGITS}
        if is_two_way:
            counts = pd.crosstab(
                *(pd.Categorical([row[rater] for row in rows], table["categories"]) for rater in (0, 1)), dropna=False
            )
            cac = Tabular(counts, **kept)
            names = {"cohen_kappa": "cohen", "scott_pi": "scott", "gwet_ac": "gwet", "brennan_prediger": "bp",
                     "krippendorff_alpha": "krippendorff", "percent_agreement": "pa2"}  # fmt: skip
        else:
            cac = Raw(pd.DataFrame(rows, dtype=float), categories=categories, **kept)
            names = {"fleiss_kappa": "fleiss", "gwet_ac": "gwet", "brennan_prediger": "bp", "conger_kappa": "conger",
                     "krippendorff_alpha": "krippendorff"}  # fmt: skip
        for ours, theirs in names.items():
            found = getattr(cac, theirs)()["est"]
            low, high = found["confidence_interval"]
            said[f"irrCAC:{ours}:{option}"] = [
                float(found["coefficient_value"]),
                float(found["se"]),
                float(low),
                float(high),
            ]
    return said


def others(table: dict[str, Any]) -> dict[str, Any]:
    import krippendorff  # type: ignore[import-not-found,unused-ignore]
    import pandas as pd
    import pingouin  # type: ignore[import-not-found,unused-ignore]
    from sklearn.metrics import cohen_kappa_score  # type: ignore[import-untyped,unused-ignore]

    rows, said = np.array(table["rows"], dtype=float), dict[str, Any]()
    for level in ("nominal", "ordinal", "interval", "ratio"):
        value = krippendorff.alpha(rows.T, value_domain=table["categories"], level_of_measurement=level)
        said[f"krippendorff:krippendorff_alpha:{level}"] = [float(value), None, None, None]
    both = rows[~np.isnan(rows[:, :2]).any(axis=1), :2].astype(int)
    for option in ("none", "linear", "quadratic"):
        given = None if option == "none" else option
        value = cohen_kappa_score(both[:, 0], both[:, 1], labels=table["categories"], weights=given)
        said[f"sklearn:cohen_kappa:{option}"] = [float(value), None, None, None]
    whole = rows[~np.isnan(rows).any(axis=1)]
    if len(whole) > 4:
        long = pd.DataFrame(
            [(item, rater, score) for item, row in enumerate(whole) for rater, score in enumerate(row)],
            columns=["item", "rater", "score"],
        )
        icc = pingouin.intraclass_corr(long, targets="item", raters="rater", ratings="score")
        for _place, line in icc.iterrows():
            form = {"ICC(1,1)": "ICC(1,1)", "ICC(A,1)": "ICC(2,1)", "ICC(C,1)": "ICC(3,1)", "ICC(1,k)": "ICC(1,k)",
                    "ICC(A,k)": "ICC(2,k)", "ICC(C,k)": "ICC(3,k)"}[line["Type"]]  # fmt: skip
            said[f"pingouin:icc:{form}"] = [float(line["ICC"]), None, *map(float, line.get("CI95%", line.get("CI95")))]
    return said


def main(step: str) -> None:
    warnings.simplefilter("ignore")
    steps: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"irrcac": irrcac, "others": others}
    found = tables() if step == "tables" else json.load(sys.stdin)
    for table in found if step in steps else ():
        table["said"].update(steps[step](table))
    lines = ",\n".join(json.dumps(table, separators=(",", ":")) for table in found)
    sys.stdout.write(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
