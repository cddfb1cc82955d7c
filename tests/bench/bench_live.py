"""From the trainer's write to the viewer's socket: latency with 1 and with 200 viewers, and whether every point arrives once.

    python -m tests.bench.bench_live [--viewers 1 200] [--points 120] [--every 0.5]

A real console (web, workers, broker) and a program that writes the time; every viewer is a websocket that heals gaps from the API as
the page does. Viewers share the machine with the console.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import websockets

from tests.e2e.console import EMAIL, PASSWORD, Console, running_console

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings"}


class Viewer:
    """One open page: a socket, the points it has, and how old they were when they came."""

    def __init__(self, job: str, http: httpx.AsyncClient) -> None:
        self.job, self.http = job, http
        self.have = 0
        self.ages: list[float] = []
        self.times_seen: dict[int, int] = {}
        self.healed = 0

    async def watch(self, url: str, cookie: str, until_seq: int) -> None:
        headers = {"Cookie": cookie, "Origin": url.replace("ws", "http").removesuffix("/ws/")}
        async with websockets.connect(url, additional_headers=headers, max_size=2**22, open_timeout=60) as socket:
            await socket.send(json.dumps({"subscribe": f"job.{self.job}", "after": 0}))
            while self.have < until_seq:
                message = json.loads(await asyncio.wait_for(socket.recv(), 60))
                if message["type"] == "subscribed" and message["to_seq"] > self.have:
                    await self.heal()
                elif message["type"] == "events":
                    await self.take(message)

    async def take(self, message: dict[str, Any]) -> None:
        now = time.time()
        if message["from_seq"] > self.have + 1 or message["partial"]:
            await self.heal()
        for seq, _step, name, value in message["points"]:
            if seq > self.have and name == "sent_at":
                self.ages.append(now - value)
                self.note(seq)
        self.have = max(self.have, message["to_seq"])

    async def heal(self) -> None:
        """As the page does: read from the API what the socket did not bring."""
        while True:
            answer = await self.http.get(f"/api/v1/jobs/{self.job}/metrics/", params={"after": self.have})
            body = answer.raise_for_status().json()
            for seq, *_rest in body["points"]:
                self.note(seq)
                self.healed += 1
            self.have = body["to_seq"]
            if not body["more"]:
                return

    def note(self, seq: int) -> None:
        self.times_seen[seq] = self.times_seen.get(seq, 0) + 1


def submit(console: Console, settings: dict[str, Any]) -> str:
    """A job in the console's own database."""
    os.environ.update({"TUNELOOP_DATA": str(console.data), **SETTINGS, "LOG_LEVEL": "ERROR"})
    import django

    django.setup()
    from apps.accounts.models import Workspace
    from apps.jobs.services import submit as submit_job

    workspace = Workspace.objects.get(slug="home")
    job = submit_job(actor=None, workspace=workspace, kind="bench.emit", title="bench", inputs={}, settings=settings)
    return str(job.pk)


def sign_in(console: Console) -> str:
    """The session's cookie."""
    with httpx.Client(base_url=console.base, follow_redirects=True) as client:
        client.get("/accounts/login/")
        form = {"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        client.post("/accounts/login/", data=form, headers={"Referer": console.base}).raise_for_status()
        return f"sessionid={client.cookies['sessionid']}"


async def measure(console: Console, count: int, points: int, every: float, burst: int) -> dict[str, Any]:
    cookie = sign_in(console)
    job = await asyncio.to_thread(submit, console, {"points": points, "every_s": every, "burst": burst})
    url = console.base.replace("http", "ws") + "/ws/"
    async with httpx.AsyncClient(base_url=console.base, headers={"Cookie": cookie}, timeout=60) as http:
        viewers = [Viewer(job, http) for _number in range(count)]
        await asyncio.gather(*(viewer.watch(url, cookie, points + burst) for viewer in viewers))
    return summary(viewers, points, burst)


def summary(viewers: list[Viewer], points: int, burst: int) -> dict[str, Any]:
    ages = sorted(age for viewer in viewers for age in viewer.ages[3:points])
    wanted = set(range(1, points + burst + 1))
    return {
        "viewers": len(viewers),
        "p50_ms": round(1000 * statistics.median(ages)),
        "p95_ms": round(1000 * ages[int(len(ages) * 0.95)]),
        "max_ms": round(1000 * ages[-1]),
        "n": len(ages),
        "lost": sum(len(wanted - set(viewer.times_seen)) for viewer in viewers),
        "doubled": sum(1 for viewer in viewers for times in viewer.times_seen.values() if times > 1),
        "healed_from_api": sum(viewer.healed for viewer in viewers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 200])
    parser.add_argument("--points", type=int, default=120)
    parser.add_argument("--every", type=float, default=0.5)
    parser.add_argument("--burst", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_console(Path(folder), env=SETTINGS) as console:
        for count in options.viewers:
            print(
                json.dumps(asyncio.run(measure(console, count, options.points, options.every, options.burst))),
                flush=True,
            )


if __name__ == "__main__":
    main()
