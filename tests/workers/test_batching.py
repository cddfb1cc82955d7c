"""Continuous batching: what is answered together is what would be answered alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.workers import tiny
from tests.workers.conftest import Trainer, answer_of, loaded
from workers import tokens
from workers.batching import Answer, Ask, Batcher, Closed, Full, choose
from workers.failures import UserError
from workers.residents import Residents, load_base
from workers.wording import Words, held_back

QUESTIONS = [
    "Who mends the boat number 1?",
    "Who sells the lamp?",
    "Who ships the anchor number 12, and who cleans the tent number 300 and paints the stove?",
    "rope",
    "Who carries the compass number 44?",
]


@pytest.fixture(scope="module")
def adapters(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters that answer differently."""
    found = {}
    recipes: dict[str, dict[str, Any]] = {
        "one": {"max_steps": 30, "learning_rate": 3e-2},
        "two": {"max_steps": 12, "lora_r": 8},
    }
    for name, settings in recipes.items():
        outcome = train(tmp_path_factory.mktemp(name), eval_fraction=0.0, save_every=0, **settings)
        found[name] = outcome.folder / str(outcome.result["checkpoint"])
    return found


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    return tokens.load_tokenizer(tiny_model)


@pytest.fixture
def batcher(tiny_model: Path, adapters: dict[str, Path], tokenizer: Any) -> Batcher:
    residents = Residents(load_base(tiny_model))
    residents.add_own("base")
    for name, folder in adapters.items():
        residents.load(name, folder)
    return Batcher(residents, tokenizer, tokens.end_ids(tokenizer), most_open=4, most_waiting=6)


@pytest.fixture
def ask(tokenizer: Any) -> Callable[..., Ask]:
    def make(question: str, name: str = "base", **values: Any) -> Ask:
        prompt = tokens.prompt_ids(tokenizer, [{"role": "user", "content": question}])
        return Ask(name, prompt, **{"max_tokens": 24, **values})

    return make


def said(answer: Answer) -> tuple[str, dict[str, Any]]:
    """The text and the end of an answer that is over."""
    lines = []
    while not answer.pieces.empty():
        lines.append(answer.pieces.get())
    assert lines and lines[-1].get("done"), lines
    return "".join(line.get("text", "") for line in lines), lines[-1]


def finish(batcher: Batcher) -> None:
    for _step in range(1000):
        if not batcher.step():
            return
    raise AssertionError("it never ends")


def alone(batcher: Batcher, ask: Ask) -> str:
    answer = batcher.submit(ask)
    finish(batcher)
    return said(answer)[0]


def test_batch__requests_that_come_at_different_times_to_different_models__get_what_they_get_alone(
    batcher: Batcher, ask: Callable[..., Ask]
) -> None:
    names = ["one", "two", "base", "one", "two"]
    asks = [
        ask(question, name, max_tokens=12 + 5 * number)
        for number, (question, name) in enumerate(zip(QUESTIONS, names, strict=True))
    ]
    expected = [alone(batcher, one) for one in asks]
    assert len(set(expected)) == len(expected)
    answers, most = [], 0
    for one in asks:
        answers.append(batcher.submit(one))
        for _step in range(3):
            batcher.step()
            most = max(most, batcher.load_of()[0])
    finish(batcher)
    assert [said(answer)[0] for answer in answers] == expected
    assert most >= 3  # they were in the batch together


def test_batch__base_and_adapters__answer_as_transformers_and_peft_do(
    batcher: Batcher, ask: Callable[..., Ask], tiny_model: Path, adapters: dict[str, Path], tokenizer: Any
) -> None:
    from peft import PeftModel

    question = [{"role": "user", "content": QUESTIONS[0]}]
    assert alone(batcher, ask(QUESTIONS[0], max_tokens=10)) == answer_of(tiny_model, question, 10)
    model: Any = PeftModel.from_pretrained(loaded(tiny_model)[0], adapters["one"]).eval()
    ids = torch.tensor([tokens.prompt_ids(tokenizer, question)])
    whole = model.generate(input_ids=ids, max_new_tokens=10, do_sample=False)[0, ids.shape[1] :]
    expected = tokenizer.decode(whole, skip_special_tokens=True)
    assert alone(batcher, ask(QUESTIONS[0], "one", max_tokens=10)) == expected


def test_batch__temperature__draws_the_same_again_beside_others(batcher: Batcher, ask: Callable[..., Ask]) -> None:
    hot = ask(QUESTIONS[0], temperature=1.3, top_p=0.9, seed=7)
    expected = alone(batcher, hot)
    answers = [
        batcher.submit(one) for one in (ask(QUESTIONS[1], "two"), hot, ask(QUESTIONS[2], temperature=2.0, seed=1))
    ]
    finish(batcher)
    assert said(answers[1])[0] == expected
    assert expected != alone(batcher, ask(QUESTIONS[0]))


def test_batch__cancelled_request__leaves_and_the_others_go_on_unharmed(
    batcher: Batcher, ask: Callable[..., Ask]
) -> None:
    expected = alone(batcher, ask(QUESTIONS[2], "one", max_tokens=40))
    gone, stays, waits = (
        batcher.submit(ask(QUESTIONS[0], "two", max_tokens=200, temperature=2.0)),
        batcher.submit(ask(QUESTIONS[2], "one", max_tokens=40)),
        batcher.submit(ask(QUESTIONS[1])),
    )
    batcher.step()
    gone.cancel()
    waits.cancel()
    finish(batcher)
    _text, end = said(gone)
    assert end["finish"] in ("cancelled", "stop") and end["usage"]["completion_tokens"] < 200
    assert said(stays)[0] == expected
    assert batcher.is_idle


