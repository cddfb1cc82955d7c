"""Serving, clicked: a version is deployed, tried out, asked by a program; its engine is killed and comes back."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.console import Console
from tests.e2e.ring import Api, finished, wait_for
from tests.workers import tiny

pytestmark = pytest.mark.timeout(420)
RECIPE = {
    "max_steps": 30, "batch_size": 4, "learning_rate": 0.03, "max_length": 128, "lora_r": 4, "eval_fraction": 0.0, "save_every": 0,
    "sample_count": 0,
}  # fmt: skip


@pytest.fixture
def api(console: Console) -> Api:
    key = {"Authorization": f"Bearer {console.api_key()}"}
    return Api(httpx.Client(base_url=f"{console.base}/api/v1/", headers=key, timeout=60))


@pytest.fixture
def version(api: Api, tmp_path: Path) -> dict[str, Any]:
    """A registered adapter of a tiny model; nobody has approved it."""
    own = uuid.uuid4().hex[:8]
    base = api.post("base-models/", {"name": f"tiny {own}", "path": str(tiny.make_model(tmp_path / "tiny"))})
    rows = "".join(json.dumps({"messages": tiny.conversation(number)}) + "\n" for number in range(27))
    answer = api.http.post("datasets/", data={"name": f"boats {own}"}, files={"file": ("boats.jsonl", rows.encode())})
    assert answer.is_success, answer.text
    finished(api, answer.json()["job"]["id"])
    frozen = api.get(f"datasets/{answer.json()['id']}/versions/1/")
    wanted = {"name": "boats", "base_model": base["slug"], "dataset_version": frozen["id"], "recipe": RECIPE}
    run = api.post("runs/", wanted)
    finished(api, run["job"]["id"])
    [checkpoint] = [one for one in api.get(f"runs/{run['id']}/")["checkpoints"] if one["is_final"]]
    model = api.post("models/", {"name": f"boats-{own}"})
    made: dict[str, Any] = api.post(f"models/{model['id']}/versions/", {"checkpoint": checkpoint["id"]})
    return made


def test_serving__deploy_try_ask_kill__is_seen_on_the_page(
    console: Console, page: Page, api: Api, version: dict[str, Any]
) -> None:
    page.goto("/serve/")
    page.get_by_role("button", name="Deploy a version").click()
    page.select_option("#model_version", version["id"])
    name = f"boats-{uuid.uuid4().hex[:8]}"
    page.fill("#name", name)
    page.check("#allow_unapproved")
    page.get_by_role("button", name="Deploy", exact=True).click()
    head = page.locator("h1 .status")
    expect(page.locator("h1")).to_contain_text(name)
    expect(head).to_have_text("Ready", timeout=120_000)  # by itself, without a reload

    page.fill("#try-prompt", "Who mends the boat number 1?")
    page.fill("#try-tokens", "12")
    page.press("#try-prompt", "Enter")
    expect(page.locator("#try-talk [data-role=assistant]")).to_contain_text("Mara")
    expect(page.locator("#try-note")).to_contain_text("tokens in")

    question = {"model": name, "messages": [{"role": "user", "content": "Who sells the lamp?"}], "max_tokens": 8}
    answer = api.http.post(f"{console.base}/v1/chat/completions", json={**question, "user": "customer-17"})
    assert answer.status_code == 200, answer.text
    page.reload()
    expect(page.locator("#exchanges")).to_contain_text("customer-17")
    page.get_by_role("link", name="Who sells the lamp?").click()
    expect(page.get_by_text(answer.json()["id"])).to_be_visible()
    page.go_back()

    [deployment] = [one for one in api.get("deployments/")["results"] if one["name"] == name]
    console.find("workers.run", deployment["job"]).kill()
    wait_for(lambda: _status(api, console, question) == 503, "requests are refused", 20)
    wait_for(lambda: _status(api, console, question) == 200, "the engine is back", 120)
    expect(head).to_have_text("Ready")
    page.get_by_role("button", name="Stop").first.click()
    page.locator("#stop-it").get_by_role("button", name="Stop").click()
    expect(head).to_have_text("Stopped", timeout=60_000)
    assert _status(api, console, question) == 404
    expect(page.get_by_role("button", name="Start again")).to_be_visible()


def _status(api: Api, console: Console, question: dict[str, Any]) -> int:
    status: int = api.http.post(f"{console.base}/v1/chat/completions", json=question).status_code
    return status
