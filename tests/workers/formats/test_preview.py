"""The look at a file before its import, and the limited process that takes it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workers.formats.files import run_measured
from workers.formats import FileRefused, preview

PAIR = '{"prompt": "Where is it?", "completion": "On its way.", "n": 3}\n'


def look(tmp_path: Path, text: str, name: str = "rows.jsonl", **options: Any) -> dict[str, Any]:
    (tmp_path / "upload").write_text(text)
    return preview(tmp_path / "upload", name=name, **options)


def test_preview__good_file__shows_raw_and_training_rows(tmp_path: Path) -> None:
    found = look(tmp_path, PAIR * 30 + "broken\n\n")
    assert found["format"] == "jsonl" and found["columns"] == ["prompt", "completion", "n"]
    assert found["counts"] == {"rows": 31, "good": 30, "bad": 1, "blank": 1, "complete": True}
    assert len(found["raw"]) == len(found["training"]) == 20
    assert found["raw"][0] == {"line": 1, "values": {"prompt": "Where is it?", "completion": "On its way.", "n": "3"}}
    assert found["training"][0]["messages"][1] == {"role": "assistant", "content": "On its way."}
    assert found["problems"][0]["line"] == 31 and found["reasons"] == {"bad_json": 1}


def test_preview__mapping_given__is_used_and_checked(tmp_path: Path) -> None:
    found = look(tmp_path, PAIR, mapping={"prompt": "completion", "completion": "prompt"})
    assert found["training"][0]["messages"][0]["content"] == "On its way."
    with pytest.raises(FileRefused, match="no column “x”"):
        look(tmp_path, PAIR, mapping={"prompt": "x", "completion": "prompt"})


def test_preview__nothing_fits__has_no_mapping_and_counts_rows(tmp_path: Path) -> None:
    found = look(tmp_path, "weight\n1\n2\n", "rows.csv")
    assert found["mapping"] is None and found["counts"]["rows"] == 2 and found["training"] == []


def test_preview__mapping_that_gives_no_row__is_left_to_the_person(tmp_path: Path) -> None:
    found = look(tmp_path, '{"prompt": "a", "completion": ""}\n')
    assert found["counts"]["good"] == 0 and found["training"][0]["problem"] == "An assistant's answer is empty."


def test_preview__not_one_line_readable__is_refused_with_the_first(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"None of the 3 rows can be read. Line 1:"):
        look(tmp_path, "a\nb\nc\n", "rows.jsonl")


def test_preview__big_file__looks_at_the_first_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.formats.first_look.FULL_CHECK", 10_000)
    monkeypatch.setattr("workers.formats.first_look.FIRST_PART", 1_000)
    found = look(tmp_path, PAIR * 50_000)
    assert not found["counts"]["complete"] and 0 < found["counts"]["rows"] < 50_000


def run(path: Path, *words: str) -> tuple[dict[str, Any], int]:
    """The answer of the process and its greatest resident size in KiB."""
    _code, output, size = run_measured("workers.preview", path, *words)
    return json.loads(output), size


def test_process__good_file__answers_json(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text(PAIR)
    answer, _size = run(tmp_path / "rows", "--name=rows.jsonl", '--mapping={"prompt": "n", "completion": "prompt"}')
    assert answer["preview"]["problems"][0]["code"] == "not_text"


HOSTILE = {
    "B19 one line of 200 MB": ("rows.jsonl", b'{"prompt": "', b"a" * 2**20, 200),
    "an array that is one row of 200 MB": ("rows.json", b'[{"prompt": "', b"a" * 2**20, 200),
    "a header of 200 MB": ("rows.csv", b"", b"a" * 2**20, 200),
    "B22 a quote open over 200 MB": ("rows.csv", b'a,b\n"', b"1,2\n" * 2**18, 200),
    "brackets": ("rows.json", b"", b"[" * 2**20, 64),
    "zeros": ("rows.csv", b"", b"\0" * 2**20, 64),
    "line feeds": ("rows.jsonl", b"", b"\n" * 2**20, 64),
    "quotes": ("rows.csv", b"a,b\n", b'"x"y\n' * 2**18, 64),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_process__hostile_file__is_refused_in_little_memory(case: str, tmp_path: Path) -> None:
    name, start, piece, count = HOSTILE[case]
    with (tmp_path / "rows").open("wb") as file:
        file.write(start)
        for _ in range(count):
            file.write(piece)
    answer, size = run(tmp_path / "rows", f"--name={name}")
    (tmp_path / "rows").unlink()
    assert answer["refused"]["message"], answer
    assert size < 400 * 1024
