"""The whole ring by programs alone: a file, cleaned, labelled, trained on, judged, registered, served, rolled out, and learned from."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e import people, ring
from tests.e2e.console import Console
from tests.e2e.models import base_model_ready
from tests.e2e.ring import Api

pytestmark = [pytest.mark.model, pytest.mark.timeout(1500)]
PEOPLE = {
    "emil": "engineer", "clara": "curator", "petra": "approver",
    "anton": "annotator", "berta": "annotator", "cesar": "annotator",
}  # fmt: skip


@pytest.fixture(scope="module")
def cast(console: Console) -> Iterator[dict[str, Api]]:
    base_model_ready(console)
    with ExitStack() as stack:
        keys = people.admit(console, PEOPLE)
        yield {name: Api(stack.enter_context(people.client(console, key))) for name, key in keys.items()}


def test_ring__by_programs__from_a_file_to_a_run_on_the_feedback_of_its_answers(
    console: Console, cast: dict[str, Api]
) -> None:
    emil, clara, petra = cast["emil"], cast["clara"], cast["petra"]
    raters = {name: cast[name] for name in ("anton", "berta", "cesar")}

    dataset = ring.upload(clara)
    split = ring.clean_and_split(clara, dataset["id"])
    ring.label(clara, [cast["anton"], cast["berta"]], split["id"])
    runs = [ring.train(emil, split["id"], name) for name in ("first", "second")]
    finals = [next(c["id"] for c in run["checkpoints"] if c["is_final"]) for run in runs]
    ring.judge(emil, raters, finals[0], split["id"])

    model = emil.post("models/", {"name": "support"})["id"]
    versions = [ring.register(emil, petra, model, checkpoint) for checkpoint in finals]
    assert [version["version"] for version in versions] == ["1.0.0", "1.1.0"]
    code, _problem = emil.refused(f"models/{model}/versions/", {"checkpoint": finals[0], "version": "0.9.0"})
    assert code in (400, 409)
    petra.put(f"models/{model}/aliases/production/", {"version": "1.0.0"})
    deployed = [ring.deploy(emil, f"support-{n}", version["id"]) for n, version in enumerate(versions)]
    rollout = ring.roll_out(emil, "support-live", deployed[0]["name"], deployed[1]["name"])

    key = str(emil.http.headers["Authorization"]).removeprefix("Bearer ")
    answers = ask(OpenAI(base_url=f"{console.base}/v1", api_key=key, max_retries=0, timeout=120))
    signals = give_feedback(emil, answers)
    assert emil.refused("feedback/", {"exchange": "chatcmpl-00000000-0000-4000-8000-000000000000", "thumbs": "up"})[
        0
    ] in (400, 404)
    standing = emil.get(f"rollouts/{rollout['id']}/")["standing"]
    assert sum(arm["requests"] for arm in standing["arms"]) == len(answers)
    assert sum(arm["feedback"]["n"] for arm in standing["arms"]) == len(answers)

    version = ring.correct(clara, cast["anton"], signals)
    again = emil.post("feedback/train/", {"dataset_version": version["id"]})
    ring.finished(emil, again["job"]["id"])
    asked = ring.chain(emil, "exchange", answers[0].removeprefix("chatcmpl-"))
    assert "support.jsonl" in asked["upload"] and {
        "version",
        "run",
        "checkpoint",
        "modelversion",
        "deployment",
        "rollout",
    } <= set(asked)
    learned = ring.chain(emil, "run", again["id"])
    assert {"signal", "exchange", "labelproject", "upload"} <= set(learned), learned


def ask(client: OpenAI) -> list[str]:
    """Questions of eight people, half of them as a stream; each twice, and each by one arm only."""
    found, arms = [], dict[str, set[str | None]]()
    for number in range(16):
        user = f"customer-{number % 8}"
        question: list[ChatCompletionMessageParam] = [
            {"role": "user", "content": f"Where is my order number {number}?"}
        ]
        given: dict[str, Any] = {"model": "support-live", "messages": question, "max_tokens": 8, "user": user}
        if number < 8:
            answer = client.chat.completions.with_raw_response.create(**given)
            found.append(answer.parse().id)
            arms.setdefault(user, set()).add(answer.headers.get("X-Tuneloop-Arm"))
        else:
            with client.chat.completions.with_streaming_response.create(**given, stream=True) as streamed:
                arms[user].add(streamed.headers.get("X-Tuneloop-Arm"))
                found.append([chunk.id for chunk in streamed.parse()][-1])
    assert len(set(found)) == 16
    assert all(len(names) == 1 and None not in names for names in arms.values()), arms
    return found


def give_feedback(emil: Api, answers: list[str]) -> list[str]:
    """Of every answer; with the ids of those that are worth a correction."""
    made = [
        emil.post("feedback/", {"exchange": answer, "thumbs": "down" if n % 2 else "up", "user": f"customer-{n % 8}"})
        for n, answer in enumerate(answers)
    ]
    return [signal["id"] for signal in made]
