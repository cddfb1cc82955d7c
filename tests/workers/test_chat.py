"""Chat: both sides of a question, streamed, cancelled, refused."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workers import tiny
from tests.workers.conftest import Event, Outcome, Trainer, answer_of, run_program
from workers.chat import checked
from workers.context import Context, Spec, Wish
from workers.failures import UserError
from workers.generation import Deltas

QUESTION = [{"role": "user", "content": "Who mends the boat number 1?"}]


@pytest.fixture(scope="module")
def adapter(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    outcome = train(
        tmp_path_factory.mktemp("adapter"), max_steps=30, eval_fraction=0.0, save_every=0, learning_rate=3e-2
    )
    return outcome.folder / str(outcome.result["checkpoint"])


@pytest.fixture
def chat(tiny_model: Path, adapter: Path, tmp_path: Path) -> Callable[..., Outcome]:
    def start(
        *messages: dict[str, Any], tuned: dict[str, str] | None = None, watch: Any = None, idle_s: float = 0.3
    ) -> Outcome:
        (tmp_path / "control.jsonl").write_text(
            "".join(json.dumps({"command": "message", **message}) + "\n" for message in messages)
        )
        inputs = {"model": {"folder": str(tiny_model)}, "tuned": tuned or {"folder": str(adapter), "method": "lora"}}
        return run_program(Spec("chat", tmp_path, inputs=inputs, settings={"idle_s": idle_s}), watch)

    return start


def text_of(outcome: Outcome, side: str, request: str = "a") -> str:
    return "".join(
        reply["text"] for reply in outcome.of("reply") if (reply["request"], reply["side"]) == (request, side)
    )


def last_of(outcome: Outcome, side: str, request: str = "a") -> Event:
    (last,) = [r for r in outcome.of("reply") if (r["request"], r["side"], r["done"]) == (request, side, True)]
    return last


def test_chat__one_question__is_answered_by_both_sides(chat: Callable[..., Outcome]) -> None:
    outcome = chat({"id": "a", "messages": QUESTION, "max_tokens": 12})
    assert (outcome.code, outcome.result) == (0, {"answered": 1})
    for side in ("base", "tuned"):
        assert last_of(outcome, side)["finish"] in ("stop", "length")
        assert last_of(outcome, side)["tokens"] <= 12
    assert "Mara" in text_of(outcome, "tuned")
    assert text_of(outcome, "base") != text_of(outcome, "tuned")


def test_chat__base_side__is_the_untouched_model(chat: Callable[..., Outcome], tiny_model: Path) -> None:
    outcome = chat({"id": "a", "messages": QUESTION, "max_tokens": 8, "sides": ["base"]})
    assert text_of(outcome, "base") == answer_of(tiny_model, QUESTION, 8)
    assert not text_of(outcome, "tuned")


def test_chat__full_checkpoint__is_loaded_beside_the_base(
    chat: Callable[..., Outcome], train: Trainer, tmp_path: Path
) -> None:
    trained = train(tmp_path / "full", method="full", max_steps=3, eval_fraction=0.0, save_every=0)
    folder = trained.folder / str(trained.result["checkpoint"])
    outcome = chat({"id": "a", "messages": QUESTION, "max_tokens": 6}, tuned={"folder": str(folder), "method": "full"})
    assert last_of(outcome, "base")["done"] and last_of(outcome, "tuned")["done"]
    assert text_of(outcome, "base") != text_of(outcome, "tuned")


def test_chat__temperature__changes_the_answer_but_not_from_run_to_run(chat: Callable[..., Outcome]) -> None:
    message = {"id": "a", "messages": QUESTION, "max_tokens": 12, "sides": ["base"]}
    greedy, hot, again = (text_of(chat(message | {"temperature": heat}), "base") for heat in (0.0, 1.5, 1.5))
    assert greedy != hot == again


def test_chat__cancelled_request__stops_and_the_next_is_answered(chat: Callable[..., Outcome], tmp_path: Path) -> None:
    def watch(context: Context, event: Event) -> None:
        if event["type"] == "reply" and not event["done"] and not cancelled:
            cancelled.append(event)
            with (tmp_path / "control.jsonl").open("a") as inbox:
                inbox.write(json.dumps({"command": "message", "id": "a", "cancel": True}) + "\n")
                inbox.write(json.dumps({"command": "message", "id": "b", "messages": QUESTION, "max_tokens": 3}) + "\n")

    cancelled: list[Event] = []
    outcome = chat(
        {"id": "a", "messages": QUESTION, "max_tokens": 240, "temperature": 2.0, "sides": ["base"]},
        watch=watch,
        idle_s=1,
    )
    assert last_of(outcome, "base")["finish"] in ("cancelled", "stop")  # a random model may end its turn by itself
    assert last_of(outcome, "base", "b")["tokens"] <= 3


@pytest.mark.parametrize(
    "message",
    [
        {"messages": []}, {"messages": "hello"}, {"messages": [{"role": "root", "content": "x"}]},
        {"messages": [{"role": "user", "content": 1}]},
        {"messages": QUESTION, "max_tokens": 0}, {"messages": QUESTION, "max_tokens": 10**9}, {"messages": QUESTION, "max_tokens": True},
        {"messages": QUESTION, "temperature": float("nan")}, {"messages": QUESTION, "temperature": -1},
        {"messages": QUESTION, "sides": ["other"]},
    ],
)  # fmt: skip
def test_checked__bad_request__is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        checked({"id": "a", **message}, ["base", "tuned"])


def test_chat__bad_and_too_long_requests__get_an_error_reply_and_the_talk_goes_on(chat: Callable[..., Outcome]) -> None:
    outcome = chat(
        {"id": "a", "messages": []},
        {"id": "b", "messages": [{"role": "user", "content": "boat " * 500}]},
        {"id": "c", "messages": QUESTION, "max_tokens": 2},
    )
    for request in ("a", "b"):
        for side in ("base", "tuned"):
            assert (last_of(outcome, side, request)["finish"], bool(last_of(outcome, side, request)["error"])) == (
                "error",
                True,
            )
    assert "too long" in last_of(outcome, "base", "b")["error"]
    assert last_of(outcome, "tuned", "c")["finish"] == "length"


def test_chat__answer_to_the_end_of_the_context__stops_there(chat: Callable[..., Outcome]) -> None:
    long = [{"role": "user", "content": "boat " * 110}]
    outcome = chat({"id": "a", "messages": long, "max_tokens": 2000, "sides": ["base"]})
    assert last_of(outcome, "base")["finish"] in ("length", "stop")
    assert last_of(outcome, "base")["tokens"] < 256


@pytest.mark.parametrize(("wish", "code"), [(Wish.STOP_AND_SAVE, 0), (Wish.LEAVE, 75), (Wish.CANCEL, 75)])
def test_chat__told_to_leave__does_at_once(chat: Callable[..., Outcome], wish: Wish, code: int) -> None:
    def watch(context: Context, event: Event) -> None:
        if event["type"] == "progress" and event["phase"] == "Ready":
            threading.Timer(0.1, context.ask, [wish]).start()

    began = time.monotonic()
    assert chat(watch=watch, idle_s=30).code == code
    assert time.monotonic() - began < 10


def test_deltas__character_of_several_tokens__comes_whole() -> None:
    tokenizer = tiny.make_tokenizer()
    tokens = tokenizer("a ⛵!", add_special_tokens=False)["input_ids"]
    deltas = Deltas(tokenizer)
    parts = [deltas.new_text(tokens[: place + 1]) for place in range(len(tokens))]
    assert "".join(parts) == "a ⛵!"
    assert "\ufffd" not in "".join(parts)
