"""Measuring a checkpoint and answering for a round, with the tiny model: right, interrupted, resumed, refused."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workers import tiny
from tests.workers.conftest import Event, Outcome, Trainer, answer_of, loaded, run_program
from workers.answering import Journal
from workers.context import Context, Spec, Wish
from workers.failures import EXIT_INTERRUPTED

COUNT = 12


def write_rows(path: Path, count: int = COUNT, **changes: Any) -> Path:
    rows = [tiny.conversation(number) for number in range(count)]
    lines = [
        {"row_id": f"row-{number}", "messages": row[:1], "reference": row[1]["content"], **changes}
        for number, row in enumerate(rows)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def tuned(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    outcome = train(tmp_path_factory.mktemp("tuned"), max_steps=30, eval_fraction=0.0, save_every=0, learning_rate=3e-2)
    return {"folder": str(outcome.folder / str(outcome.result["checkpoint"])), "method": "lora"}


@pytest.fixture
def evaluate(tiny_model: Path, tuned: dict[str, str], tmp_path: Path) -> Callable[..., Outcome]:
    def go(watch: Any = None, *, folder: Path = tmp_path / "job", epoch: int = 1, **changes: Any) -> Outcome:
        rows = changes.pop("rows", None) or write_rows(folder / "work" / "rows.jsonl")
        inputs = {"model": {"folder": str(tiny_model)}, "tuned": tuned, "rows": str(rows), **changes}
        return run_program(Spec("evaluate", folder, epoch=epoch, inputs=inputs, settings={"max_tokens": 12}), watch)

    return go


@pytest.fixture
def answer(tiny_model: Path, tuned: dict[str, str], tmp_path: Path) -> Callable[..., Outcome]:
    def go(watch: Any = None, *, epoch: int = 1, rows: Path | None = None, places: str = "AB") -> Outcome:
        folder = tmp_path / "round"
        found = rows or write_rows(folder / "work" / "rows.jsonl")
        sides = [{"place": place, "model": {"folder": str(tiny_model)}, "tuned": tuned} for place in places]
        inputs = {"rows": str(found), "sides": sides}
        return run_program(Spec("answers", folder, epoch=epoch, inputs=inputs, settings={"max_tokens": 8}), watch)

    return go


def lines_of(outcome: Outcome) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (outcome.folder / outcome.result["file"]).read_text().splitlines()]


def leave_after(block: int) -> Callable[[Context, Event], None]:
    """The supervisor asks to leave once so many blocks are told of."""

    def watch(context: Context, event: Event) -> None:
        if event["type"] == "progress" and event["phase"] in ("Measuring", "Answering"):
            watch.told += 1  # type: ignore[attr-defined]
            if watch.told == block:  # type: ignore[attr-defined]
                context.ask(Wish.LEAVE)

    watch.told = 0  # type: ignore[attr-defined]
    return watch


def test_evaluate__tuned_beside_base__tuned_is_better_on_what_it_learned(evaluate: Callable[..., Outcome]) -> None:
    outcome = evaluate()
    assert outcome.code == 0, outcome.events[-1]
    metrics = outcome.result["metrics"]
    assert metrics["rows"] == COUNT
    assert metrics["difference"]["loss"]["high"] < 0
    assert metrics["tuned"]["rouge_l"]["value"] > metrics["base"]["rouge_l"]["value"]
    assert metrics["tuned"]["perplexity"]["value"] == pytest.approx(math.exp(metrics["tuned"]["loss"]["value"]))
    rows = lines_of(outcome)
    assert [row["tuned"]["rouge_l"] for row in rows] == sorted(row["tuned"]["rouge_l"] for row in rows)
    assert {row["row_id"] for row in rows} == {f"row-{number}" for number in range(COUNT)}
    last = outcome.of("progress")[-1]
    assert (last["done"], last["total"]) == (2 * COUNT, 2 * COUNT)


def test_evaluate__loss_of_the_base__is_what_transformers_says(
    evaluate: Callable[..., Outcome], tiny_model: Path
) -> None:
    import torch

    [row] = [row for row in lines_of(evaluate()) if row["row_id"] == "row-3"]
    model, tokenizer = loaded(tiny_model)
    prompt = tokenizer.apply_chat_template(row["messages"], add_generation_prompt=True, tokenize=False)
    whole = tokenizer(prompt + row["reference"] + "<|im_end|>", return_tensors="pt", add_special_tokens=False)
    begin = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    labels = whole["input_ids"].clone()
    labels[:, :begin] = -100
    with torch.no_grad():
        loss = float(model(**whole, labels=labels).loss)
    assert row["tokens"] == whole["input_ids"].shape[1] - begin
    assert row["base"]["nll"] / row["tokens"] == pytest.approx(loss, rel=1e-4)


def test_evaluate__answers_of_the_base__are_those_of_the_untouched_model(
    evaluate: Callable[..., Outcome], tiny_model: Path
) -> None:
    [row] = [row for row in lines_of(evaluate()) if row["row_id"] == "row-5"]
    assert row["base"]["answer"] == answer_of(tiny_model, row["messages"], 12).strip()


def test_evaluate__interrupted__goes_on_to_the_same_result(evaluate: Callable[..., Outcome], tmp_path: Path) -> None:
    whole = evaluate(folder=tmp_path / "whole")
    first = evaluate(leave_after(1))
    assert first.code == EXIT_INTERRUPTED
    before = len((first.folder / "work" / "measured.jsonl").read_text().splitlines())
    assert before == 8  # one block of one side
    second = evaluate(epoch=2)
    assert second.code == 0
    assert second.result["metrics"] == whole.result["metrics"]
    assert second.result["sha256"] == whole.result["sha256"]
    assert second.of("progress")[1]["done"] == 8  # told again, not done again


def test_evaluate__stop__ends_without_a_half_result(evaluate: Callable[..., Outcome]) -> None:
    def stop(context: Context, event: Event) -> None:
        if event["type"] == "progress" and event["phase"] == "Measuring":
            context.ask(Wish.STOP_AND_SAVE)

    outcome = evaluate(stop)
    assert outcome.code == EXIT_INTERRUPTED
    assert not outcome.of("result")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "no row with a question"),
        ({"messages": [{"role": "user", "content": "word " * 2000}]}, "can read none"),
    ],
    ids=["no-rows", "too-long"],
)
def test_evaluate__rows_of_no_use__are_refused_in_words(
    evaluate: Callable[..., Outcome], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    outcome = evaluate(rows=write_rows(tmp_path / "odd.jsonl", **changes))
    assert outcome.failure["class"] == "user_error"
    assert message in outcome.failure["message"]


def test_evaluate__some_rows_too_long__are_left_out_and_told(evaluate: Callable[..., Outcome], tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "mixed.jsonl")
    long = {"row_id": "long", "messages": [{"role": "user", "content": "word " * 2000}], "reference": "x"}
    rows.write_text(rows.read_text() + json.dumps(long) + "\n")
    metrics = evaluate(rows=rows).result["metrics"]
    assert (metrics["rows"], metrics["left_out"]) == (COUNT, 1)


def test_evaluate__full_checkpoint__is_measured_beside_its_base(
    evaluate: Callable[..., Outcome], train: Trainer, tmp_path: Path
) -> None:
    trained = train(tmp_path / "full", method="full", max_steps=3, eval_fraction=0.0, save_every=0)
    folder = str(trained.folder / str(trained.result["checkpoint"]))
    metrics = evaluate(tuned={"folder": folder, "method": "full"}).result["metrics"]
    assert metrics["tuned"]["loss"]["value"] != metrics["base"]["loss"]["value"]


def test_answers__two_sides__answer_the_same_questions(answer: Callable[..., Outcome]) -> None:
    outcome = answer()
    assert outcome.code == 0, outcome.events[-1]
    lines = lines_of(outcome)
    assert [(line["index"], line["place"]) for line in lines] == [(n, place) for n in range(COUNT) for place in "AB"]
    assert outcome.result["answers"] == 2 * COUNT


def test_answers__what_they_say_of_themselves__has_no_answer_and_no_folder(
    answer: Callable[..., Outcome], tuned: dict[str, str]
) -> None:
    outcome = answer(places="A")
    told = json.dumps(outcome.events)
    assert tuned["folder"] not in told
    texts = [line["answer"] for line in lines_of(outcome) if line["answer"]]
    assert texts and not any(json.dumps(text)[1:-1] in told for text in texts)


def test_answers__interrupted__go_on_to_the_same_file(answer: Callable[..., Outcome], tmp_path: Path) -> None:
    whole = answer(leave_after(99)).result["sha256"]
    (tmp_path / "round" / "work" / "answers.jsonl").unlink()
    assert answer(leave_after(3), epoch=2).code == EXIT_INTERRUPTED
    assert answer(epoch=3).result["sha256"] == whole


def test_journal__torn_last_line__counts_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"side": "base", "index": 0}\n{"side": "base", "ind')
    journal = Journal(path, "side", "index")
    assert journal.has("base", 0) and len(journal.lines) == 1
    journal.add([{"side": "base", "index": 1}])
    journal.close()
    again = Journal(path, "side", "index")
    assert list(again.lines) == [("base", 0), ("base", 1)]
    again.close()
