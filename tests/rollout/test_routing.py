"""Assignment: the hash of GrowthBook's published cases, shares as planned, nobody flips, the same on every process."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from apps.rollout.figures import sample_ratio
from apps.rollout.routing import CANDIDATE, CONTROL, REST, bucket, fnv1a32, ranges

ROOT = Path(__file__).resolve().parents[2]
USERS = [f"user-{number}" for number in range(100_000)]

# growthbook/growthbook, packages/sdk-js/test/cases.json, "hash", those of version 2
PUBLISHED = [
    ("seed", "a", 0.0505),
    ("seed", "b", 0.2696),
    ("foo", "ab", 0.2575),
    ("foo", "def", 0.2019),
    ("89123klj", "8952klfjas09ujkasdf", 0.124),
    ("90850943850283058242805", "123", 0.7516),
    ("()**(%$##$%#$#", '___)((*":&', 0.0128),
]


@pytest.mark.parametrize(("seed", "unit", "place"), PUBLISHED)
def test_bucket__of_the_published_cases__is_theirs(seed: str, unit: str, place: float) -> None:
    assert bucket(seed, unit) == place


def test_fnv1a32__of_the_authors_vectors__is_theirs() -> None:
    """isthe.com/chongo/tech/comp/fnv: the empty text, a, foobar."""
    assert [fnv1a32(text) for text in ("", "a", "foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]


def test_bucket__of_any_text__lies_in_range() -> None:
    assert all(0 <= bucket("s", text) < 1 for text in ("", "ä", "\U0001f600", "\ud800", "x" * 10_000))


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5])
def test_arms__of_100_000_users__are_as_large_as_planned(share: float) -> None:
    """Chi-square of candidate, control and rest against the shares: p > 0.01 (critical value 9.21 for two degrees of freedom)."""
    found = ranges(share)
    counts = Counter(found.arm_of(bucket("r-31", user)) for user in USERS)
    planned = {CANDIDATE: share, CONTROL: share, REST: 1 - 2 * share}
    chi = sum((counts[arm] - len(USERS) * p) ** 2 / (len(USERS) * p) for arm, p in planned.items() if p)
    assert chi < (9.21 if share < 0.5 else 6.63)
    p = sample_ratio((counts[CANDIDATE], counts[CONTROL])).p
    assert p is not None and p > 0.01


def test_arms__of_another_seed__are_other_users() -> None:
    found = ranges(0.1)
    first, second = ({u for u in USERS if found.arm_of(bucket(seed, u)) == CANDIDATE} for seed in ("one", "two"))
    assert 0.005 * len(USERS) < len(first & second) < 0.015 * len(USERS)  # a tenth of a tenth: independent


def test_arms__while_the_share_grows__nobody_flips() -> None:
    """5, 10, 25, 50 %: who is compared stays where it is; 100 %: no candidate leaves."""
    places = [bucket("r-31", user) for user in USERS[:20_000]]
    before: list[str] = [REST] * len(places)
    for share in (0.05, 0.1, 0.25, 0.5):
        now = [ranges(share).arm_of(place) for place in places]
        assert all(was in (REST, arm) for was, arm in zip(before, now, strict=True))
        before = now
    assert {ranges(1.0).arm_of(place) for place in places} == {CANDIDATE}


@pytest.mark.parametrize(
    ("share", "candidate", "control"),
    [
        (0.0, (0, 0), (1, 1)),
        (0.1, (0, 0.1), (0.9, 1)),
        (0.5, (0, 0.5), (0.5, 1)),
        (0.7, (0, 0.7), (0.7, 1)),
        (1.0, (0, 1), (1, 1)),
    ],
)
def test_ranges__are_half_open_and_never_overlap(
    share: float, candidate: tuple[float, float], control: tuple[float, float]
) -> None:
    found = ranges(share)
    assert (found.candidate, found.control) == (candidate, control)
    if 0 < share < 1:
        assert found.arm_of(candidate[1]) != CANDIDATE and found.arm_of(control[0]) == CONTROL
        assert found.arm_of(0.0) == CANDIDATE and found.arm_of(0.9999) == CONTROL


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_ranges__share_out_of_range__is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        ranges(share)


def test_bucket__in_another_process__is_the_same() -> None:
    """After a restart, under another hash seed, on another worker."""
    code = "import json, sys; from apps.rollout.routing import bucket; print(json.dumps([bucket('s', u) for u in sys.argv[1:]]))"
    users = USERS[:50]
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", code, *users],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(told.stdout) == [bucket("s", user) for user in users]
