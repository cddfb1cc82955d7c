"""F7, F8, F20: the line to the database is cut; many write at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection

from apps.jobs import protocol, services
from apps.jobs.models import Status
from tests.faults.console import Console
from tests.faults.history import faults_of
from tests.faults.proxy import Proxy
from tests.faults.stack import BUSY, REQUEUED_WITHIN, TIMING, WATCHDOG, is_gone, wait_until


@pytest.fixture
def proxy(console: Console) -> Iterator[Proxy]:
    address = urlsplit(console.stack.database_url)
    if not address.hostname:
        pytest.skip("SQLite has no line that could be cut; this runs in the step on PostgreSQL")
    line = Proxy(address.hostname, address.port or 5432)
    yield line
    line.close()


def through(proxy: Proxy, url: str) -> str:
    address = urlsplit(url)
    user = address.netloc.rpartition("@")[0]
    return address._replace(netloc=f"{user}@127.0.0.1:{proxy.port}").geturl()


@contextmanager
def line_cut(proxy: Proxy) -> Iterator[None]:
    proxy.cut()
    try:
        yield
    finally:
        proxy.heal()


def test_f07_line_cut_for_less_than_the_fence__nothing_is_lost__no_requeue(console: Console, proxy: Proxy) -> None:
    console.stack.launch("far:chat0", DATABASE_URL=through(proxy, console.stack.database_url))
    job = console.submit_aside(steps=120, step_s=0.03)
    trainer = console.wait_for_step(job, 5)
    for _cut in range(2):
        with line_cut(proxy):
            job.refresh_from_db()
            before = job.last_step
            time.sleep(TIMING["fence"] * 0.4)
            job.refresh_from_db()
            assert job.last_step <= before + 6  # what was on its way
            assert not is_gone(trainer)
        console.wait_for_step(job, before + 20)
        time.sleep(3 * TIMING["heartbeat"])  # time for a renewal, as between two faults of real life
    console.wait_for_end(job)
    assert (job.status, job.attempts.count(), job.losses) == (Status.SUCCEEDED, 1, 0)
    assert faults_of(job) == []


def test_f08_line_cut_for_longer_than_the_lease__fences_itself__another_goes_on(console: Console, proxy: Proxy) -> None:
    console.stack.launch("far:chat0", DATABASE_URL=through(proxy, console.stack.database_url))
    job = console.submit_aside(steps=120, step_s=0.05, is_deaf=True)
    trainer = console.wait_for_step(job, 5)
    console.stack.launch("near:chat0")
    with line_cut(proxy):
        gone = wait_until(lambda: is_gone(trainer), "the trainer is killed before its lease ends")
        assert gone <= TIMING["kill"] + WATCHDOG + BUSY
        wait_until(
            lambda: job.attempts.filter(slot="near:chat0").exists(), "another worker takes it", REQUEUED_WITHIN + BUSY
        )
        console.wait_for_step(job, 10, epoch=2)
    console.wait_for_end(job)
    assert (job.status, job.losses) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f20_eight_writers_at_once__no_database_is_locked(console: Console) -> None:
    errors: list[str] = []
    written = [0] * 8
    until = time.monotonic() + 3

    def write_points(number: int) -> None:
        job = console.talking_job()
        seq = 0
        while time.monotonic() < until:
            batch = [
                {"seq": seq + n, "at": 1.0, "type": "metric", "step": seq + n, "name": "loss", "value": 0.5}
                for n in range(1, 21)
            ]
            seq = protocol.record_events(job=job, epoch=1, events=batch)
            protocol.renew(job=job, epoch=1)
            written[number] += 1

    def submit_and_cancel(number: int) -> None:
        while time.monotonic() < until:
            services.cancel(actor=console.user, job=console.submit(steps=1))
            written[number] += 1

    def work(number: int) -> None:
        try:
            (write_points if number % 2 else submit_and_cancel)(number)
        except OperationalError as exc:
            errors.append(str(exc))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(count > 0 for count in written), written
