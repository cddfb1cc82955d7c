"""Figures of a profile against values worked out by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workers.formats.chat import Message, TrainingRow
from workers.formats.forms import make_row
from workers.formats.shards import as_table
from workers.profiling import label_errors, near, perplexity, topics
from workers.profiling.columns import Columns
from workers.profiling.figures import assemble, fences
from workers.profiling.identities import Identities, leaked_rows
from workers.profiling.reading import count_words, excerpt, read_block
from workers.profiling.samples import Picker
from workers.profiling.sketch import EXACT, Sketch
from workers.profiling.tally import Tally, Tools
from workers.profiling.tools import personal_kinds


def sketch_of(*values: float) -> Sketch:
    made = Sketch()
    made.add(values)
    return made


def test_sketch__few_values__is_exact() -> None:
    found = sketch_of(1, 2, 3, 4, 10).summary()
    assert (found["n"], found["total"], found["mean"], found["least"], found["most"]) == (5, 20, 4, 1, 10)
    assert found["quantiles"]["0.5"] == 3 and found["quantiles"]["0.25"] == 2
    assert found["histogram"] == {
        "edges": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5],
        "counts": [1, 1, 1, 1, 0, 0, 0, 0, 0, 1],
        "is_log": False,
    }


def test_sketch__many_values__is_within_one_per_cent_and_small() -> None:
    values = np.random.default_rng(1).lognormal(5, 2, 200_000)
    made = Sketch()
    for part in np.split(values, 40):
        made.add(part)
    assert not made.is_exact and made.count == 200_000
    for share, found in zip((0.01, 0.5, 0.99), made.quantiles((0.01, 0.5, 0.99)), strict=True):
        assert found == pytest.approx(np.quantile(values, share), rel=0.011)
    assert made.total == pytest.approx(values.sum())
    assert len(made.as_dict()["bins"]) < 2_000
    assert sum(made.histogram()["counts"]) == 200_000


def test_sketch__negative_values_and_zeros__are_kept_in_order() -> None:
    made = Sketch()
    made.add(np.r_[np.full(EXACT, -5.0), np.zeros(10), np.full(EXACT, 5.0)])
    assert made.quantiles((0.1, 0.5, 0.9)) == [-5.0, 0.0, 5.0]


def test_sketch__written_and_read__goes_on_alike() -> None:
    for values in ([1.0, 2.0], np.arange(1.0, EXACT + 10)):
        one = sketch_of(*values)
        other = Sketch.read(one.as_dict())
        one.add([7.0])
        other.add([7.0])
        assert one.summary() == other.summary()


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), ("one two", 2), ("schön, ja", 2), ("你好世界", 4), ("ok 你好 yes", 4), ("สวัสดี", 6)]
)
def test_words__of_scripts_without_spaces__count_by_character(text: str, words: int) -> None:
    assert count_words(text) == words


def test_excerpt__of_a_long_text__is_cut_with_a_mark() -> None:
    assert excerpt("a\n b") == "a b"
    assert excerpt("x" * 500).endswith("…") and len(excerpt("x" * 500)) == 160


def chat(question: str, answer: str, *, extra: str | None = None, split: str = "", system: str = "") -> TrainingRow:
    messages = [Message("system", system)] if system else []
    messages += [Message("user", question), Message("assistant", answer)]
    return make_row("chat", messages, None, source_line=1, extra=extra, split=split)


def tally_of(rows: list[TrainingRow], form: str = "chat", tools: Tools | None = None) -> Tally:
    tally = Tally(form)
    table = as_table(rows)
    block = read_block(0, table.select(["messages", "content", "extra", "split"]))
    everything = list(range(len(rows)))
    tally.add(block, dict.fromkeys(("tokens", "personal", "languages", "near", "rows"), everything), tools or Tools())
    return tally


def facts_of(rows: list[TrainingRow]) -> dict[str, Any]:
    found = Identities.read([as_table(rows).select(["row_id", "split"])])
    told = {"rows": len(found), "repeated": found.repeated(), "leaked": found.leaked()}
    return {**told, "splits": found.split_counts()}


def figures_of(rows: list[TrainingRow], form: str = "chat", tools: Tools | None = None) -> dict[str, Any]:
    return assemble(tally_of(rows, form, tools), facts_of(rows), {}, {})


def test_lengths__of_conversations__are_those_of_all_texts() -> None:
    found = figures_of([chat("Hi there", "Yes"), chat("A", "B c", system="S")])["lengths"]
    assert (found["characters"]["total"], found["words"]["total"]) == (8 + 3 + 1 + 3 + 1, 3 + 4)
    assert found["turns"]["quantiles"]["0.5"] == 2.5
    assert "tokens" not in found


def test_tokens__with_a_tokenizer__are_counted() -> None:
    tools = Tools(count_tokens=lambda rows: [sum(len(text.split()) for text in texts) for texts in rows])
    assert figures_of([chat("Hi there", "Yes")], tools=tools)["lengths"]["tokens"]["total"] == 3


def test_outliers__by_tukeys_fences_on_the_log__are_those_beyond() -> None:
    rows = [chat("q", "x" * (length - 1)) for length in (90, 95, 100, 105, 110, 100, 100, 9_000, 2)]
    tally = tally_of(rows)
    low, high = fences(tally) or (0, 0)
    quarter, three = math.log(95), math.log(105)
    assert (low, high) == pytest.approx(
        (math.exp(quarter - 1.5 * (three - quarter)), math.exp(three + 1.5 * (three - quarter)))
    )
    found = assemble(tally, facts_of(rows), {}, {})["outliers"]
    assert (found["rows"], found["short"], found["long"]) == (2, 1, 1)
    assert [(one["place"], one["characters"]) for one in found["examples"]] == [(8, 2), (7, 9_000)]


def test_missing__empty_null_and_absent__all_count() -> None:
    columns = Columns()
    for row in ({"a": "x", "b": 1}, {"a": "  ", "b": None}, {"a": "y"}, {"a": "z", "b": 4.5}):
        columns.add(row)
    assert columns.missing() == {"n": 8, "missing": 3, "share": 0.375, "columns": 2}
    told = {one["name"]: one for one in columns.summary()}
    assert (told["a"]["missing"], told["b"]["missing"], told["b"]["kind"]) == (1, 2, "number")
    assert Columns.read(columns.as_dict()).summary() == columns.summary()


def test_missing__of_chat__counts_its_messages_as_one_column_that_is_there() -> None:
    rows = [chat("a", "b", extra='{"topic": "x"}'), chat("c", "d", extra='{"topic": ""}')]
    assert figures_of(rows)["missing"] == {"n": 4, "missing": 1, "share": 0.25, "columns": 2}


def test_labels__balance__has_evenness_and_ratio() -> None:
    rows = [
        make_row("classification", [], {"text": f"t{n}", "label": "a" if n < 6 else "b"}, source_line=1)
        for n in range(8)
    ]
    found = figures_of(rows, "classification")["labels"]
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)
    assert (found["n"], found["distinct"], found["ratio"]) == (8, 2, 3.0)
    assert found["evenness"] == pytest.approx(entropy, abs=1e-4)
    assert found["top"][0] == {"label": "a", "count": 6}


def test_spans__of_entities__are_their_labels() -> None:
    content = {
        "text": "Ann in Rome",
        "spans": [{"start": 0, "end": 3, "label": "P"}, {"start": 7, "end": 11, "label": "L"}],
    }
    found = figures_of([make_row("ner", [], content, source_line=1)], "ner")
    assert found["labels"]["n"] == 2 and found["lengths"]["characters"]["total"] == 11


def test_table__columns__are_described_by_kind() -> None:
    rows = [
        make_row("tabular", [], {"values": {"age": n, "city": "Rome" if n % 2 else "Oslo"}}, source_line=1)
        for n in range(40)
    ]
    told = {one["name"]: one for one in figures_of(rows, "tabular")["columns"]}
    assert told["age"]["numbers"]["quantiles"]["0.5"] == 19.5
    assert (told["city"]["kind"], told["city"]["distinct"]) == ("category", 2)


def test_personal__each_kind__is_counted_by_row_and_by_hit() -> None:
    rows = [chat("Write to a@example.com or b@example.com", "ok"), chat("Hi", "ho")]
    found = figures_of(rows, tools=Tools(find=personal_kinds))["personal"]
    assert (found["n"], found["rows"], found["share"]) == (2, 1, 0.5)
    assert found["kinds"] == [{"kind": "email", "rows": 1, "hits": 2}]


def test_duplicates__exact__are_rows_that_come_again() -> None:
    rows = [chat("a", "b"), chat("c", "d"), chat("a", "b"), chat("a", "b")]
    assert figures_of(rows)["duplicates"]["exact"] == {"n": 4, "rows": 2, "share": 0.5}


def test_leak__same_row_in_two_splits__counts_the_later_one() -> None:
    rows = [chat("a", "b", split="train"), chat("a", "b", split="test"), chat("c", "d", split="validation")]
    found = figures_of(rows)["leak"]
    assert (found["n"], found["exact"], found["rows"]) == (2, 1, 1)


def test_leaked_rows__groups_over_splits__counts_all_but_the_first_split() -> None:
    groups = np.array([1, 1, 1, 2, 3, 3])
    parts = np.array([1, 1, 3, 3, 2, 3], np.uint8)
    assert leaked_rows(groups, parts) == 2
    assert leaked_rows(groups, np.zeros(6, np.uint8)) == 0


SENTENCE = "the parcel left our warehouse in the morning and will be with you within two working days at your door step"


def test_near__one_word_of_many_changed__is_a_duplicate() -> None:
    texts = [
        SENTENCE,
        f"{SENTENCE} today",
        "something else entirely that nobody has ever said about any of our parcels",
    ]
    found = near.figures(texts, np.array([1, 3, 1], np.uint8), np.array([4, 8, 9]))
    assert (found["n"], found["rows"], found["leaked"]) == (3, 1, 1)
    assert found["groups"] == [{"place": 4, "rows": 2}]


def test_picker__samples__are_of_a_size_and_within_each_other() -> None:
    rows = [chat(f"q{n}", "a") for n in range(300)]
    identities = Identities.read([as_table(rows).select(["row_id", "split"])])
    picker = Picker(identities, 42, {"small": 20, "large": 100, "none": 0})
    small, large = set(picker.places("small").tolist()), set(picker.places("large").tolist())
    assert (len(small), len(large), picker.size("none")) == (20, 100, 0)
    assert small < large
    within = picker.within(100, 50)["large"]
    assert [place + 100 for place in within] == [place for place in sorted(large) if 100 <= place < 150]
    assert set(Picker(identities, 43, {"small": 20}).places("small").tolist()) != small


def test_picker__more_rows_of_the_same_kind__takes_no_more_than_asked() -> None:
    identities = Identities.read([as_table([chat("q", "a")] * 50).select(["row_id", "split"])])
    assert Picker(identities, 42, {"few": 7}).size("few") == 7


def test_tally__written_and_read__goes_on_alike(tmp_path: Path) -> None:
    tally = tally_of([chat("Hi there", "Yes", extra='{"n": 3}')])
    tally.save(tmp_path / "state.json")
    again = Tally.load(tmp_path / "state.json")
    facts = {"rows": 1, "repeated": 0, "leaked": 0, "splits": {}}
    assert assemble(again, facts, {}, {}) == assemble(tally, facts, {}, {})
    assert again.sample == tally.sample


def test_topics__rows_in_company__are_consistent_and_strangers_are_not() -> None:
    chance = np.random.default_rng(3)
    close = np.eye(1, 50)[0] + 0.05 * chance.normal(size=(90, 50))
    strange = chance.normal(size=(10, 50))
    vectors = np.vstack([close, strange])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = topics.figures(vectors, [{"place": n, "text": "t"} for n in range(100)])
    assert found["share"] == 0.9
    assert {one["place"] for one in found["examples"]} <= set(range(90, 100))


def test_topics__the_same_text_again__is_no_company() -> None:
    vectors = np.repeat(np.eye(20), 6, axis=0)
    assert topics.company(vectors).max() == 0


def test_label_errors__by_the_rule_of_confident_learning__are_the_off_diagonals() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.95, 0.05], [0.45, 0.55]])
    labels = np.array([0, 0, 1, 1, 1, 0])
    # believed from: class 0 at (0.9 + 0.8 + 0.45) / 3 = 0.7167, class 1 at (0.8 + 0.9 + 0.05) / 3 = 0.5833
    assert label_errors.confident_errors(probabilities, labels).tolist() == [-1, -1, -1, -1, 0, -1]


def test_label_errors__planted__are_found() -> None:
    chance = np.random.default_rng(5)
    labels = np.repeat([0, 1], 60)
    vectors = np.where(labels[:, None] == 0, -1.0, 1.0) + 0.3 * chance.normal(size=(120, 8))
    said = labels.copy()
    said[[3, 17, 100]] = 1 - said[[3, 17, 100]]
    rows = [{"place": n, "text": "t", "label": "ab"[label]} for n, label in enumerate(said)]
    found = label_errors.figures(vectors, rows, 42)
    assert {one["place"] for one in found["examples"]} == {3, 17, 100}
    assert (found["n"], found["rows"], found["share"]) == (120, 3, 0.025)


def test_label_errors__classes_too_small__are_left_out() -> None:
    rows = [{"label": "a"}] * 60 + [{"label": "b"}] * 4
    assert label_errors.usable(rows) == []
    assert len(label_errors.usable([*rows, {"label": "b"}])) == 65


def test_perplexity__of_known_losses__is_over_all_tokens() -> None:
    rows = [({"place": 0, "text": "a"}, 2 * math.log(8), 2), ({"place": 1, "text": "b"}, 0.0, 1)]
    found = perplexity._summed(rows, "texts")
    assert found["value"] == pytest.approx(4.0)  # (2 ln 8 + 0) / 3 tokens = ln 4
    assert (found["n"], found["tokens"], found["examples"][0]["perplexity"]) == (2, 3, 8.0)
    assert perplexity._summed([], "texts") == {"n": 0}
