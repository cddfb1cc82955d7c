"""Whose turn it is: the rule alone, without a database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.jobs.sharing import HALF_LIFE, decayed_minutes, in_turn, minutes_within

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
rooms = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 30), min_size=1)
uses = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 500))
weights = st.dictionaries(st.sampled_from("abcd"), st.floats(0.25, 8))


def lines_of(counts: dict[str, int]) -> dict[str, list[tuple[str, int]]]:
    return {room: [(room, number) for number in range(count)] for room, count in counts.items()}


def ago(**since: float) -> datetime:
    return NOW - timedelta(**since)


@given(rooms, uses, weights)
def test_turns__any_lines__every_job_comes_once_and_in_its_own_order(
    counts: dict[str, int], used: dict[str, float], weight: dict[str, float]
) -> None:
    lines = lines_of(counts)
    order = list(in_turn(lines, used=used, weights=weight))
    assert {room: [job for job in order if job[0] == room] for room in lines} == lines


@given(rooms, uses, weights)
def test_turns__first__is_of_the_least_use_for_its_weight(
    counts: dict[str, int], used: dict[str, float], weight: dict[str, float]
) -> None:
    room, _number = next(in_turn(lines_of(counts), used=used, weights=weight))
    shares = {one: used.get(one, 0.0) / weight.get(one, 1.0) for one in counts}
    assert shares[room] == min(shares.values())


@given(st.floats(0, 300), st.integers(1, 20))
def test_turns__one_who_used_much__waits_no_longer_than_the_others_need_to_catch_up(used: float, others: int) -> None:
    """No starvation: each turn costs the one who gets it a minute, so the debt ends."""
    names = [f"r{number}" for number in range(others)]
    lines: dict[str, list[str]] = {"late": ["late"], **{name: [name] * 400 for name in names}}
    order = list(in_turn(lines, used={"late": used}, weights={}))
    assert order.index("late") <= others * (used + 1)


def test_turns__weights__share_the_slots_in_proportion() -> None:
    lines = {room: [room] * 400 for room in "ab"}
    turns = Counter(islice(in_turn(lines, used={}, weights={"a": 3.0}), 400))
    assert turns["a"] == pytest.approx(300, abs=1)


def test_turns__equal_use__goes_to_the_one_named_first() -> None:
    assert list(in_turn({"b": ["b1", "b2"], "a": ["a1"]}, used={}, weights={})) == ["b1", "a1", "b2"]


def test_turns__long_jobs__cost_more_turns() -> None:
    lines = {"long": ["L"] * 3, "short": ["s"] * 9}
    order = list(in_turn(lines, used={}, weights={}, cost=lambda job: 3.0 if job == "L" else 1.0))
    assert "".join(order[:8]) == "LsssLsss"


def test_use__an_hour_just_now__counts_nearly_whole() -> None:
    assert decayed_minutes([(ago(hours=1), NOW)], now=NOW) == pytest.approx(60, rel=0.07)


def test_use__after_one_half_life__counts_half() -> None:
    fresh = decayed_minutes([(ago(hours=1), NOW)], now=NOW)
    later = decayed_minutes([(ago(hours=1), NOW)], now=NOW + timedelta(seconds=HALF_LIFE))
    assert later == pytest.approx(fresh / 2)


def test_month__a_span_over_its_border__counts_on_each_side() -> None:
    border = datetime(2026, 12, 1, tzinfo=UTC)
    span = [(border - timedelta(minutes=20), border + timedelta(minutes=40))]
    assert minutes_within(span, since=datetime(2026, 11, 1, tzinfo=UTC), until=border) == 20
    assert minutes_within(span, since=border, until=datetime(2027, 1, 1, tzinfo=UTC)) == 40
