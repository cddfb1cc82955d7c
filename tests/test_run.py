"""The plan of `make test`: nothing falls out of it unseen."""

from pathlib import Path

from tests import run
from tests.e2e.both import ON_BOTH

ROOT = Path(__file__).resolve().parent


def test_on_both__every_name__is_a_file() -> None:
    assert {path.name for path in (ROOT / "e2e").glob("test_*.py")} >= ON_BOTH


def test_steps__with_postgres__add_to_those_without() -> None:
    plan = [name for name, _command, _env in run.steps(has_postgres=True)]
    assert set(plan) - {name for name, _command, _env in run.steps(has_postgres=False)} == {
        "unit, PostgreSQL",
        "faults and browser, PostgreSQL",
    }


def test_steps__on_sqlite__leave_no_test_out() -> None:
    commands = {name: command for name, command, env in run.steps(has_postgres=False)}
    assert "-m" not in commands["faults and browser, SQLite"][3:]
    ignored = {word.removeprefix("--ignore=") for word in commands["unit, SQLite"] if word.startswith("--ignore")}
    elsewhere = {"tests/workers", "tests/e2e", "tests/faults"}
    by_hand = {"tests/bench", "tests/labelstudio"}
    assert ignored == elsewhere | by_hand
    assert elsewhere <= {word for command in commands.values() for word in command}


def test_table__of_steps__has_each_with_its_seconds() -> None:
    told = run.table([run.Step("lint", 0, 2.4), run.Step("types", 1, 60.0)])
    assert told.splitlines() == [
        "      2 s  lint: ok",
        "     60 s  types: FAILED (1)",
        "     62 s  together",
    ]
