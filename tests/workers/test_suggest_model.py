"""A model that suggests, with the tiny one: likelihoods token by token, interrupted and resumed, texts too long."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import Outcome, run_program
from workers import modelling, suggest_model, tokens
from workers.context import Context, Spec, Wish
from workers.failures import EXIT_INTERRUPTED

OPTIONS = ["refund", "swap", "refund later"]
COUNT = 20


def asked(tiny_model: Path, folder: Path, watch: Any = None, *, epoch: int = 1, **changes: Any) -> Outcome:
    path = folder / "work" / "tasks.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = changes.pop("texts", [f"Who mends boat number {number}?" for number in range(COUNT)])
    path.write_text("".join(json.dumps({"number": n, "texts": [text]}) + "\n" for n, text in enumerate(texts, 1)))
    inputs = {"model": {"folder": str(tiny_model)}, "tuned": None, "tasks": str(path), "total": len(texts)}
    question = {"kind": "Choices", "options": OPTIONS, "multiple": False}
    settings = {"question": question, "template": "{text} One of: {options}", "max_tokens": 6, **changes}
    return run_program(Spec("suggest_model", folder, epoch=epoch, inputs=inputs, settings=settings), watch)


def lines_of(outcome: Outcome) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (outcome.folder / outcome.result["file"]).read_text().splitlines()]


def test_likelihoods__in_one_batch__are_those_of_each_token_by_itself(tiny_model: Path) -> None:
    import torch

    model, tokenizer = modelling.load_model(tiny_model, torch.float32).eval(), tokens.load_tokenizer(tiny_model)
    prompt = tokens.prompt_ids(tokenizer, [{"role": "user", "content": "Who mends the boat?"}])
    ends = [suggest_model._ending(tokenizer, option) for option in OPTIONS]
    found = suggest_model.likelihoods(model, prompt, ends)
    for end, told in zip(ends, found, strict=True):
        alone = 0.0
        for place, token in enumerate(end):
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([[*prompt, *end[:place]]])).logits[0, -1]
            alone += float(logits.log_softmax(-1)[token])
        assert told == pytest.approx(alone, abs=1e-3)


def test_options__of_every_task__have_chances_and_an_uncertainty(tiny_model: Path, tmp_path: Path) -> None:
    outcome = asked(tiny_model, tmp_path / "job")
    lines = lines_of(outcome)
    assert [line["number"] for line in lines] == list(range(1, COUNT + 1))
    assert all(line["value"][0] in OPTIONS and 1 / 3 <= line["score"] <= 1 for line in lines)
    assert all(0 <= line["uncertainty"] <= 1 for line in lines) and outcome.result["suggested"] == COUNT


def test_job__told_to_leave__goes_on_after_its_last_block_and_says_the_same(tiny_model: Path, tmp_path: Path) -> None:
    whole = lines_of(asked(tiny_model, tmp_path / "whole"))

    def leave(context: Context, event: Any) -> None:
        if event.get("phase") == "Asking the model":
            context.ask(Wish.LEAVE)

    first = asked(tiny_model, tmp_path / "job", leave)
    assert first.code == EXIT_INTERRUPTED
    kept = (tmp_path / "job" / "work" / "suggested.jsonl").read_text().splitlines()
    assert len(kept) == 8
    assert lines_of(asked(tiny_model, tmp_path / "job", epoch=2)) == whole


def test_text_too_long__for_the_model__is_counted_and_gets_none(tiny_model: Path, tmp_path: Path) -> None:
    outcome = asked(tiny_model, tmp_path / "job", texts=["boat " * 2000, "boat"])
    assert outcome.result["unread"] == 1 and [bool(line["value"]) for line in lines_of(outcome)] == [False, True]


def test_several_options__are_asked_each_by_itself(tiny_model: Path, tmp_path: Path) -> None:
    question = {"kind": "Choices", "options": OPTIONS, "multiple": True}
    outcome = asked(tiny_model, tmp_path / "job", template="{text} Is it {option}?", question=question)
    for line in lines_of(outcome):
        assert set(line["value"]) <= set(OPTIONS) and 0 <= line["uncertainty"] <= 1
        assert (line["score"] is None) == (not line["value"])
        assert line["score"] is None or 0.5 ** len(OPTIONS) <= line["score"] <= 1


def test_spans__of_what_the_model_lists__are_found_in_the_text(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.answering.answer", lambda *_: ["Boat: number 1", "Boat: a lorry\nCar: x"])
    question = {"kind": "Labels", "options": ["Boat"], "multiple": False}
    outcome = asked(tiny_model, tmp_path / "job", texts=["Who mends number 1?", "Who?"], question=question)
    [one, other] = lines_of(outcome)
    assert one["value"] == [{"turn": 0, "start": 10, "end": 18, "label": "Boat"}] and 0 < one["score"] < 1
    assert other["value"] == [] and (outcome.result["unfound"], outcome.result["unknown"]) == (1, 1)


def test_answer__that_was_written__is_as_sure_as_its_tokens(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over the tokens, read one by one."""
    import torch

    monkeypatch.setattr("workers.answering.answer", lambda *_: ["Ask the harbour."])
    question = {"kind": "TextArea", "options": [], "multiple": False}
    [line] = lines_of(asked(tiny_model, tmp_path / "job", texts=["Who mends?"], question=question, template="{text}"))
    model, tokenizer = modelling.load_model(tiny_model, torch.float32).eval(), tokens.load_tokenizer(tiny_model)
    prompt = tokens.prompt_ids(tokenizer, [{"role": "user", "content": "Who mends?"}])
    ids = tokenizer("Ask the harbour.", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1]
    logs = logits.log_softmax(-1)[range(len(ids)), ids]
    assert line["score"] == pytest.approx(float(logs.mean().exp()), rel=1e-3)
    assert line["uncertainty"] == pytest.approx(1 - line["score"])


def test_question_that_takes_a_text__gets_greedy_answers(tiny_model: Path, tmp_path: Path) -> None:
    question = {"kind": "TextArea", "options": [], "multiple": False}
    outcome = asked(tiny_model, tmp_path / "job", texts=["Who mends?", "boat " * 2000], question=question)
    assert outcome.result["looked_at"] == 2 and outcome.result["unread"] == 1
    assert all((line["score"] is None) == (not line["value"]) for line in lines_of(outcome))
