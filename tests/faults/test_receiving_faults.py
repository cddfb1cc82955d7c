"""F63-F65: the web process dies, two of them share one storage, the disk is full while a file comes in."""

import hashlib
import os
import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psutil
import pytest

from apps.datasets.models import Reception, Upload
from apps.datasets.receiving import partial
from apps.datasets.receiving.segments import SEGMENT
from tests.faults.console import Console
from tests.faults.stack import Proc, free_port, wait_until
from tests.make import make_api_key

DOOR = "/api/v1/uploads/"
CHUNK = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}
LINE = b'{"prompt": "Where is it %08d?", "completion": "' + b"On its way. " * 400 + b'"}\n'


class Web:
    """A web process, and a program that speaks tus with it."""

    def __init__(self, console: Console, key: str) -> None:
        self.port = free_port()
        self.process: Proc = console.stack.start_web(self.port)
        self.headers = {"Authorization": f"Bearer {key}"}
        base = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=base, headers=self.headers, timeout=60)

    def begin(self, size: int, name: str = "rows.jsonl") -> str:
        named = {"name": name, "size": size, "dataset_name": f"sent {time.monotonic_ns()}"}
        return str(self.client.post(DOOR, json=named).raise_for_status().json()["id"])

    def offset(self, pk: str) -> int:
        return int(self.client.head(f"{DOOR}{pk}/").raise_for_status().headers["Upload-Offset"])

    def send(self, pk: str, offset: int, data: bytes) -> httpx.Response:
        return self.client.patch(f"{DOOR}{pk}/", content=data, headers={**CHUNK, "Upload-Offset": str(offset)})

    def finish(self, pk: str) -> httpx.Response:
        return self.client.post(f"{DOOR}{pk}/finish/", json={})

    def open_patch(self, pk: str, offset: int, length: int) -> socket.socket:
        """A connection on which a PATCH of `length` bytes has begun, and none of them was sent."""
        head = {**self.headers, **CHUNK, "Host": "127.0.0.1", "Upload-Offset": offset, "Content-Length": length}
        lines = [f"PATCH {DOOR}{pk}/ HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall("\r\n".join(lines).encode())
        return connection


@pytest.fixture
def key(console: Console) -> str:
    return make_api_key(console.user, console.workspace)


@pytest.fixture
def web(console: Console, key: str) -> Iterator[Web]:
    one = Web(console, key)
    yield one
    one.process.kill()


def content_of(seed: int, size: int) -> bytes:
    count = size // len(LINE % 0) + 1
    return b"".join(LINE % (seed * 1_000_000 + n) for n in range(count))


def kept(upload: Upload) -> str:
    from apps.core.storage import storage

    return hashlib.sha256(storage().local(upload.key).read_bytes()).hexdigest()


def test_f63_kill_web_in_the_middle_of_one_long_request__goes_on_at_the_told_offset(
    console: Console, key: str, web: Web
) -> None:
    content = content_of(1, 3 * SEGMENT)
    pk = web.begin(len(content))
    connection = web.open_patch(pk, 0, len(content))
    connection.sendall(content[: 2 * SEGMENT + 100_000])
    wait_until(lambda: web.offset(pk) >= SEGMENT, "some bytes are told to be there")
    told = web.offset(pk)
    web.process.kill()
    connection.close()
    after = Web(console, key)
    try:
        offset = after.offset(pk)
        assert offset >= told > 0
        assert partial.path_of(Reception.objects.get(pk=pk).pk).read_bytes()[:offset] == content[:offset]
        assert after.send(pk, offset, content[offset:]).status_code == 204
        assert after.finish(pk).status_code == 201
    finally:
        after.process.kill()
    assert kept(Reception.objects.get(pk=pk).upload) == hashlib.sha256(content).hexdigest()  # type: ignore[arg-type]


def test_f63_connection_breaks_in_the_middle_of_one_long_request__every_byte_counts(web: Web) -> None:
    content = content_of(2, 2 * SEGMENT)
    pk, at = web.begin(len(content)), SEGMENT + 123_457
    with web.open_patch(pk, 0, len(content)) as connection:
        connection.sendall(content[:at])
    wait_until(lambda: web.offset(pk) == at, "what was sent is there")
    assert web.send(pk, at, content[at:]).status_code == 204
    assert web.finish(pk).status_code == 201
    assert kept(Reception.objects.get(pk=pk).upload) == hashlib.sha256(content).hexdigest()  # type: ignore[arg-type]


def test_f64_two_web_processes__each_byte_is_taken_once(console: Console, key: str, web: Web) -> None:
    content, step = content_of(3, SEGMENT), 400_000
    pk, other = web.begin(len(content)), Web(console, key)
    try:
        with ThreadPoolExecutor(4) as pool:
            for at in range(0, len(content), step):
                both = [pool.submit(one.send, pk, at, content[at : at + step]) for one in (web, other, web, other)]
                statuses = sorted(answer.result().status_code for answer in both)
                assert statuses == [204, 409, 409, 409]
        assert other.finish(pk).json()["url"] == web.finish(pk).json()["url"]
    finally:
        other.process.kill()
    assert kept(Reception.objects.get(pk=pk).upload) == hashlib.sha256(content).hexdigest()  # type: ignore[arg-type]


def test_f65_disk_full_while_a_file_comes__is_told__goes_on_when_there_is_room(web: Web) -> None:
    content = content_of(4, 3 * SEGMENT)
    pk, limit = web.begin(len(content)), 2 * SEGMENT - 50_000
    process = psutil.Process(web.process.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    answer = web.send(pk, 0, content[:SEGMENT])
    assert answer.status_code == 204
    full = web.send(pk, SEGMENT, content[SEGMENT : 2 * SEGMENT])
    assert (full.status_code, full.json()["error"]["code"]) == (503, "disk_full")
    assert full.headers["Retry-After"] and web.offset(pk) == SEGMENT
    process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert web.send(pk, SEGMENT, content[SEGMENT:]).status_code == 204
    assert web.finish(pk).status_code == 201
    assert kept(Reception.objects.get(pk=pk).upload) == hashlib.sha256(content).hexdigest()  # type: ignore[arg-type]


def test_f65_memory__of_one_long_request__does_not_grow_with_it(web: Web) -> None:
    size = 200 * 2**20
    pk, process = web.begin(size), psutil.Process(web.process.pid)
    web.send(pk, 0, bytes(SEGMENT))
    before, most = process.memory_info().rss, 0
    with web.open_patch(pk, SEGMENT, size - SEGMENT) as connection:
        block = os.urandom(1024) * 1024
        for _number in range(size // len(block) - 8):
            connection.sendall(block)
            most = max(most, process.memory_info().rss)
        with suppress(OSError):
            assert b" 204 " in connection.recv(4096)
    assert web.offset(pk) == size
    print(f"memory: {before / 2**20:.0f} MiB before, {most / 2**20:.0f} MiB at most")
    assert most - before < 64 * 2**20
    web.client.delete(f"{DOOR}{pk}/").raise_for_status()
