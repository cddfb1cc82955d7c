"""Parting rows: exact counts, the same on every machine, groups and equal rows whole."""

import hashlib
import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.failures import UserError
from workers.formats.chat import TrainingRow
from workers.split_step import make_split_step
from workers.splits import DEFAULT_FRACTIONS, SplitPlan, time_of

IDS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(1000)]


def rows_of(ids: list[str], extras: list[str | None] | None = None) -> list[TrainingRow]:
    return [TrainingRow(row_id, [], 1, extra) for row_id, extra in zip(ids, extras or [None] * len(ids), strict=True)]


def split(plan: SplitPlan, rows: list[TrainingRow], borders: Any = None) -> tuple[list[str], dict[str, Any]]:
    """The splits of rows, and the borders to keep."""
    step = make_split_step(plan, borders)
    for number, row in enumerate(rows):
        step.look(row, number)
    step.decide()
    return [next(step.finish(row, number)).split for number, row in enumerate(rows)], json.loads(
        json.dumps(step.borders)
    )


def parted(plan: SplitPlan, ids: list[str], extras: list[str | None] | None = None) -> list[str]:
    return split(plan, rows_of(ids, extras))[0]


def test_split__default_fractions__are_exact_to_a_row() -> None:
    splits = parted(SplitPlan.read({}), IDS)
    assert [splits.count(split) for split in DEFAULT_FRACTIONS] == [700, 150, 150]


def test_split__known_rows_and_seed__are_the_same_on_any_machine() -> None:
    splits = parted(SplitPlan.read({"seed": 7}), IDS[:20])
    assert "".join(split[0] for split in splits) == "tttttttttvttvvtttttt"
    assert [number for number, split in enumerate(splits) if split == "test"] == [2, 5, 11]


def test_split__other_order__leaves_rows_where_they_are() -> None:
    plan = SplitPlan.read({})
    first = dict(zip(IDS[:500], parted(plan, IDS[:500]), strict=True))
    assert dict(zip(IDS[:500][::-1], parted(plan, IDS[:500][::-1]), strict=True)) == first


WAYS = [{}, {"group_by": "g"}, {"stratify_by": "g"}, {"time_by": "t"}]


@given(
    st.sampled_from(WAYS),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 9)),
        min_size=40,
        max_size=120,
        unique_by=lambda r: r[0],
    ),
    st.integers(10, 39),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_split__rows_added_or_gone__never_move_those_that_were_there(
    way: dict[str, str], drawn: list[tuple[int, int, int]], had: int, seed: int
) -> None:
    plan = SplitPlan.read({**way, "seed": seed, "fractions": {"train": 0.5, "test": 0.5}})
    rows = [
        TrainingRow(
            hashlib.sha256(str(number).encode()).hexdigest(), [], 1, json.dumps({"g": group, "t": 1.7e9 + time})
        )
        for number, group, time in drawn
    ]
    try:
        first, borders = split(plan, rows[:had])
        later = rows[5:][::-1]
        then, kept = split(plan, later, borders)
    except UserError as error:
        assert "would be empty" in error.message
        return
    sides = dict(zip([row.row_id for row in rows[:had]], first, strict=True))
    again = dict(zip([row.row_id for row in later], then, strict=True))
    assert all(again[row] == side for row, side in sides.items() if row in again)
    assert {name: kept[name] for name in borders} == borders


def test_split__edited_row__keeps_its_side() -> None:
    plan = SplitPlan.read({})
    rows = rows_of(IDS)
    edited = [row._replace(row_id=row.row_id[::-1], key=row.row_id[:32]) for row in rows]
    assert split(plan, rows) == split(plan, edited)


def test_split__strata__have_the_same_shares_and_the_whole_is_exact() -> None:
    extras: list[str | None] = [
        json.dumps({"topic": "rare" if number % 50 == 0 else f"t{number % 3}"}) for number in range(1000)
    ]
    found = parted(SplitPlan.read({"stratify_by": "topic"}), IDS, extras)
    assert [found.count(name) for name in DEFAULT_FRACTIONS] == [700, 150, 150]
    rare = [side for side, extra in zip(found, extras, strict=True) if extra and "rare" in extra]
    assert [rare.count(name) for name in DEFAULT_FRACTIONS] in (
        [14, 3, 3],
        [13, 4, 3],
        [13, 3, 4],
        [14, 2, 4],
        [14, 4, 2],
    )


def test_split__stratum_that_comes_later__is_parted_at_the_plain_shares() -> None:
    plan = SplitPlan.read({"stratify_by": "topic"})
    extras: list[str | None] = ['{"topic":"a"}'] * 500
    _first, borders = split(plan, rows_of(IDS[:500], extras))
    then, kept = split(plan, rows_of(IDS, extras + ['{"topic":"b"}'] * 500), borders)
    assert set(kept) == {"a", "b"} and 290 < then[500:].count("train") < 410


def test_split__label__is_a_stratum_too() -> None:
    rows = [
        TrainingRow(name, [], 1, None, content=f'{{"label":"{number % 2}","text":"x"}}')
        for number, name in enumerate(IDS)
    ]
    _found, borders = split(SplitPlan.read({"stratify_by": "label"}), rows)
    assert set(borders) == {"0", "1"}


