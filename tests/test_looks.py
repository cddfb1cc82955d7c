"""The memory of looks: never an answer that a process would not have given."""

from pathlib import Path
from typing import Any

from tests.looks import Looks


def ask(looks: Looks, path: Path, *words: str, python: str = "python") -> dict[str, Any]:
    return looks([python, "-m", "workers.preview", str(path), *words])


def test_looks__same_bytes_and_words__are_asked_once_and_own_copies(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], given: str = "") -> dict[str, Any]:
        asked.append(command)
        return {"rows": [len(asked)]}

    looks, one, same, other = Looks(run), tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    for path, content in ((one, "x"), (same, "x"), (other, "y")):
        path.write_text(content)
    ask(looks, one)["rows"].append("changed by a test")
    assert ask(looks, same) == {"rows": [1]}
    assert ask(looks, other) == {"rows": [2]}
    assert ask(looks, one, "--format=csv") == {"rows": [3]}
    assert ask(looks, one, python="/bin/false") == {"rows": [4]}
    one.write_text("z")
    assert ask(looks, one) == {"rows": [5]}


def test_looks__of_mended_rows__are_always_asked() -> None:
    asked: list[str] = []

    def run(command: list[str], given: str = "") -> dict[str, Any]:
        asked.append(given)
        return {}

    looks = Looks(run)
    for _ in range(2):
        looks(["python", "-m", "workers.mending"], "rows")
    assert asked == ["rows", "rows"]
