"""Run one program: `python -m workers.run <folder>/spec-<epoch>.json`.

Ties the process to its supervisor before anything heavy is imported, calls `workers.<program>.main(context)`, and turns what
comes back, or what went wrong, into the last event and the exit code.
"""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers import lifeline
from workers.context import Context, Spec, Wish
from workers.failures import EXIT_AGAIN, EXIT_INTERRUPTED, Interrupted, StartAgain, classify, traceback_tail
from workers.reporter import Reporter

ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "WANDB_DISABLED": "true",
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait sleep: spinning is up to 4 times slower as soon as others want the cores
}
USAGE = "usage: python -m workers.run <folder>/spec-<epoch>.json      (an example is in workers/README.md)"


def main(arguments: list[str]) -> int:
    """Run the program that the spec names and return the exit code."""
    if len(arguments) not in (1, 2) or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stderr)
        return 64
    goes_on_at = int(arguments[1]) if len(arguments) == 2 else None
    spec = Spec.read(Path(arguments[0]))
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    lifeline.tie_to_supervisor(spec.supervisor_pid)
    lifeline.watch(spec.folder, spec.supervisor_pid)
    reporter = Reporter(
        spec.folder / f"events-{spec.epoch}.jsonl", goes_on_at or spec.first_seq, goes_on_at is not None
    )
    if spec.supervisor_pid is None:
        print(f"events: {reporter.path}", file=sys.stderr, flush=True)
    context = Context(spec, reporter)
    lifeline.on_terminate(lambda: context.ask(Wish.LEAVE))
    try:
        code = run(context)
    finally:
        reporter.close()
    if code == EXIT_AGAIN:  # the same process to its supervisor, with memory of its own anew
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "workers.run", arguments[0], str(reporter.seq + 1)])  # noqa: S606
    return code


def run(context: Context) -> int:
    """Call the program and report how it ended. Raises nothing."""
    reporter = context.reporter
    try:
        result = _program(context)(context)
    except Interrupted as interruption:
        reporter.emit("interrupted", reason=interruption.reason)
        return EXIT_INTERRUPTED
    except StartAgain:
        return EXIT_AGAIN
    except BaseException as exc:  # an interrupt from the keyboard must leave a last event as well
        failure = classify(exc)
        if failure.failure_class != "user_error":
            reporter.log("error", traceback_tail(exc))
        reporter.emit("failure", **failure.as_event())
        return failure.exit_code
    reporter.emit("result", result=result)
    return 0


def _program(context: Context) -> Callable[[Context], dict[str, Any]]:
    """The `main` of the program; a dotted name is taken as it is (tests bring programs of their own)."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if context.spec.inputs.get("source") == "hub":
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            os.environ.pop(name, None)
    name = context.spec.program
    module = importlib.import_module(name if "." in name else f"workers.{name}")
    program: Callable[[Context], dict[str, Any]] = module.main
    return program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
