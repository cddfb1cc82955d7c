"""What the stories of the labeling screen share: projects of any question in a running console, and what was answered."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import httpx
from playwright.sync_api import Page, expect

Answers = dict[str, Any]


class Work:
    """A project that is open, and what came of it."""

    def __init__(
        self,
        client: httpx.Client,
        config: str,
        tasks: Sequence[dict[str, Any]],
        *,
        settings: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        self.client = client
        order = {"name": f"Screen {uuid.uuid4().hex[:12]}", "label_config": f"<View>{config}</View>", **more}
        self.id = self._post("label-projects/", order)["id"]
        self.path = f"/label/{self.id}/work/"
        self._post(f"label-projects/{self.id}/tasks/", [{"data": data} for data in tasks])
        if settings:
            client.patch(f"/api/v1/label-projects/{self.id}/settings/", json=settings).raise_for_status()
        self.move("open")

    def move(self, status: str) -> None:
        self._post(f"label-projects/{self.id}/status/", {"status": status})

    def _post(self, path: str, body: Any) -> Any:
        answer = self.client.post(f"/api/v1/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def annotations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        path: str | None = f"/api/v1/label-projects/{self.id}/annotations/"
        while path:
            page = self.client.get(path).raise_for_status().json()
            found += page["results"]
            path = page["next"]
        return sorted(found, key=lambda row: int(row["number"]))

    def answer(self, number: int = 1) -> Answers:
        """{question: value} of the one answer to a task; marks and relations as lists."""
        [row] = [row for row in self.annotations() if row["number"] == number]
        told: Answers = {}
        for region in row["result"]:
            if region["type"] == "relation":
                told.setdefault("relations", []).append(region)
            elif region["type"].endswith("labels"):
                told.setdefault(region["from_name"], []).append(region["value"])
            else:
                told[region["from_name"]] = region["value"]
        return told


def start(page: Page, work: Work) -> None:
    """The screen with its first task."""
    page.goto(work.path)
    expect(page.locator("#task")).to_have_attribute("aria-busy", "false")


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def submit(page: Page) -> None:
    """Submit the last task by its key; the server has it when nothing is left."""
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()


def refusal(message: str, field: str = "") -> dict[str, Any]:
    """What a route answers to be a server that refuses."""
    body = json.dumps({"error": {"code": "bad_result", "message": message, "field": field, "hint": ""}})
    return {"status": 400, "content_type": "application/json", "body": body}
