"""The recipe: how it is read, what becomes of rows, that a rehearsal tells what the job will do, and that nothing else matters."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.cleaning.rows import chat, made_by, shards_of
from workers.cleaning import Cleaning
from workers.cleaning.base import REGISTRY, Dropped, Facts, Option, StepKind, read_steps, register
from workers.failures import UserError
from workers.formats.chat import Message
from workers.formats.stored import count_rows
from workers.prepare_table import prepare
from workers.preparing import SHOWN_ALIKE, rehearse
from workers.splits import SplitPlan

ALL = ["html", "unicode", "whitespace", {"step": "length", "max_characters": 40}, "duplicates"]
MIXED = [
    chat("<b>Hi</b>", "  Hello   there "),
    chat("Hi", "Hello there", 2),
    chat("Hi", "schÃ¶n", 3),
    chat("Hi", "x" * 41, 4),
    chat("Hi", "<p></p>", 5),
    *(chat(f"q{number}", f"a{number}", 6 + number, user=number) for number in range(20)),
]
EVERY = StepKind(
    "test_every",
    "Every kind of option",
    "",
    "text",
    (
        Option("number", "number", "Number", 0.5, least=0, most=1),
        Option("whole", "integer", "Whole", None, least=1, most=9),
        Option("text", "text", "Text", "", most=5),
        Option("one", "choice", "One", "a", ("a", "b")),
        Option("some", "choices", "Some", ["a"], ("a", "b")),
        Option("flag", "bool", "Flag", False),
        Option("words", "words", "Words", [], most=3),
        Option("pairs", "mapping", "Pairs", {}),
        Option("column", "column", "Column", None, is_required=True),
    ),
    lambda options, facts: lambda row: row,
)


@pytest.fixture
def every() -> Any:
    register(EVERY)
    yield EVERY
    del REGISTRY[EVERY.name]


def test_recipe__as_plain_data__is_in_its_own_order_with_every_option() -> None:
    recipe = Cleaning.read(
        ["duplicates", {"step": "length", "min_characters": 3, "of": "conversation"}, "html", "html"]
    )
    assert [step["step"] for step in recipe.as_list()] == ["duplicates", "length", "html", "html"]
    assert recipe.as_list()[0] == {"step": "duplicates", "of": "conversation"}
    assert recipe.as_list()[1]["max_characters"] is None
    assert Cleaning.read(recipe.as_list()) == recipe and not Cleaning.read([]).as_list()


@pytest.mark.parametrize(
    ("raw", "field", "said"),
    [
        ("html", "steps", "must be a list"),
        ([{"step": "magic"}], "steps.0", "no step “magic”"),
        ([{"name": "html"}], "steps.0", "needs its name"),
        ([1], "steps.0", "needs its name"),
        (["html"] * 101, "steps", "at most 100"),
        ([{"step": "html", "of": "answer"}], "steps.0", "no option “of”"),
        (["html", {"step": "length"}], "steps.1.min_characters", "least or a greatest"),
        ([{"step": "length", "min_characters": 9, "max_characters": 3}], "steps.0.min_characters", "9, is above"),
        ([{"step": "length", "max_characters": -1}], "steps.0.max_characters", "whole number"),
        ([{"step": "length", "max_characters": True}], "steps.0.max_characters", "whole number"),
        ([{"step": "duplicates", "of": "title"}], "steps.0.of", "one of: conversation"),
        ([{"step": "near_duplicates", "threshold": 0.1}], "steps.0.threshold", "from 0.4 to 1"),
    ],
    ids=str,
)
def test_recipe__bad_option__names_it(raw: Any, field: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        Cleaning.read(raw)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("number", "1"), ("number", 1.5), ("number", float("nan")), ("number", 10**400), ("number", [1]), ("whole", 1.0), ("whole", 0),
        ("whole", True), ("text", 5), ("text", "too long"), ("one", "c"), ("one", ["a"]), ("some", ["c"]), ("some", 3), ("flag", 1),
        ("words", [1]), ("words", ["a", "b", "c", "d"]), ("words", {"a": 1}), ("pairs", ["a"]), ("pairs", {"a": [1]}), ("pairs", {1: 1}),
        ("pairs", {"a": float("inf")}), ("column", 4), ("column", ""), ("column", None),
    ],
)  # fmt: skip
def test_options__value_of_another_kind__is_refused_by_name(option: str, value: Any, every: StepKind) -> None:
    raw = {"step": every.name, "column": "c", option: value}
    with pytest.raises(UserError) as caught:
        read_steps([raw])
    assert caught.value.field == f"steps.0.{option}"


def test_options__left_out__are_the_defaults(every: StepKind) -> None:
    (_kind, options), *_rest = read_steps([{"step": every.name, "column": "c", "words": "one\n\n two\n"}])
    assert options["number"] == 0.5 and options["some"] == ["a"] and options["words"] == ["one", " two"]
    assert options["whole"] is None and options["flag"] is False and options["pairs"] == {}


def test_register__name_that_is_taken__is_refused() -> None:
    with pytest.raises(ValueError, match="html"):
        register(StepKind("html", "x", "", "text", (), EVERY.make))


def test_recipe__form_that_a_step_does_not_take__names_the_step() -> None:
    with pytest.raises(UserError, match="form image") as caught:
        Cleaning.read(["html", "near_duplicates"]).form_after("image")
    assert caught.value.field == "steps.1"


def test_prepare__rows__are_cleaned_deduplicated_and_parted(tmp_path: Path) -> None:
    shards = shards_of(tmp_path / "before", MIXED)
    result = prepare(shards, tmp_path / "table", Cleaning.read(ALL), SplitPlan.read({"seed": 1}))
    made = made_by(result, shards, tmp_path / "table")
    assert [item.messages[1].content for item in made[:3]] == ["Hello there", "schön", "a0"]
    assert [item.source_line for item in made[:3]] == [1, 3, 6] and made[2].extra == '{"user": 0}'
    told = result["tally"]
    assert (told["rows"], told["kept"]) == (25, 22) and told["changed"] == {"html": 1, "unicode": 1, "whitespace": 1}
    assert told["dropped"] == {"length": 1, "empty": 1, "duplicates": 1}
    assert [(step["step"], step["changed"], step["dropped"]) for step in told["steps"]] == [
        ("html", 1, 1), ("unicode", 1, 0), ("whitespace", 1, 0), ("length", 0, 1), ("duplicates", 0, 1),
    ]  # fmt: skip
    assert told["steps"][0]["reasons"] == {"empty": 1} and told["steps"][4]["facts"] == {"kinds": 22}
    assert result["row_count"] == 22 and (result["added"], result["removed"]) == (1, 4)
    assert sum(result["split_counts"].values()) == 22 and {item.split for item in made} == set(result["split_counts"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["before", "table"]


def test_prepare__steps_in_another_order__run_in_that_order(tmp_path: Path) -> None:
    rows = [chat("Hi", "<b>a</b>"), chat("Hi", "a"), chat("Hi", "b")]
    shards = shards_of(tmp_path / "x", rows)
    first = prepare(shards, tmp_path / "a", Cleaning.read(["duplicates", "html"]), None)
    then = prepare(shards, tmp_path / "b", Cleaning.read(["html", "duplicates"]), None)
    both = prepare(shards, tmp_path / "c", Cleaning.read(["duplicates", "html", "duplicates"]), None)
    assert (first["row_count"], then["row_count"], both["row_count"]) == (3, 2, 2)
    assert [step["dropped"] for step in both["tally"]["steps"]] == [0, 0, 1]
    assert both["content_hash"] == then["content_hash"] != first["content_hash"]


def test_prepare__few_rows_change__keeps_the_shards_of_the_parent(tmp_path: Path) -> None:
    rows = [chat(f"q{n}", f"a{n}", n) for n in range(100)]
    rows[7], rows[50] = chat("q7", "<b>a7</b>", 7), rows[49]
    shards = shards_of(tmp_path / "x", rows)
    result = prepare(shards, tmp_path / "table", Cleaning.read(["html", "duplicates"]), None)
    assert result["keeps_parent"] and result["shards"] == [] and result["patch"]["rows"] == 2
    made = made_by(result, shards, tmp_path / "table")
    assert (
        len(made) == result["row_count"] == 99
        and made[7].messages[1].content == "a7"
        and made[7].key == rows[7].row_id[:32]
    )
    whole = prepare(shards_of(tmp_path / "y", made), tmp_path / "other", Cleaning.read(["html"]), None)
    assert whole["content_hash"] == result["content_hash"] and whole["patch"] is None
    assert whole["statistics"] == result["statistics"] and (result["added"], result["removed"]) == (1, 2)


def test_prepare__a_version_with_a_patch__reads_and_extends_it(tmp_path: Path) -> None:
    rows = [chat(f"q{n}", f"a{n}" + " " * (n == 3), n) for n in range(60)]
    rows[40] = chat("q40", "<b>x</b>", 40)
    shards = shards_of(tmp_path / "x", rows)
    first = prepare(shards, tmp_path / "one", Cleaning.read(["whitespace"]), None)
    paths = [*shards, tmp_path / "one" / first["patch"]["name"]]
    second = prepare(paths, tmp_path / "two", Cleaning.read(["html"]), None)
    assert second["patch"]["rows"] == 2
    made = made_by(second, shards, tmp_path / "two")
    assert [made[3].messages[1].content, made[40].messages[1].content] == ["a3", "x"]
    assert (
        second["content_hash"]
        == prepare(shards, tmp_path / "3", Cleaning.read(["whitespace", "html"]), None)["content_hash"]
    )


def test_prepare__no_new_split__keeps_the_ones_that_rows_have(tmp_path: Path) -> None:
    splits = ["train", "test", "train", "train"]
    rows = [chat(f"q{n}", f"a{n} ", n, split) for n, split in enumerate(splits)]
    result = prepare(shards_of(tmp_path / "x", rows), tmp_path / "table", Cleaning.read(["whitespace"]), None)
    assert result["split_counts"] == {"train": 3, "test": 1}
    assert pq.read_table(tmp_path / "table" / "shard-00000.parquet").column("split").to_pylist() == splits
    short = Cleaning.read([{"step": "length", "min_characters": 5}])
    longer = [item._replace(messages=[*item.messages[:1], Message("assistant", "long" * 3)]) for item in rows[2:]]
    with pytest.raises(UserError, match="no row of the test split"):
        prepare(shards_of(tmp_path / "y", [*rows[:2], *longer]), tmp_path / "other", short, None)


@pytest.mark.parametrize(
    "steps", [[{"step": "length", "min_characters": 5000}], [{"step": "length", "min_characters": 5000}, "duplicates"]]
)
def test_prepare__nothing_left__leaves_no_folder(steps: list[Any], tmp_path: Path) -> None:
    shards = shards_of(tmp_path / "before", MIXED)
    with pytest.raises(UserError, match="leaves no row"):
        prepare(shards, tmp_path / "table", Cleaning.read(steps), None)
    assert [path.name for path in tmp_path.iterdir()] == ["before"]


def test_step__that_changes_and_then_drops__counts_both(tmp_path: Path) -> None:
    register(StepKind("test_drop", "x", "", "rows", (), lambda options, facts: lambda row: Dropped("why")))
    try:
        told = rehearse(MIXED[:2], Cleaning.read(["html", "test_drop"]), None)
    finally:
        del REGISTRY["test_drop"]
    assert told.tally.steps[0].changed == 1 and told.tally.steps[1].as_dict()["reasons"] == {"why": 2}
    assert told.examples[0]["changed"] == ["html"] and told.examples[0]["dropped_by"] == "test_drop"


TEXTS = st.sampled_from(
    ["a", "<b>a</b>", "a  b", "schÃ¶n", "<p></p>", "x" * 30, "one two three four five six seven", "中文数据 "]
)
RECIPES = st.lists(
    st.sampled_from(
        ["html", "unicode", "whitespace", "duplicates", "near_duplicates", {"step": "length", "max_characters": 20}]
    ),
    max_size=5,
)


@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=3, max_size=25),
    RECIPES,
    st.sampled_from([None, {"test": 0.4, "train": 0.6}]),
)
@settings(max_examples=30, deadline=None)
def test_recipe__same_rows__same_hash_whatever_the_shards(
    pairs: list[tuple[str, str]], steps: Any, fractions: Any
) -> None:
    """Any size of shards, with and without child processes; and a rehearsal counts the same."""
    import tempfile

    rows = [chat(*pair, number) for number, pair in enumerate(pairs)]
    cleaning, plan = Cleaning.read(steps), SplitPlan.read({"fractions": fractions}) if fractions else None
    found = list[tuple[Any, ...]]()
    with tempfile.TemporaryDirectory() as name:
        for shard_rows in (2, 50):
            shards = shards_of(Path(name) / str(shard_rows), rows, shard_rows)
            try:
                result = prepare(shards, Path(name) / f"to-{shard_rows}", cleaning, plan, processes=1)
                found.append((result["content_hash"], result["tally"], result["split_counts"], result["borders"]))
            except UserError as error:
                found.append((error.message,))
    told = rehearse(rows, cleaning, plan)
    assert found[0] == found[1]
    assert (told.problem.message if told.problem else told.tally.as_dict()) == found[0][0 if told.problem else 1]


def test_recipe__on_two_processes__gives_the_same_version(tmp_path: Path) -> None:
    rows = [chat(f"<b>q{n}</b>" if n % 3 else f"q{n}", f"schÃ¶n {n % 70}", n) for n in range(800)]
    shards, steps = (
        shards_of(tmp_path / "x", rows, 300),
        ["html", "unicode", {"step": "duplicates", "of": "answer"}, "whitespace"],
    )
    cleaning = Cleaning.read(steps)
    results = [prepare(shards, tmp_path / f"t{count}", cleaning, None, processes=count) for count in (1, 2)]
    assert results[0] == results[1] and results[0]["row_count"] == 70


def test_rehearsal__sample__tells_what_the_job_does(tmp_path: Path) -> None:
    plan = SplitPlan.read({"seed": 1})
    told = rehearse(MIXED, Cleaning.read(ALL), plan)
    done = prepare(shards_of(tmp_path / "x", MIXED), tmp_path / "table", Cleaning.read(ALL), plan)
    assert told.tally.as_dict() == done["tally"] and told.split_counts == done["split_counts"]
    shown = [(item["index"], item["changed"], item["dropped_by"], item["after"] is None) for item in told.examples]
    assert shown == [
        (0, ["html", "whitespace"], "", False),
        (1, [], "duplicates", True),
        (2, ["unicode"], "", False),
        (3, [], "length", True),
        (4, [], "empty", True),
    ]


def test_rehearsal__many_changes__shows_the_first_of_each_kind() -> None:
    rows = [chat(f"q{n}", "a " if n != 40 else "<p>b</p> ") for n in range(50)]
    told = rehearse(rows, Cleaning.read(["whitespace", "html"]), None)
    assert [item["index"] for item in told.examples] == [*range(SHOWN_ALIKE), 40]
    assert told.tally.changed["whitespace"] == 50 and told.problem is None


def test_rehearsal__nothing_left__has_its_problem() -> None:
    told = rehearse(MIXED, Cleaning.read([{"step": "length", "min_characters": 5000}]), None)
    assert told.problem is not None and told.tally.kept == 0


def test_rehearsal__step_that_loads_a_model__is_left_out_and_told() -> None:
    told = rehearse(MIXED, Cleaning.read(["html", "semantic_duplicates", "whitespace"]), None)
    assert told.skipped == [1] and [step.is_skipped for step in told.tally.steps] == [False, True, False]
    assert told.examples[0]["places"] == [0, 2]


def test_prepare__patched_parent_shards_are_not_copied__size_grows_by_the_change(tmp_path: Path) -> None:
    rows = [chat(f"question {n} " * 20, f"answer {n} " * 20, n) for n in range(3_000)]
    rows[10] = chat("q", "a ", 10)
    shards = shards_of(tmp_path / "x", rows, 1_000)
    result = prepare(shards, tmp_path / "t", Cleaning.read(["whitespace"]), None, facts=Facts())
    assert result["row_count"] == count_rows(shards) and result["tally"]["changed"]["whitespace"] == 3_000
