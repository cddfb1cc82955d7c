"""A program that does what its settings say, step by step: settings = {"steps": [["metric", 3], ["sleep", 0.1], ...]}."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

from workers.context import Context, Wish
from workers.failures import Interrupted, UserError


def main(context: Context) -> dict[str, Any]:
    context.reporter.progress(0, 1, "steps", "Starting")
    for name, *words in context.spec.settings["steps"]:
        STEPS[name](context, *words)
    return {"steps": len(context.spec.settings["steps"])}


def metric(context: Context, count: int) -> None:
    for step in range(1, count + 1):
        context.reporter.metric(step, "loss", 1.0 / step)


def sleep(context: Context, seconds: float) -> None:
    time.sleep(seconds)


def obey(context: Context, seconds: float = 30) -> None:
    """Work on until somebody wants something: a stop ends the work, anything stronger interrupts it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        wish = context.should_stop()
        if wish == Wish.STOP_AND_SAVE:
            context.reporter.fact("stopped", True)
            return
        if wish != Wish.CONTINUE:
            raise Interrupted(wish.name.lower())
        time.sleep(0.02)


def deafen(context: Context) -> None:
    """Ignore every polite request."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    context.reporter.log("info", "deaf")
    time.sleep(60)


def answer(context: Context, count: int) -> None:
    """Answer so many messages."""
    heard = 0
    while heard < count:
        for message in context.take_messages():
            context.reporter.emit("reply", request=message["id"], text=message["text"].upper(), done=True)
            heard += 1
        time.sleep(0.02)


def spawn(context: Context, *argv: str) -> None:
    """Start another process and say its number."""
    code = "import time; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session="apart" in argv)
    context.reporter.fact("spawned", process.pid)


def say(context: Context, event_type: str, fields: dict[str, Any]) -> None:
    context.reporter.emit(event_type, **fields)


def write(context: Context, text: str) -> None:
    """Put a raw line among the events."""
    context.reporter._write(text.encode() + b"\n")


def tell_environment(context: Context) -> None:
    context.reporter.fact("environment", sorted(os.environ))
    context.reporter.fact("session", [os.getpid(), os.getsid(0), os.getppid()])
    context.reporter.fact("spec", {"epoch": context.spec.epoch, "first_seq": context.spec.first_seq})
    context.reporter.fact("inputs", dict(context.spec.inputs))


def refuse(context: Context) -> None:
    raise UserError("The learning rate is odd.", "Use 0.0002.")


def crash(context: Context) -> None:
    raise RuntimeError("boom")


def leave(context: Context, code: int) -> None:
    print("last words", file=sys.stderr, flush=True)
    os._exit(code)


def die(context: Context) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


STEPS = {
    step.__name__: step
    for step in (metric, sleep, obey, deafen, answer, spawn, say, write, tell_environment, refuse, crash, leave, die)
}