def test_batch__more_than_it_takes__is_refused_and_the_rest_is_answered_in_turn(
    batcher: Batcher, ask: Callable[..., Ask]
) -> None:
    answers = [batcher.submit(ask(question, max_tokens=4)) for question in [*QUESTIONS, "boat"]]
    with pytest.raises(Full):
        batcher.submit(ask("lamp"))
    finish(batcher)
    assert all(said(answer)[1]["usage"]["completion_tokens"] <= 4 for answer in answers)


def test_batch__unknown_or_closing_model__is_refused(batcher: Batcher, ask: Callable[..., Ask]) -> None:
    with pytest.raises(Closed):
        batcher.submit(ask("boat", "three"))
    batcher.closed.add("one")
    with pytest.raises(Closed):
        batcher.submit(ask("boat", "one"))


def test_batch__adapters_come_and_go__while_others_are_answered(
    batcher: Batcher, ask: Callable[..., Ask], adapters: dict[str, Path]
) -> None:
    expected = alone(batcher, ask(QUESTIONS[0], "one"))
    of_two = alone(batcher, ask(QUESTIONS[0], "two"))
    answer = batcher.submit(ask(QUESTIONS[0], "one"))
    batcher.step()
    batcher.residents.unload("two")
    batcher.step()
    batcher.residents.load("again", adapters["two"])
    finish(batcher)
    assert said(answer)[0] == expected
    assert alone(batcher, ask(QUESTIONS[0], "again")) == of_two
    for name in ("one", "again"):
        batcher.residents.unload(name)
    assert batcher.residents.names == ["base"]
    batcher.residents.load("one", adapters["one"])
    assert alone(batcher, ask(QUESTIONS[0], "one")) == expected


def test_batch__step_that_fails__ends_its_answers_with_words_and_the_next_is_answered(
    batcher: Batcher, ask: Callable[..., Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = batcher.submit(ask(QUESTIONS[0]))
    batcher.step()
    with monkeypatch.context() as broken:
        broken.setattr(batcher.residents, "logits", lambda *_given: (_ for _ in ()).throw(MemoryError("no room")))
        batcher.step()
    assert said(answer)[1]["finish"] == "error"
    assert alone(batcher, ask(QUESTIONS[1]))


def test_batch__stop_text__ends_the_answer_before_it(batcher: Batcher, ask: Callable[..., Ask]) -> None:
    whole = alone(batcher, ask(QUESTIONS[0], "one"))
    stop = whole[3:6]
    answer = batcher.submit(ask(QUESTIONS[0], "one", stops=(stop, "never said")))
    finish(batcher)
    text, end = said(answer)
    assert (text, end["finish"]) == (whole[: whole.index(stop)], "stop")


def test_choose__small_top_p__leaves_only_the_likeliest() -> None:
    logits, generator = torch.tensor([1.0, 4.0, 2.0, 3.9]), torch.Generator().manual_seed(0)
    assert {choose(logits, 1.0, 0.01, generator) for _draw in range(20)} == {1}
    assert {choose(logits, 1.0, 0.9, generator) for _draw in range(200)} == {1, 3}
    assert {choose(logits, 1.0, 1.0, generator) for _draw in range(500)} == {0, 1, 2, 3}


class Letters:
    """A tokenizer whose tokens are bytes."""

    def decode(self, ids: Sequence[int], **_options: Any) -> str:
        return bytes(ids).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("stops", "told"), [((), "a€b STOP c"), (("STOP",), "a€b "), (("€b S", "STOP"), "a"), (("c d",), "a€b STOP c")]
)
def test_words__told_token_by_token__are_whole_characters_and_no_stop(stops: tuple[str, ...], told: str) -> None:
    ids = list("a€b STOP c".encode())
    words = Words(Letters(), stops)
    parts = [words.new_text(ids[: n + 1], is_last=n + 1 == len(ids)) for n in range(len(ids))]
    assert "".join(parts) == told
    assert "\ufffd" not in "".join(parts)
    assert words.is_stopped == (told != "a€b STOP c")


def test_held_back__text_that_may_become_a_stop__counts_its_characters() -> None:
    assert [held_back(text, "STOP") for text in ("", "x", "S", "xST", "STO", "STOP", "SS")] == [0, 0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize("damage", ["missing", "changed", "foreign"])
def test_residents__adapter_that_is_not_to_be_trusted__is_refused_and_the_base_stays(
    tiny_model: Path, adapters: dict[str, Path], tmp_path: Path, damage: str
) -> None:
    import shutil

    folder = tmp_path / "adapter"
    shutil.copytree(adapters["one"], folder)
    if damage == "missing":
        (folder / "adapter_model.safetensors").unlink()
    else:
        file = folder / ("adapter_config.json" if damage == "foreign" else "adapter_model.safetensors")
        file.write_bytes(file.read_bytes()[:-1] + b" ")
    residents = Residents(load_base(tiny_model))
    with pytest.raises(UserError):
        residents.load("one", folder)
    assert residents.names == []


def test_residents__adapter_of_another_base__is_refused_and_the_others_stay(
    tiny_model: Path, adapters: dict[str, Path], tmp_path: Path
) -> None:
    residents = Residents(load_base(tiny.make_model(tmp_path / "wide", hidden=64)))
    with pytest.raises(UserError):
        residents.load("one", adapters["one"])
    assert residents.names == []
