"""`make test`: everything that is checked, in the order in which a fault is cheapest to find.

PostgreSQL is found by TUNELOOP_TEST_POSTGRES_URL (default: the server on this machine). Where it cannot be reached its part is
not run, which is said at the end; with TUNELOOP_TEST_REQUIRE_ALL=1 that is a failure.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path

from tests.browser import install_browser

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
POSTGRES = os.environ.get("TUNELOOP_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REQUIRE_ALL = os.environ.get("TUNELOOP_TEST_REQUIRE_ALL") == "1"
UNIT = [
    "tests",
    "--ignore=tests/e2e",
    "--ignore=tests/faults",
    "--ignore=tests/bench",
    "--ignore=tests/workers",
    "--ignore=tests/labelstudio",
]
# Real processes and browsers: what fails is run once more, and told as RERUN at the end, for it wants mending all the same.
AGAIN = ["--reruns", "1", "-rR"]
WORKERS = ["tests/workers", *AGAIN]
REAL = ["tests/faults", "tests/e2e", *AGAIN]
# Browser tests in which the database has no say run on SQLite alone (tests/e2e/both.py).
ON_POSTGRES = "(faults or both) and not model"


class Step(NamedTuple):
    """A step that is over."""

    name: str
    code: int
    seconds: float

    @property
    def outcome(self) -> str:
        return "ok" if self.code == 0 else f"FAILED ({self.code})"


def pytest(*words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *words]


def steps(has_postgres: bool) -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, command and extra environment of every step."""
    on_postgres = {"DATABASE_URL": POSTGRES}
    parallel = ["-n", "2", "--dist", "loadfile"]
    plan: list[tuple[str, list[str], dict[str, str]]] = [
        ("lint", [str(BIN / "ruff"), "check", "."], {}),
        ("format", [str(BIN / "ruff"), "format", "--check", "."], {}),
        ("types", [str(BIN / "mypy")], {}),
        ("imports", [str(BIN / "lint-imports")], {}),
        ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"], {}),
        ("compose file", [sys.executable, "-m", "tests.compose"], {}),
        ("unit, SQLite", pytest(*UNIT, *parallel), {}),
        ("workers", pytest(*WORKERS, *parallel), {}),
        ("faults and browser, SQLite", pytest(*REAL, "--durations=20"), {}),
    ]
    if has_postgres:
        plan.insert(7, ("unit, PostgreSQL", pytest(*UNIT, *parallel), on_postgres))
        plan.append(("faults and browser, PostgreSQL", pytest(*REAL, "--durations=20", "-m", ON_POSTGRES), on_postgres))
    return plan


def reach_postgres() -> bool:
    import psycopg

    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.OperationalError as exc:
        print(f"PostgreSQL at {POSTGRES} cannot be reached: {exc}", flush=True)
        return False
    return True


def require_browser() -> None:
    path = install_browser()
    if path is None:
        sys.exit(
            "The browser tests need Chromium. Install it (Debian: sudo apt-get install chromium) "
            "or set CHROMIUM to its path."
        )
    print(f"Browser: {path}", flush=True)


def run_step(name: str, command: list[str], env: dict[str, str]) -> Step:
    began = time.monotonic()
    print(f"\n--- {name}", flush=True)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0", **env}, check=False)
    step = Step(name, done.returncode, time.monotonic() - began)
    print(f"--- {step.name}: {step.outcome}, {step.seconds:.0f} s", flush=True)
    return step


def table(done: list[Step]) -> str:
    """What each step took, so that the next slow one is seen."""
    lines = [f"{step.seconds:7.0f} s  {step.name}: {step.outcome}" for step in done]
    return "\n".join([*lines, f"{sum(step.seconds for step in done):7.0f} s  together"])


def main() -> int:
    require_browser()
    has_postgres = reach_postgres()
    if not has_postgres and REQUIRE_ALL:
        return 1
    done = [run_step(*step) for step in steps(has_postgres)]
    print(f"\n{table(done)}", flush=True)
    failed = [step.name for step in done if step.code != 0]
    if not has_postgres:
        print("\nNOT RUN: everything on PostgreSQL (set TUNELOOP_TEST_POSTGRES_URL).", flush=True)
    print(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'All steps passed.'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
