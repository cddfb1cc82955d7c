"""The queue of a large label project: how long its tasks take to make, how long the next task takes for people who label at once,
and whether a task is ever given twice, to too many, or an answer lost.

    python -m tests.bench.bench_labeling [--tasks 1000000] [--people 100] [--seconds 60] [--think 3] [--submissions 20000] [--overlap 2]

On a database of its own (DATABASE_URL names a PostgreSQL server; without it, SQLite by direct call). On PostgreSQL people are clients of
one uvicorn over HTTP: first each thinks `--think` seconds a task on average (the latency that counts), then without a pause until the
submissions are in, while one request in twenty is cut off or sent twice. Limits: 100,000 tasks within 10 s, p95 of the next task 50 ms.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

CONFIG = (
    '<View><Text name="t" value="$text"/><Choices name="q" toName="t" required="true">'
    '<Choice value="a"/><Choice value="b"/></Choices></View>'
)
RESULT = [{"from_name": "q", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]
PORT = 8975
NEXT_MS, MADE_PER_S = 50.0, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {"tasks": 1_000_000, "people": 100, "seconds": 60, "submissions": 20_000, "overlap": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--think", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-labeling-") as name:
        drop = _own_database(Path(name))
        try:
            good = _run(options, Path(name))
        finally:
            drop()
    sys.exit(0 if good else 1)


def _own_database(folder: Path) -> Any:
    """A database that goes when the bench ends; sets up Django on it."""
    server = os.environ.get("DATABASE_URL", "")
    (folder / "data" / "tmp").mkdir(parents=True)
    os.environ.update(TUNELOOP_DATA=str(folder / "data"), DJANGO_SETTINGS_MODULE="console.settings", LOG_LEVEL="ERROR")
    os.environ.pop("TUNELOOP_STORAGE", None)
    os.environ.pop("REDIS_URL", None)

    def drop() -> None:
        return None

    if server.startswith("postgres"):
        import psycopg

        own = f"bench_labeling_{os.getpid()}"
        with psycopg.connect(server, autocommit=True) as link:
            link.execute(f'CREATE DATABASE "{own}"')
        os.environ["DATABASE_URL"] = server.rpartition("/")[0] + "/" + own

        def drop() -> None:
            from django.db import connections

            connections.close_all()
            with psycopg.connect(server, autocommit=True) as link:
                link.execute(f'DROP DATABASE "{own}" WITH (FORCE)')

    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return drop


def _run(options: Any, folder: Path) -> bool:
    from django.db import connection

    project = _make_project(options, folder)
    people = _people(options.people, project)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        good = _over_http(options, project, people)
    else:
        good = _direct(options, project, people)
    return _is_sound(project) and good


def _make_project(options: Any, folder: Path) -> Any:
    """Rows of about 300 characters as a version, then the project from it, as a job would make it."""
    from apps.accounts.models import User, Workspace
    from apps.datasets import freezing, services
    from apps.datasets.models import Layout
    from apps.labeling import services as labeling
    from apps.labeling.models import LabelProject
    from apps.labeling.queueing import filling
    from workers.choose_rows import Selection, choose
    from workers.formats.forms import make_row
    from workers.formats.shards import ShardWriter

    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)]
    made = folder / "shards"
    made.mkdir()
    writer = ShardWriter(made)
    for number in range(options.tasks):
        text = " ".join(chance.choices(words, k=50))
        writer.add(make_row("text", [], {"text": text}, source_line=number + 1, extra=f'{{"id":{number}}}'))
    result = {"content_hash": writer.close(), "row_count": writer.rows, "statistics": {}, "shards": writer.as_dicts()}
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    owner = User.objects.create_user(email="owner@example.com", password="a long pass phrase", name="Olga")
    dataset = services.create_dataset(actor=owner, workspace=workspace, name="bench")
    freezing.keep_shards(dataset, result, made)
    version = freezing.freeze(
        dataset=dataset, result=result, actor=owner, created_by=owner, layout=Layout.MESSAGES, form="text"
    )
    project = labeling.create_project(
        actor=owner, workspace=workspace, name="Bench", label_config=CONFIG, overlap=options.overlap
    )
    began = time.perf_counter()
    filling.fill(project, version, choose(version.shard_paths(), version.row_count, Selection()))
    took = time.perf_counter() - began
    print(f"{options.tasks:,} tasks made in {took:.1f} s: {options.tasks / took:,.0f} a second; {_size()}", flush=True)
    LabelProject.objects.filter(pk=project.pk).update(status="open")
    project.refresh_from_db()
    return project


def _size() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_table_size('labeling_task'), pg_indexes_size('labeling_task')")
            rows, indexes = cursor.fetchone()
            return f"table {rows / 1e6:,.0f} MB, indexes {indexes / 1e6:,.0f} MB"
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        return f"database {pages * 4096 / 1e6:,.0f} MB"


def _people(count: int, project: Any) -> list[Any]:
    from apps.accounts.models import Membership, User
    from apps.accounts.roles import Role

    people = [User.objects.create(email=f"p{number}@example.com", name=f"P{number}") for number in range(count)]
    Membership.objects.bulk_create(
        Membership(workspace=project.workspace, user=person, role=Role.ANNOTATOR) for person in people
    )
    return people


# ---- by direct call


def _direct(options: Any, project: Any, people: list[Any]) -> bool:
    from apps.labeling import queue

    times: list[float] = []
    for number in range(min(options.submissions, 5000)):
        person = people[number % len(people)]
        began = time.perf_counter()
        assignment = queue.take_next(actor=person, project=project)
        times.append(time.perf_counter() - began)
        if assignment is None:
            break
        queue.submit(actor=person, assignment=assignment, result=RESULT)
    return _told("next task by direct call, one after the other", times)


def _told(words: str, times: list[float]) -> bool:
    ordered = sorted(1000 * one for one in times)
    p50, p95, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99))
    print(f"{words}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, n = {len(ordered):,}", flush=True)
    return p95 <= NEXT_MS


# ---- over HTTP


def _over_http(options: Any, project: Any, people: list[Any]) -> bool:
    from apps.accounts.models import ApiKey

    keys = [ApiKey.issue(user=person, workspace=project.workspace, name="bench")[1] for person in people]
    command = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--port", str(PORT), "--log-level", "error"]
    server = subprocess.Popen(command)
    try:
        return asyncio.run(_work(options, project, keys))
    finally:
        server.terminate()
        server.wait(20)


async def _work(options: Any, project: Any, keys: list[str]) -> bool:
    base = f"http://127.0.0.1:{PORT}"
    async with httpx.AsyncClient(base_url=base) as probe:
        while True:
            with suppress(httpx.HTTPError):
                if (await probe.get("/healthz")).status_code == 200:
                    break
            await asyncio.sleep(0.2)
    crowd = [Person(base, project.pk, key, number) for number, key in enumerate(keys)]
    await asyncio.gather(*(one.take() for one in crowd))  # everybody's first page, and their parts
    for one in crowd:
        one.times.clear()
    until = time.monotonic() + options.seconds
    await asyncio.gather(*(one.think_and_answer(options.think, until) for one in crowd))
    answers = sum(len(one.answered) for one in crowd)
    words = f"next task over HTTP, {len(crowd)} people, {answers / options.seconds:.0f} answers a second"
    good = _told(words, [took for one in crowd for took in one.times])
    began = time.monotonic()
    each = max(1, (options.submissions - answers) // len(crowd))
    await asyncio.gather(*(one.hurry(each) for one in crowd))
    took, told = time.monotonic() - began, {one for person in crowd for one in person.answered}
    print(
        f"{len(told):,} submissions, {sum(one.cuts for one in crowd):,} requests cut off; without pauses"
        f" {each * len(crowd) / took:.0f} a second",
        flush=True,
    )
    for one in crowd:
        await one.client.aclose()
    return await asyncio.to_thread(_none_lost, told) and good


class Person:
    """One annotator at a browser."""

    def __init__(self, base: str, project: Any, key: str, seed: int) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx.AsyncClient(
            base_url=f"{base}/api/v1/label-projects/{project}/", headers=headers, timeout=60
        )
        self.chance = random.Random(seed)
        self.times: list[float] = []
        self.answered: set[str] = set()
        self.cuts = 0

    async def take(self) -> str | None:
        began = time.perf_counter()
        answer = await self.client.post("tasks/next/", json={})
        self.times.append(time.perf_counter() - began)
        found = answer.raise_for_status().json()["assignment"]
        return str(found["id"]) if found else None

    async def submit(self, assignment: str) -> None:
        body = {"assignment": assignment, "result": RESULT, "lead_time": 1}
        (await self.client.post("annotations/", json=body)).raise_for_status()
        self.answered.add(assignment)

    async def think_and_answer(self, think: float, until: float) -> None:
        await asyncio.sleep(self.chance.uniform(0, think))
        while time.monotonic() < until and (held := await self.take()):
            await asyncio.sleep(self.chance.expovariate(1 / think))
            await self.submit(held)

    async def hurry(self, count: int) -> None:
        """Answers without a pause; now and then the line is cut while a request is on its way, which is then sent again."""
        for _number in range(count):
            await self._maybe_cut("tasks/next/", {})
            held = await self.take()
            if held is None:
                return
            await self._maybe_cut("annotations/", {"assignment": held, "result": RESULT, "lead_time": 1})
            await self.submit(held)

    async def _maybe_cut(self, path: str, body: Any) -> None:
        if self.chance.random() < 0.05:
            self.cuts += 1
            with suppress(httpx.HTTPError):
                await self.client.post(path, json=body, timeout=self.chance.uniform(0.001, 0.2))


# ---- what must hold


def _none_lost(told: set[str]) -> bool:
    from apps.labeling.models import Annotation

    kept = {str(one) for one in Annotation.objects.values_list("assignment", flat=True)}
    print(f"lost submissions: {len(told - kept)}", flush=True)
    return told <= kept


def _is_sound(project: Any) -> bool:
    from django.db.models import Count, F

    from apps.labeling.models import Annotation, Assignment, Share

    held = Assignment.objects.filter(project=project, status__in=["leased", "submitted"])
    twice = held.values("task", "annotator").annotate(count=Count("pk")).filter(count__gt=1).count()
    counted = held.values("task").annotate(count=Count("pk"))
    over = counted.filter(count__gt=project.overlap).count()
    wrong = counted.exclude(count=project.overlap - F("task__open_slots")).count()
    figures = Share.objects.filter(project=project).totals()["submitted"] == Annotation.objects.count()
    print(
        f"given twice to one person: {twice}; to too many: {over}; slots that are not right: {wrong}; counts right: {figures}"
    )
    return not (twice or over or wrong) and figures


if __name__ == "__main__":
    main()
