"""`manage.py up` as a whole: what dies is started again, Ctrl-C leaves nothing, the next start finds everything."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.console import ROOT, Console, running_console

EMITTER = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
SUBMIT = """
import django; django.setup()
from apps.accounts.models import Workspace
from apps.jobs.services import submit
settings = {"points": %d, "every_s": %f}
print(submit(actor=None, workspace=Workspace.objects.get(), kind="bench.emit", title="t", inputs={}, settings=settings).pk)
"""


@pytest.fixture(scope="module")
def own_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with running_console(tmp_path_factory.mktemp("up"), env=EMITTER) as console:
        yield console


@pytest.fixture(scope="module")
def api(own_console: Console) -> Iterator[httpx.Client]:
    with own_console.client() as client:
        yield client


def submit(console: Console, points: int, every: float) -> str:
    """A job that writes `points` metrics, in the console's own database. The broker's password is not known here: no hint."""
    code = SUBMIT % (points, every)
    env = {**console.env, "LOG_LEVEL": "CRITICAL"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def status_of(api: httpx.Client, job: str) -> str:
    return str(api.get(f"/api/v1/jobs/{job}/").raise_for_status().json()["status"])


def all_points(api: httpx.Client, job: str) -> list[int]:
    answer = api.get(f"/api/v1/jobs/{job}/metrics/").raise_for_status().json()
    return [step for _seq, step, _name, _value in answer["points"]]


def test_job__hint_lost__starts_within_two_sweeps(own_console: Console, api: httpx.Client) -> None:
    job = submit(own_console, 3, 0.05)
    wait_for(lambda: status_of(api, job) == "succeeded", 15, "a job that nobody was told of")
    assert all_points(api, job) == [1, 2, 3]


def test_web__killed__answers_again_and_the_job_went_on(own_console: Console, api: httpx.Client) -> None:
    job = submit(own_console, 60, 0.1)
    wait_for(lambda: status_of(api, job) == "running", 15, "running")
    own_console.find("uvicorn").kill()

    def answers() -> bool:
        try:
            return api.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    wait_for(answers, 20, "the web process is back")
    wait_for(lambda: status_of(api, job) == "succeeded", 20, "the job's end")
    assert all_points(api, job) == list(range(1, 61))
    assert len(api.get(f"/api/v1/jobs/{job}/").json()["attempts"]) == 1


def test_valkey__killed_with_a_job_running_and_one_queued__both_finish(own_console: Console, api: httpx.Client) -> None:
    first, second = submit(own_console, 50, 0.1), submit(own_console, 2, 0.1)
    wait_for(lambda: status_of(api, first) == "running", 15, "running")
    own_console.find("valkey-server").kill()
    wait_for(lambda: status_of(api, first) == "succeeded", 25, "the running job's end")
    wait_for(lambda: status_of(api, second) == "succeeded", 40, "the queued job's end")
    assert all_points(api, first) == list(range(1, 51))


def test_gpu_worker__killed__job_is_taken_up_again(tmp_path: Path) -> None:
    timing = '{"lease":3,"heartbeat":0.5,"fence":1.5,"kill":2.5,"slack":0.5,"sweep":0.5}'
    with running_console(tmp_path, env={**EMITTER, "TUNELOOP_TIMING": timing}) as console, console.client() as api:
        job = submit(console, 40, 0.1)
        wait_for(lambda: len(all_points(api, job)) > 5, 20, "some points")
        console.find("celery", "gpu0").kill()
        wait_for(lambda: status_of(api, job) == "succeeded", 40, "the second attempt's end")
        assert len(api.get(f"/api/v1/jobs/{job}/").json()["attempts"]) == 2
        assert sorted(all_points(api, job)) == list(range(1, 41))


def test_up__stopped_and_started_again__finds_everything(tmp_path: Path) -> None:
    with running_console(tmp_path, env=EMITTER) as console:
        job = submit(console, 600, 0.1)
        with console.client() as api:
            wait_for(lambda: status_of(api, job) == "running", 15, "running")
        console.stop()  # asserts that no process is left
        console.start()
        with console.client() as api:
            wait_for(lambda: len(api.get(f"/api/v1/jobs/{job}/").json()["attempts"]) == 2, 20, "the job goes on")
            assert api.get(f"/api/v1/jobs/{job}/").json()["losses"] == 0
            api.post(f"/api/v1/jobs/{job}/cancel/").raise_for_status()
            wait_for(lambda: status_of(api, job) == "cancelled", 15, "cancelled")
        refused = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", "1"],
            cwd=ROOT,
            env=console.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode != 0 and "already runs" in refused.stderr


def test_up__port_taken__says_so_and_names_another(tmp_path: Path, own_console: Console) -> None:
    env = {**own_console.env, "TUNELOOP_DATA": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3"}
    words = [sys.executable, "manage.py", "up", "--port", str(own_console.port)]
    refused = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert f"--port {own_console.port + 1}" in refused.stderr
