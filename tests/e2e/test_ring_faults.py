"""kill -9 in the middle of every stage: what was acknowledged is there afterwards, and the work goes on. On a tiny model."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e import people, ring
from tests.e2e.console import Console, running_console
from tests.e2e.ring import Api
from tests.workers.tiny import make_model

pytestmark = pytest.mark.timeout(600)
PEOPLE = {"emil": "engineer", "clara": "curator", "petra": "approver", "anton": "annotator", "berta": "annotator"}
GOOD = {"from_name": "quality", "to_name": "given", "type": "choices", "value": {"choices": ["good"]}}


@dataclass
class House:
    """A console with a model that is trained and deployed, and its people."""

    console: Console
    cast: dict[str, Api]
    key: str
    version: str = ""
    checkpoint: str = ""
    deployment: str = ""

    def kill(self, *words: str) -> psutil.Process:
        process = self.console.find(*words)
        process.kill()
        return process

    def kill_web(self) -> None:
        """And wait until it was started again."""
        old = self.kill("console.asgi")
        ring.wait_for(lambda: not old.is_running() and self.is_up(), "the web server is back", 60)

    def is_up(self) -> bool:
        try:
            return httpx.get(f"{self.console.base}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, **more: Any) -> httpx.Response:
        body = {
            "model": "tiny-0",
            "messages": [{"role": "user", "content": "Who mends the boat?"}],
            "max_tokens": 4,
            **more,
        }
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.post(f"{self.console.base}/v1/chat/completions", json=body, headers=headers, timeout=60)

    def stream_until(self, act: Any) -> list[str]:
        """A long answer as a stream; `act` is done at its first words. The lines that came."""
        body = {"model": "tiny-0", "messages": [{"role": "user", "content": "Who?"}], "max_tokens": 200, "stream": True}
        lines: list[str] = []
        with httpx.Client(base_url=self.console.base, timeout=60) as client:
            headers = {"Authorization": f"Bearer {self.key}"}
            try:
                with client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
                    assert answer.status_code == 200, answer.read()
                    for line in answer.iter_lines():
                        if line and not lines:
                            act()
                        lines += [line] if line else []
            except httpx.TransportError:
                lines.append("cut off")
        return lines


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("ring")
    model = make_model(folder / "tiny")
    with running_console(folder / "data") as console, ExitStack() as stack:
        keys = people.admit(console, PEOPLE)
        cast = {name: Api(stack.enter_context(people.client(console, key))) for name, key in keys.items()}
        house = House(console, cast, keys["emil"])
        build(house, model)
        yield house


def build(house: House, model: Path) -> None:
    emil, clara, petra = house.cast["emil"], house.cast["clara"], house.cast["petra"]
    base = emil.post("base-models/", {"name": "Tiny", "path": str(model)})["slug"]
    ring.wait_for(lambda: all(m["is_ready"] for m in emil.get("base-models/")["results"] if m["slug"] == base), "ready")
    dataset = ring.upload(clara)
    house.version = ring.clean_and_split(clara, dataset["id"])["id"]
    runs = [ring.train(emil, house.version, name, base) for name in ("one", "two")]
    finals = [next(c["id"] for c in run["checkpoints"] if c["is_final"]) for run in runs]
    house.checkpoint = finals[0]
    registry = emil.post("models/", {"name": "tiny"})["id"]
    versions = [ring.register(emil, petra, registry, checkpoint)["id"] for checkpoint in finals]
    deployed = [ring.deploy(emil, f"tiny-{n}", version) for n, version in enumerate(versions)]
    house.deployment = deployed[0]["id"]


def test_training__worker_killed__run_goes_on_to_its_end(house: House) -> None:
    emil = house.cast["emil"]
    base = next(m["slug"] for m in emil.get("base-models/")["results"] if m["name"] == "Tiny")
    recipe = {**ring.QUICK, "max_steps": 400, "save_every": 50, "eval_every": 0}
    body = {"name": "killed", "base_model": base, "dataset_version": house.version, "recipe": recipe}
    job = emil.post("runs/", body)["job"]["id"]
    ring.wait_for(lambda: emil.get(f"jobs/{job}/")["last_step"] > 60, "it learns")
    house.kill("celery", "gpu")
    done = ring.finished(emil, job)
    points = [step for _seq, step, name, _v in emil.get(f"jobs/{job}/metrics/")["points"] if name == "loss"]
    assert len(done["attempts"]) == 2 and points == list(range(1, 401))


def test_labeling__web_killed_after_each_answer__all_answers_are_there_once(house: House) -> None:
    clara, anton = house.cast["clara"], house.cast["anton"]
    [config] = [c["label_config"] for c in clara.get("label-configs/")["results"] if c["name"] == "quality"]
    body = {"name": "killed", "label_config": config, "dataset_version": house.version, "limit": 6}
    project = f"label-projects/{clara.post('label-projects/', body)['id']}"
    clara.post(f"{project}/status/", {"status": "open"})
    for number in range(3):
        task = anton.post(f"{project}/tasks/next/", {})["assignment"]
        anton.post(f"{project}/annotations/", {"assignment": task["id"], "result": [GOOD]})
        if number != 1:
            house.kill_web()
    draft = anton.post(f"{project}/tasks/next/", {})["assignment"]
    anton.put(f"label-assignments/{draft['id']}/draft/", {"result": [GOOD]})
    house.kill_web()
    assert len(anton.get(f"{project}/annotations/")["results"]) == 3
    again = anton.post(f"{project}/tasks/next/", {})["assignment"]
    assert again["id"] == draft["id"] and [region["value"] for region in again["draft"]] == [GOOD["value"]]


def test_round__worker_killed_while_answers_are_made__opens_all_the_same(house: House) -> None:
    emil, raters = house.cast["emil"], [house.cast["anton"], house.cast["berta"]]
    emails = ["anton@example.com", "berta@example.com"]
    body = {"name": "killed", "checkpoints": [house.checkpoint], "dataset_version": house.version, "raters": emails,
            "sample_size": 10, "max_tokens": 60}  # fmt: skip
    round = f"rounds/{emil.post('rounds/', body)['id']}"
    job = emil.post(f"{round}/open/")["job"]
    ring.wait_for(lambda: emil.get(f"jobs/{job}/")["status"] != "queued", "its job runs")
    house.kill("celery", "gpu")
    ring.wait_for(lambda: emil.get(f"{round}/")["status"] == "rating", "the answers are there", 180)
    for rater in raters:
        items = rater.get(f"{round}/items/")["results"]
        assert len(items) == 10
        rater.post(f"{round}/ratings/", {"item": items[0]["id"], "scores": dict.fromkeys(ring.CRITERIA, 3)})
    house.kill_web()
    for rater in raters:
        assert [row["scores"] for row in rater.get(f"{round}/ratings/")["results"]] == [dict.fromkeys(ring.CRITERIA, 3)]


def exchange_of(house: House, lines: list[str]) -> dict[str, Any]:
    found = json.loads(lines[0].removeprefix("data: "))["id"].removeprefix("chatcmpl-")
    row: dict[str, Any] = house.cast["emil"].get(f"exchanges/{found}/")
    return row


def test_serving__engine_killed_in_an_answer__client_is_told__it_comes_back(house: House) -> None:
    lines = house.stream_until(lambda: engine_of(house).kill())
    assert any("error" in line for line in lines) or lines[-1] == "cut off", lines[-3:]
    assert not any("[DONE]" in line for line in lines)
    row = ring.wait_for(lambda: closed(exchange_of(house, lines)), "the exchange is closed", 120)
    assert row["status"] in ("failed", "cancelled") and row["answer"]
    ring.wait_for(lambda: house.ask().status_code == 200, "it answers again", 180)


def engine_of(house: House) -> psutil.Process:
    """The process that holds the model."""
    row = house.cast["emil"].get(f"deployments/{house.deployment}/")
    return next(p for p in house.console.tree() if row["job"] in " ".join(p.cmdline()))


def closed(row: dict[str, Any]) -> dict[str, Any] | None:
    return row if row["status"] != "running" else None


def test_serving__web_killed_in_an_answer__exchange_is_kept_and_closed(house: House) -> None:
    ring.ready(house.cast["emil"], house.deployment)
    lines = house.stream_until(lambda: house.kill("console.asgi"))
    ring.wait_for(house.is_up, "the web server is back", 60)
    row = ring.wait_for(lambda: closed(exchange_of(house, lines)), "the exchange is closed", 180)
    assert row["status"] in ("failed", "cancelled", "succeeded")
    ring.wait_for(lambda: house.ask().status_code == 200, "it answers again", 60)


def test_rollout_and_feedback__web_killed__same_arms_and_nothing_forgotten(house: House) -> None:
    emil = house.cast["emil"]
    rollout = ring.roll_out(emil, "tiny-live", "tiny-0", "tiny-1")
    users = [f"user-{number}" for number in range(12)]
    first = {user: house.ask(model="tiny-live", user=user) for user in users}
    said = [
        emil.post("feedback/", {"exchange": answer.json()["id"], "thumbs": "up"})["id"] for answer in first.values()
    ]
    house.kill_web()
    arms = {user: answer.headers["X-Tuneloop-Arm"] for user, answer in first.items()}
    assert {user: house.ask(model="tiny-live", user=user).headers["X-Tuneloop-Arm"] for user in users} == arms
    assert len(set(arms.values())) == 2
    assert {row["id"] for row in emil.get("feedback/")["results"]} >= set(said)
    began = time.monotonic()
    emil.post(f"rollouts/{rollout['id']}/stop/", {"note": "enough"})
    after = {house.ask(model="tiny-live", user=user).headers["X-Tuneloop-Arm"] for user in users}
    assert len(after) == 1 and time.monotonic() - began < 30