def test_split__too_many_strata__is_refused() -> None:
    extras: list[str | None] = [json.dumps({"n": number}) for number in range(1001)]
    with pytest.raises(UserError, match="more than 1000 different"):
        parted(SplitPlan.read({"stratify_by": "n"}), [f"{n:064x}" for n in range(1001)], extras)


def test_split__time__tests_the_newest() -> None:
    extras: list[str | None] = [
        json.dumps({"at": f"2026-07-{1 + number // 40:02d}T10:00:00Z"}) for number in range(998)
    ]
    extras += [None, "{}"]
    plan = SplitPlan.read({"time_by": "at"})
    found, borders = split(plan, rows_of(IDS, extras))
    assert (
        found[:998] == sorted(found[:998], key=["train", "validation", "test"].index) and found[998:] == ["train"] * 2
    )
    assert found[0] == "train" and found[997] == "test" and 150 <= found.count("test") < 190
    assert set(borders) == {"test", "validation"} and borders["test"] > borders["validation"] > 1.7e9
    with pytest.raises(UserError, match="No row has a time") as caught:
        split(SplitPlan.read({"time_by": "nothing"}), rows_of(IDS))
    assert caught.value.field == "split.time_by"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1_700_000_000, 1.7e9), (1_700_000_000_000, 1.7e9), ("1700000000", 1.7e9), ("2023-11-14T22:13:20Z", 1.7e9),
        ("2023-11-14 22:13:20", 1.7e9), ("2023-11-14T23:13:20+01:00", 1.7e9), ("yesterday", None), (True, None), (None, None),
        ("nan", None), ([1], None),
    ],
)  # fmt: skip
def test_time__as_data_has_it__is_seconds(value: Any, seconds: float | None) -> None:
    assert time_of(value) == seconds


def test_split__another_seed__parts_otherwise() -> None:
    assert parted(SplitPlan.read({"seed": 1}), IDS) != parted(SplitPlan.read({"seed": 2}), IDS)


@pytest.mark.parametrize("groups", [7, 60])
def test_split__groups__are_never_on_two_sides(groups: int) -> None:
    extras: list[str | None] = [json.dumps({"user": number % groups}) for number in range(len(IDS))]
    sides = defaultdict(set)
    for extra, split in zip(extras, parted(SplitPlan.read({"group_by": "user"}), IDS, extras), strict=True):
        sides[extra].add(split)
    assert len(sides) == groups and all(len(found) == 1 for found in sides.values())


def test_split__rows_without_the_column__are_units_of_their_own() -> None:
    extras: list[str | None] = ['{"user":null}', None, '{"other":1}', *['{"user":1}'] * 7]
    plan = SplitPlan.read({"group_by": "user", "fractions": {"train": 0.8, "test": 0.2}})
    assert len({plan.number_of(row) for row in rows_of(IDS[:10], extras)}) == 4


def test_split__rows_of_one_key__are_on_one_side() -> None:
    splits = parted(SplitPlan.read({}), IDS[:100] * 2)
    assert splits[:100] == splits[100:]


def test_split__fraction_of_zero__means_no_such_split() -> None:
    found = parted(SplitPlan.read({"fractions": {"train": 0.9, "validation": 0.1}}), IDS)
    assert (found.count("train"), found.count("validation")) == (900, 100)


def test_split__too_few_units__names_the_split() -> None:
    extras: list[str | None] = [f'{{"user":{number % 2}}}' for number in range(len(IDS))]
    with pytest.raises(UserError, match="split would be empty: there are 2 groups") as caught:
        parted(SplitPlan.read({"group_by": "user"}), IDS, extras)
    assert caught.value.field in ("split.fractions.test", "split.fractions.validation")
    with pytest.raises(UserError, match="would be empty: there are 3 different rows"):
        parted(SplitPlan.read({}), IDS[:3])


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("70/15/15", "split"),
        ({"seeds": 1}, "split"),
        ({"fractions": [0.7, 0.3]}, "split.fractions"),
        ({"fractions": {"train": 0.7, "dev": 0.3}}, "split.fractions"),
        ({"fractions": {"train": 0.7, "test": 0.2}}, "split.fractions"),
        ({"fractions": {"train": 1.2, "test": -0.2}}, "split.fractions.train"),
        ({"fractions": {"train": "0.7", "test": 0.3}}, "split.fractions.train"),
        ({"fractions": {"train": float("nan"), "test": 0.3}}, "split.fractions.train"),
        ({"fractions": {"train": True}}, "split.fractions.train"),
        ({"fractions": {"validation": 0.5, "test": 0.5}}, "split.fractions.train"),
        ({"seed": -1}, "split.seed"),
        ({"seed": 1.5}, "split.seed"),
        ({"seed": True}, "split.seed"),
        ({"group_by": ["a"]}, "split.group_by"),
        ({"time_by": 5}, "split.time_by"),
        ({"group_by": "a", "stratify_by": "b"}, "split.stratify_by"),
    ],
    ids=str,
)
def test_plan__bad_option__names_it(raw: Any, field: str) -> None:
    with pytest.raises(UserError) as caught:
        SplitPlan.read(raw)
    assert caught.value.field == field


def test_plan__as_plain_data__reads_back() -> None:
    plan = SplitPlan.read({"seed": 3, "group_by": "user"})
    assert SplitPlan.read(plan.as_dict()) == plan
