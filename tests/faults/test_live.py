"""F30-F32: the web server dies, a client does not read, messages are dropped; the curve on the page stays that of the database."""

import asyncio
import base64
import os
import signal
import socket
import time
from collections.abc import Iterator

import psutil
import pytest
from django.conf import settings
from django.test import Client

from apps.core import live
from apps.core.layer import LiveLayer
from apps.jobs import protocol
from apps.jobs.models import Job, Status
from tests.faults.console import Console
from tests.faults.history import faults_of
from tests.faults.stack import Proc, free_port, frozen, wait_until
from tests.faults.watcher import Watcher


class Web:
    """The web server of a test, and who looks at it."""

    def __init__(self, console: Console) -> None:
        self.console, self.port = console, free_port()
        self.proc: Proc = console.stack.start_web(self.port)
        self.watchers: list[Watcher] = []
        client = Client()
        client.force_login(console.user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        self.cookie = f"sessionid={client.cookies['sessionid'].value}"

    def watch(self, job: Job, **habits: float) -> Watcher:
        watcher = Watcher(self.port, self.cookie, str(job.pk), **habits)
        self.watchers.append(watcher)
        wait_until(lambda: watcher.connections, "the page is connected")
        return watcher

    def start_again(self) -> None:
        self.proc = self.console.stack.start_web(self.port)

    def close(self) -> None:
        for watcher in self.watchers:
            watcher.close()
        self.proc.kill()


@pytest.fixture
def web(console: Console) -> Iterator[Web]:
    server = Web(console)
    yield server
    server.close()


def assert_same_as_database(watcher: Watcher, job: Job) -> None:
    job.refresh_from_db()
    wait_until(watcher.has(job.last_seq), "the page has everything", 20)
    rows = {(name, step): value for name, step, value in job.points.values_list("name", "step", "value")}
    assert watcher.curve == rows
    assert len(watcher.seen) == len(set(watcher.seen))
    assert watcher.seen == sorted(watcher.seen)


def test_f30_kill_web_server__in_a_live_curve__page_heals__nothing_lost_or_doubled(console: Console, web: Web) -> None:
    job = console.submit(steps=250, step_s=0.03)
    console.wait_for_step(job, 3)
    watcher = web.watch(job)
    for _time in range(2):
        wait_until(lambda seen=watcher.after: watcher.after > seen + 20, "the curve grows")  # type: ignore[misc]
        web.proc.kill()
        time.sleep(0.3)
        web.start_again()
    console.wait_for_end(job)
    assert_same_as_database(watcher, job)
    assert watcher.connections == 3
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)
    assert faults_of(job) == []


def test_f30_kill_broker__in_a_live_curve__page_heals__nothing_lost_or_doubled(console: Console, web: Web) -> None:
    job = console.submit(steps=200, step_s=0.03)
    console.wait_for_step(job, 3)
    watcher = web.watch(job)
    wait_until(lambda: watcher.after > 20, "the curve grows")
    assert console.broker is not None
    console.broker.kill()
    time.sleep(0.5)
    console.broker = console.stack.start_broker()
    console.wait_for_end(job)
    late = web.watch(job)  # a reload of the page
    for page in (watcher, late):
        assert_same_as_database(page, job)
    assert (job.status, job.attempts.count()) == (Status.SUCCEEDED, 1)


def test_f31_client_that_never_reads__is_dropped__others_stay_quick(console: Console, web: Web) -> None:
    job = console.talking_job()
    deaf = connect_and_never_read(web, job)
    watcher = web.watch(job)
    server = psutil.Process(web.proc.pid)
    before = server.memory_info().rss
    until = time.monotonic() + 13
    while time.monotonic() < until and len(watcher.delays) < 10_000:
        live.send(live.topic_of(job), {"type": "changed", "sent_at": time.monotonic(), "ballast": "x" * 250_000})
        time.sleep(0.1)
    assert len(watcher.delays) > 50
    assert sorted(watcher.delays)[int(len(watcher.delays) * 0.95)] < 1.0
    assert server.memory_info().rss - before < 60 * 2**20
    assert_is_closed(deaf)


def connect_and_never_read(web: Web, job: Job) -> socket.socket:
    """Shake hands, subscribe, and then stop reading."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", web.port))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /ws/ HTTP/1.1", f"Host: 127.0.0.1:{web.port}", "Upgrade: websocket", "Connection: Upgrade", f"Cookie: {web.cookie}",
        f"Origin: http://127.0.0.1:{web.port}", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", "",
    ]  # fmt: skip
    deaf.sendall("\r\n".join(lines).encode())
    assert b" 101 " in deaf.recv(1024)
    text = f'{{"subscribe": "job.{job.pk}"}}'.encode()
    deaf.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)  # one text frame, masked with zeros
    return deaf


def assert_is_closed(deaf: socket.socket) -> None:
    """Everything that was on its way can be read, then the line is at its end."""
    deaf.settimeout(25)
    total = 0
    try:
        while chunk := deaf.recv(65_536):
            total += len(chunk)
    except ConnectionResetError:
        pass
    assert total < 30 * 250_000


def test_f32_messages_dropped_by_the_channel_layer__holes_are_healed_from_the_database(
    console: Console, web: Web
) -> None:
    job = console.talking_job()
    watcher = web.watch(job, quiet=60)
    record(job, 1, 20)
    wait_until(watcher.has(20), "the page follows")
    with frozen(web.proc.pid):
        record(job, 21, 250)  # far more messages than the layer keeps
    record(job, 251, 260)
    assert_same_as_database(watcher, job)
    assert len(watcher.curve) == 260
    assert watcher.gaps or watcher.connections > 1  # the server may also find its line to the broker dead, and let go


def test_f32_burst_of_a_thousand_points__all_arrive_once(console: Console, web: Web) -> None:
    job = console.submit(steps=40, step_s=0.03, metrics_at_once=1000)
    watcher = web.watch(job)
    console.wait_for_end(job)
    assert_same_as_database(watcher, job)
    assert len([step for name, step in watcher.curve if name == "burst"]) == 1000
    assert faults_of(job) == []


def record(job: Job, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        event = {"seq": seq, "at": time.time(), "type": "metric", "step": seq, "name": "loss", "value": 1.0 / seq}
        protocol.record_events(job=job, epoch=1, events=[event])


def test_live__web_server_stopped_by_signal__leaves_at_once(console: Console, web: Web) -> None:
    job = console.talking_job()
    web.watch(job)
    web.proc.popen.send_signal(signal.SIGTERM)
    assert web.proc.popen.wait(10) is not None


def test_live__three_hundred_pages_at_one_moment__all_are_subscribed(console: Console) -> None:
    """As after a restart of the web server, when every open page comes back at once."""
    layer = LiveLayer(console.stack.broker_url)

    async def come_back() -> int:
        pages = [f"specific.page!{number}" for number in range(300)]
        await asyncio.gather(*(layer.group_add("job.crowd", page) for page in pages))
        subscribed = await layer.connection(0).zcard(layer._group_key("job.crowd"))
        await layer.close_pools()
        return int(subscribed)

    assert asyncio.run(come_back()) == 300
