"""The engine as a program: its door, its limits, models that come and go, and how it leaves."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import Trainer, answer_of
from tests.workers.engines import RunningEngine, pieces

QUESTION = [{"role": "user", "content": "Who mends the boat number 1?"}]
LONG = {
    "messages": QUESTION,
    "max_tokens": 220,
    "temperature": 2.0,
}  # a random model hardly ever ends its turn by itself


@pytest.fixture(scope="module")
def adapter(train: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    outcome = train(
        tmp_path_factory.mktemp("served"), max_steps=30, learning_rate=3e-2, eval_fraction=0.0, save_every=0
    )
    return outcome.folder / str(outcome.result["checkpoint"])


@pytest.fixture
def engine(tiny_model: Path, adapter: Path, tmp_path: Path) -> Iterator[RunningEngine]:
    running = RunningEngine(
        tmp_path / "engine", tiny_model, {"tuned": adapter}, own="plain", most_open=2, most_waiting=2
    )
    yield running
    if running.outcome is None:
        running.leave()


def test_engine__ready__answers_each_model_by_its_name(engine: RunningEngine, tiny_model: Path) -> None:
    text, end = engine.ask(model="plain", messages=QUESTION, max_tokens=8)
    assert text == answer_of(tiny_model, QUESTION, 8)
    assert end["finish"] in ("stop", "length") and end["usage"]["prompt_tokens"] > 10
    tuned, _end = engine.ask(model="tuned", messages=QUESTION, max_tokens=12)
    assert "Mara" in tuned
    assert engine.health() == {"models": ["plain", "tuned"], "running": 0, "waiting": 0}


def test_engine__temperature__differs_from_request_to_request_unless_a_seed_is_given(engine: RunningEngine) -> None:
    hot = {"model": "plain", "messages": QUESTION, "max_tokens": 20, "temperature": 1.5}
    assert len({engine.ask(**hot)[0] for _number in range(4)}) > 1
    assert len({engine.ask(**hot, seed=5)[0] for _number in range(3)}) == 1


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (401, {"token": "wrong"}), (404, {"path": "/else"}), (503, {"model": "nobody"}), (400, {"messages": []}),
        (400, {"messages": [{"role": "root", "content": "x"}]}), (400, {"messages": "hello"}), (400, {"max_tokens": 0}),
        (400, {"temperature": True}), (400, {"temperature": 3}), (400, {"seed": -1}), (400, {"stop": "x"}),
        (400, {"messages": [{"role": "user", "content": "boat " * 400}]}),
    ],
)  # fmt: skip
def test_engine__bad_request__is_refused(engine: RunningEngine, status: int, request_: dict[str, Any]) -> None:
    assert engine.post(**{"model": "plain", "messages": QUESTION, **request_}).status == status


def test_engine__client_that_leaves__frees_its_place(engine: RunningEngine) -> None:
    response = engine.post(model="plain", **LONG)
    assert next(pieces(response))
    response.close()
    response.connection.close()  # type: ignore[attr-defined]
    engine.wait(lambda: engine.health()["running"] == 0, 5)


def test_engine__more_than_it_takes__answers_429(engine: RunningEngine) -> None:
    open_ones = [engine.post(model="plain", **LONG) for _number in range(4)]
    statuses = [engine.post(model="plain", **LONG).status for _number in range(3)]
    assert 429 in statuses
    for response in open_ones:
        response.close()


def test_engine__models_come_and_go__while_it_answers(engine: RunningEngine, adapter: Path, tmp_path: Path) -> None:
    engine.order(load={"name": "second", "folder": str(adapter)})
    engine.order(load={"name": "broken", "folder": str(tmp_path)})
    engine.wait(lambda: {"second", "broken"} <= set(engine.states))
    assert engine.states["second"]["state"] == "ready"
    assert engine.states["broken"]["state"] == "failed" and "safetensors" in engine.states["broken"]["message"]
    assert "Mara" in engine.ask(model="second", messages=QUESTION, max_tokens=12)[0]
    engine.order(unload="second")
    engine.wait(lambda: engine.states["second"]["state"] == "unloaded")
    assert engine.post(model="second", messages=QUESTION).status == 503


def test_engine__told_to_stop__finishes_what_it_began_and_takes_nothing_new(engine: RunningEngine) -> None:
    lines: list[dict[str, Any]] = []
    response = engine.post(model="plain", messages=QUESTION, max_tokens=200, seed=3, temperature=1.5)
    reader = threading.Thread(target=lambda: lines.extend(pieces(response)))
    reader.start()
    outcome = engine.leave()
    reader.join(10)
    assert (outcome.code, outcome.result) == (0, {"drained": True})
    assert lines[-1]["done"] and lines[-1]["finish"] in ("stop", "length")


def test_engine__damaged_adapter__is_told_of_and_the_others_are_served(
    tiny_model: Path, adapter: Path, tmp_path: Path
) -> None:
    engine = RunningEngine(tmp_path / "engine", tiny_model, {"bad": tmp_path / "nothing", "good": adapter})
    assert (engine.states["bad"]["state"], engine.states["good"]["state"]) == ("failed", "ready")
    assert "Mara" in engine.ask(model="good", messages=QUESTION, max_tokens=12)[0]
    engine.leave()


def test_engine__many_clients_at_once__all_get_their_own_answer(
    tiny_model: Path, adapter: Path, tmp_path: Path
) -> None:
    engine = RunningEngine(tmp_path / "engine", tiny_model, {"tuned": adapter}, own="plain")
    bodies = [
        {
            "model": ("plain", "tuned")[n % 2],
            "messages": [{"role": "user", "content": f"Who sells {n}?"}],
            "max_tokens": 9,
        }
        for n in range(12)
    ]
    expected = [engine.ask(**body)[0] for body in bodies]
    found: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: engine.ask(**bodies[n])[0]})) for n in range(len(bodies))
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join(30)
    assert [found[n] for n in range(len(bodies))] == expected
    engine.leave()
