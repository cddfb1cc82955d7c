"""What irrCAC, krippendorff, pingouin and scikit-learn say of random tables (tests/labeling/oracle.py asked them), and what we say.

They define the same figures, but for: the interval of Cohen's Kappa, where irrCAC takes Student's t and we the normal one of Fleiss,
Cohen and Everitt; ordinal alpha, of which only `krippendorff` has Krippendorff's own distances, and nobody a standard error; the ICC's
interval, which pingouin rounds to two digits, and its standard error, which nobody gives; ICC(2,k) and its like on items that all rated.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.labeling import agreement

TABLES = json.loads((Path(__file__).parent / "data" / "oracle.json").read_text())
CASES = [(place, name) for place, table in enumerate(TABLES) for name in table["said"]]
NEAR = 1e-9


def asked(table: dict[str, Any], figure: str, option: str) -> agreement.Coefficient:
    options: dict[str, Any] = {}
    if figure == "icc":
        options["form"] = option
    elif option in ("nominal", "ordinal", "interval", "ratio"):
        options["level"] = option
    elif option != "none":
        options["weights"] = table["apart"] if option == "own" else option
    rows = [row[:2] for row in table["rows"]] if figure == "cohen_kappa" else table["rows"]
    found = getattr(agreement, figure)(rows, table["categories"], **options)
    assert isinstance(found, agreement.Coefficient)
    return found


@pytest.mark.parametrize(("place", "name"), CASES, ids=[f"{place}-{name}" for place, name in CASES])
def test_oracle__random_tables__the_same_figures(place: int, name: str) -> None:
    library, figure, option = name.split(":")
    value, se, low, high = TABLES[place]["said"][name]
    found = asked(TABLES[place], figure, option)
    assert found.value == pytest.approx(value, abs=NEAR)
    if library == "pingouin":
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.0051)
        return
    if se is not None:
        assert found.se == pytest.approx(se, abs=NEAR)
    if low is not None and figure != "cohen_kappa":
        assert (found.low, found.high) == pytest.approx(
            (max(low, -1.0), high), abs=10 * NEAR
        )  # t of scipy 1.12 is off by 4e-9


def test_oracle__every_library__was_asked() -> None:
    said = {name.rpartition(":")[0] for _place, name in CASES}
    assert {"irrCAC", "krippendorff", "sklearn", "pingouin"} == {name.partition(":")[0] for name in said}
    assert len(CASES) > 300
