"""Rows to tokens: the split, the counts, and what is refused."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workers import tiny
from workers import data
from workers.context import Context, Spec, Wish
from workers.failures import Interrupted, UserError
from workers.recipes import Recipe
from workers.reporter import Reporter
from workers.tokens import masker_for


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny.make_tokenizer()


def ids(side: Any) -> list[tuple[int, ...]]:
    return sorted(map(tuple, side["input_ids"]))


def tokenize(tokenizer: Any, folder: Path, shards: list[Path], **settings: Any) -> data.Rows:
    recipe = Recipe.from_dict({"max_length": 128, **settings})
    context = make_context(folder, shards)
    return data.tokenize(context, data.Conversations(masker_for(tokenizer, recipe.max_length)), recipe)


def make_context(folder: Path, shards: list[Path]) -> Context:
    spec = Spec("fine_tune", folder, inputs={"shards": [str(shard) for shard in shards]})
    return Context(spec, Reporter(folder / "events-1.jsonl"))


def shard_of(folder: Path, numbers: range, name: str = "rows.parquet") -> Path:
    return tiny.write_shard(folder / name, [tiny.conversation(number) for number in numbers])


def test_split__same_rows_in_another_order__keeps_the_same_for_measuring(tokenizer: Any, tmp_path: Path) -> None:
    one = shard_of(tmp_path, range(40))
    two = [shard_of(tmp_path, range(20, 40), "b.parquet"), shard_of(tmp_path, range(20), "a.parquet")]
    first, second = (tokenize(tokenizer, tmp_path, shards, eval_fraction=0.2) for shards in ([one], two))
    assert first.counts.eval_rows == second.counts.eval_rows == 8
    assert ids(first.evaluation) == ids(second.evaluation)
    assert first.fingerprint != second.fingerprint


def test_split__equal_rows__are_never_on_both_sides(tokenizer: Any, tmp_path: Path) -> None:
    shard = tiny.write_shard(tmp_path / "rows.parquet", [tiny.conversation(number % 10) for number in range(40)])
    split = tokenize(tokenizer, tmp_path, [shard], eval_fraction=0.25)
    train, evaluation = set(ids(split.train)), set(ids(split.evaluation))
    assert not train & evaluation


def test_split__another_seed__keeps_other_rows(tokenizer: Any, tmp_path: Path) -> None:
    shard = shard_of(tmp_path, range(40))
    kept = [ids(tokenize(tokenizer, tmp_path, [shard], seed=seed).evaluation) for seed in (1, 2)]
    assert kept[0] != kept[1]


def test_split__cap_and_none__are_honoured(tokenizer: Any, tmp_path: Path) -> None:
    shard = shard_of(tmp_path, range(40))
    assert tokenize(tokenizer, tmp_path, [shard], eval_fraction=0.5, eval_max_rows=3).counts.eval_rows == 3
    assert tokenize(tokenizer, tmp_path, [shard], eval_fraction=0.0).evaluation is None


def split_shard(folder: Path, splits: list[str | None], name: str = "rows.parquet") -> Path:
    path = shard_of(folder, range(len(splits)), name)
    pq.write_table(pq.read_table(path).append_column("split", pa.array(splits, pa.string())), path)
    return path


def test_split__named_by_the_rows__trains_on_train_and_measures_validation(tokenizer: Any, tmp_path: Path) -> None:
    splits = ["train", "validation", "test", "train"] * 10
    named = tokenize(tokenizer, tmp_path, [split_shard(tmp_path, list(splits))], eval_fraction=0.1)
    counts = named.counts
    assert (counts.rows, counts.train_rows, counts.eval_rows, counts.aside_rows) == (30, 20, 10, 10)
    parts = {
        name: ids(
            tokenize(
                tokenizer,
                tmp_path,
                [
                    tiny.write_shard(
                        tmp_path / f"{name}.parquet", [tiny.conversation(n) for n in range(40) if splits[n] == name]
                    )
                ],
                eval_fraction=0.0,
            ).train
        )
        for name in set(splits)
    }
    assert ids(named.train) == parts["train"] and ids(named.evaluation) == parts["validation"]


def test_split__named__cap_and_no_measuring_are_honoured(tokenizer: Any, tmp_path: Path) -> None:
    shard = split_shard(tmp_path, ["train", "validation"] * 10)
    few = tokenize(tokenizer, tmp_path, [shard], eval_max_rows=3).counts
    assert (few.train_rows, few.eval_rows, few.aside_rows) == (10, 3, 7)
    none = tokenize(tokenizer, tmp_path, [shard], eval_fraction=0.0)
    assert none.evaluation is None and none.counts.train_rows == 10
    again = tokenize(tokenizer, tmp_path, [split_shard(tmp_path, ["validation", "train"] * 10, "b.parquet")])
    assert again.fingerprint != none.fingerprint


def test_split__column_of_nothing__is_as_no_column(tokenizer: Any, tmp_path: Path) -> None:
    without = tokenize(tokenizer, tmp_path, [shard_of(tmp_path, range(20))])
    empty = tokenize(tokenizer, tmp_path, [split_shard(tmp_path, [None] * 20, "b.parquet")])
    assert ids(without.train) == ids(empty.train) and without.fingerprint == empty.fingerprint


def test_split__named_without_train__is_a_user_error(tokenizer: Any, tmp_path: Path) -> None:
    for splits in (["test"] * 6, ["validation", "test"] * 3):
        with pytest.raises(UserError, match="train split"):
            tokenize(tokenizer, tmp_path, [split_shard(tmp_path, list(splits))])


def test_tokenize__long_and_unusable_rows__are_counted(tokenizer: Any, tmp_path: Path) -> None:
    long = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "boat " * 300}]
    cut = [{"role": "user", "content": "boat " * 300}, {"role": "assistant", "content": "Hi"}]
    silent = [{"role": "user", "content": "Hi"}]
    shard = tiny.write_shard(tmp_path / "rows.parquet", [long, cut, silent, tiny.conversation(1)])
    rows = tokenize(tokenizer, tmp_path, [shard], eval_fraction=0.0)
    assert (rows.counts.rows, rows.counts.train_rows, rows.counts.truncated_rows, rows.counts.dropped_rows) == (
        4,
        2,
        1,
        2,
    )
    assert rows.counts.longest_row > 300
    assert max(map(len, rows.train["input_ids"])) == 128


def test_tokenize__nothing_within_the_limit__names_the_setting(tokenizer: Any, tmp_path: Path) -> None:
    shard = tiny.write_shard(
        tmp_path / "rows.parquet", [[{"role": "user", "content": "x " * 100}, {"role": "assistant", "content": "y"}]]
    )
    with pytest.raises(UserError) as caught:
        tokenize(tokenizer, tmp_path, [shard], max_length=16)
    assert caught.value.field == "max_length" and "16" in caught.value.message


def test_tokenize__no_rows_at_all__is_a_user_error(tokenizer: Any, tmp_path: Path) -> None:
    shard = shard_of(tmp_path, range(1))
    pq.write_table(pq.read_table(shard).slice(0, 0), shard)
    with pytest.raises(UserError, match="no rows"):
        tokenize(tokenizer, tmp_path, [shard])


def test_tokenize__template_that_refuses_a_row__loses_only_that_row(tmp_path: Path) -> None:
    strict = tiny.make_tokenizer()
    strict.chat_template = (
        "{% if messages[0]['role'] != 'user' %}{{ raise_exception('user first') }}{% endif %}" + strict.chat_template
    )
    bad = [{"role": "assistant", "content": "No question."}]
    shard = tiny.write_shard(tmp_path / "rows.parquet", [bad, *(tiny.conversation(number) for number in range(3))])
    assert tokenize(strict, tmp_path, [shard], eval_fraction=0.0).counts.dropped_rows == 1
    with pytest.raises(UserError, match="user first"):
        tokenize(strict, tmp_path, [tiny.write_shard(tmp_path / "bad.parquet", [bad, bad])])


def test_tokenize__asked_to_leave__does(tokenizer: Any, tmp_path: Path) -> None:
    context = make_context(tmp_path, [shard_of(tmp_path, range(10))])
    context.ask(Wish.LEAVE)
    with pytest.raises(Interrupted):
        data.tokenize(context, data.Conversations(masker_for(tokenizer, 128)), Recipe())


def test_tokenize__files_it_writes__do_not_stay_on_disk(tokenizer: Any, tmp_path: Path) -> None:
    rows = tokenize(tokenizer, tmp_path, [shard_of(tmp_path, range(10))])
    assert list((tmp_path / "work").iterdir()) == []
    assert len(ids(rows.train)) + len(ids(rows.evaluation)) == 10
