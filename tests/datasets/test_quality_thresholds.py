"""What a profile says of each limit, and what a dataset may set."""

from typing import Any

import pytest

from apps.datasets.quality.pages import as_typed, typed_bounds
from apps.datasets.quality.thresholds import BY_NAME, judge, shown

FIGURES: dict[str, Any] = {
    "perplexity": {"n": 64, "value": 40.0},
    "duplicates": {"n": 100, "share": 0.05},
    "topics": {"n": 400, "share": 0.8},
    "missing": {"n": 300, "share": 0.0499},
    "leak": {"n": 20, "rows": 0},
}


def states(figures: Any, own: Any = None) -> dict[str, str]:
    return {verdict.limit.name: verdict.state for verdict in judge(figures, own or {})}


def test_judge__at_the_defaults__breaks_what_does_not_stay_strictly_within() -> None:
    assert states(FIGURES) == {
        "perplexity": "kept",
        "duplicates": "broken",  # below 5 %, not at
        "topics": "broken",  # above 0.8, not at
        "missing": "kept",
        "leak": "kept",  # at most 0
        "label_errors": "unknown",
    }


def test_judge__own_bounds__count_instead() -> None:
    own = {"duplicates": 0.06, "topics": None, "perplexity": 30.0}
    found = states(FIGURES, own)
    assert (found["duplicates"], found["topics"], found["perplexity"]) == ("kept", "off", "broken")


def test_judge__one_leaked_row__is_broken() -> None:
    assert states({"leak": {"n": 20, "rows": 1}})["leak"] == "broken"


@pytest.mark.parametrize("figures", [None, {}, {"perplexity": {"n": 0}}, {"duplicates": {"n": 5}}])
def test_judge__nothing_measured__breaks_nothing(figures: Any) -> None:
    assert set(states(figures).values()) == {"unknown"}


def test_shown__values__have_their_unit() -> None:
    assert shown(BY_NAME["duplicates"], 0.071) == "7.1\u00a0%"
    assert shown(BY_NAME["leak"], 1200) == "1\u00a0200"
    assert shown(BY_NAME["perplexity"], 38.123) == "38.12"


def test_typed__shares__are_in_per_cent_and_empty_is_no_limit() -> None:
    typed = {"duplicates": " 2,5 % ", "topics": "", "perplexity": "80", "unknown": "x"}
    assert typed_bounds(typed) == {"duplicates": 0.025, "topics": None, "perplexity": 80.0}
    assert as_typed(BY_NAME["duplicates"], 0.05) == "5"
