"""The profiling program: over all rows, from where it was killed, with models, and what it reports on the way."""

import ast
import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workers import tiny
from tests.workers.formats.files import ROOT
from workers import embedding, profile_table
from workers.failures import Interrupted
from workers.formats.amending import amend
from workers.formats.chat import Message, TrainingRow, row_id
from workers.formats.forms import make_row
from workers.formats.shards import ShardWriter
from workers.formats.stored import read_rows
from workers.profiling import topics

DEMO = ROOT / "apps" / "datasets" / "demo" / "harbour-and-pine-support.jsonl"


def write(folder: Path, rows: list[TrainingRow], shard_rows: int = 700) -> list[Path]:
    folder.mkdir(parents=True)
    writer = ShardWriter(folder, shard_rows=shard_rows)
    for row in rows:
        writer.add(row)
    writer.close()
    return [folder / shard.name for shard in writer.shards]


def chats(count: int) -> list[TrainingRow]:
    made = []
    for number in range(count):
        turns = [Message(**turn) for turn in tiny.conversation(number % 480)]
        turns[0] = Message("user", f"{turns[0].content} Case {number}.")
        extra = json.dumps({"topic": "odd" if number % 2 else "even"})
        made.append(TrainingRow(row_id(turns), turns, number + 1, extra, "test" if number % 10 == 0 else "train"))
    return made


def profile(work: Path, paths: list[Path], watch: Any = None, told: Any = None, **inputs: Any) -> dict[str, Any]:
    work.mkdir(parents=True, exist_ok=True)
    settings = {"perplexity_rows": inputs.pop("perplexity_rows", 0), "topics": inputs.pop("topics", False)}
    said = {"form": "chat", **inputs}
    found = profile_table.Profiler(
        paths, work, said, settings, watch or (lambda *seen: None), told or (lambda seen: None)
    )
    return found.run()


def test_profile__of_all_rows__has_every_figure(tmp_path: Path) -> None:
    rows = chats(1_200)
    found = profile(tmp_path / "work", write(tmp_path / "v", [*rows, rows[0]]))
    assert (found["rows"], found["rows_read"], found["splits"]) == (1_201, 1_201, {"train": 1_080, "test": 121})
    lengths = [sum(len(message.content) for message in row.messages) for row in [*rows, rows[0]]]
    assert found["lengths"]["characters"]["total"] == sum(lengths)
    assert found["duplicates"]["exact"]["rows"] == 1
    assert found["languages"]["top"][0]["language"] == "en"
    assert found["left_out"] == {"tokens": "no_tokenizer", "topics": "not_wanted", "perplexity": "not_wanted"}


def test_profile__of_a_version_with_a_patch__sees_the_rows_as_they_are(tmp_path: Path) -> None:
    paths = write(tmp_path / "v", chats(50))
    rows = list(read_rows(paths))
    longer = rows[3]._replace(messages=[Message("user", "x" * 500), Message("assistant", "y")])
    made = amend(paths, {3: longer, 4: None}, [], tmp_path / "v")
    found = profile(tmp_path / "work", [*paths, tmp_path / "v" / made["patch"]["name"]])
    assert found["rows"] == 49
    assert found["lengths"]["characters"]["most"] == 501


def test_profile__of_a_table__describes_its_columns(tmp_path: Path) -> None:
    rows = [
        make_row("tabular", [], {"values": {"age": n, "city": None if n % 4 == 0 else "Rome"}}, source_line=n)
        for n in range(40)
    ]
    found = profile(tmp_path / "work", write(tmp_path / "v", rows), form="tabular")
    assert found["missing"]["share"] == 0.125
    assert [one["kind"] for one in found["columns"]] == ["number", "category"]


def test_profile__ended_in_the_middle__goes_on_from_there_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path / "v", chats(2_600))
    whole = profile(tmp_path / "once", paths)
    monkeypatch.setattr(profile_table, "_SAVE_EVERY_S", 0.0)

    def stop(done: int, _total: int, phase: str) -> None:
        if phase == "Reading the rows" and done >= 1_500:
            raise Interrupted("leave")

    with pytest.raises(Interrupted):
        profile(tmp_path / "twice", paths, stop)
    seen: list[int] = []
    note = lambda done, _total, phase: seen.append(done) if phase == "Reading the rows" else None  # noqa: E731
    assert profile(tmp_path / "twice", paths, note) == whole
    assert min(seen) >= 1_000


def test_profile__while_it_runs__tells_figures_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_table, "_TELL_EVERY_S", 0.0)
    told: list[dict[str, Any]] = []
    profile(tmp_path / "work", write(tmp_path / "v", chats(1_500)), told=told.append)
    read = [one["rows_read"] for one in told]
    assert read == sorted(read) and 0 < read[0] < read[-1] == 1_500


def test_profile__with_a_base_model__counts_tokens_and_measures_perplexity(tmp_path: Path, tiny_model: Path) -> None:
    named = {"model": str(tiny_model), "model_name": "Tiny", "tokenizer": str(tiny_model / "tokenizer.json")}
    found = profile(tmp_path / "work", write(tmp_path / "v", chats(30)), perplexity_rows=5, **named)
    tokenizer = tiny.make_tokenizer()
    lengths = [sum(len(tokenizer(turn.content)["input_ids"]) for turn in row.messages) for row in chats(30)]
    assert found["lengths"]["tokens"]["total"] == sum(lengths)
    told = found["perplexity"]
    assert (told["n"], told["of"], told["model"]) == (5, "answers", "Tiny")
    assert 100 < told["value"] < 1_500  # random weights over 400 tokens
    assert len(told["examples"]) == 5


def test_profile__of_texts__measures_perplexity_of_every_token(tmp_path: Path, tiny_model: Path) -> None:
    rows = [make_row("text", [], {"text": f"Mara sells the lamp {n}."}, source_line=n) for n in range(8)]
    paths = write(tmp_path / "v", rows)
    found = profile(tmp_path / "work", paths, form="text", model=str(tiny_model), model_name="Tiny", perplexity_rows=8)
    assert (found["perplexity"]["n"], found["perplexity"]["of"]) == (8, "texts")


def test_program__killed__is_done_by_the_next_attempt(tmp_path: Path) -> None:
    paths = write(tmp_path / "v", chats(6_000))
    spec = {"program": "profile_table", "inputs": {"shards": [str(path) for path in paths], "form": "chat"}}
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "spec-1.json").write_text(json.dumps({**spec, "settings": {"perplexity_rows": 0, "topics": False}}))
    command = [sys.executable, "-m", "workers.run", str(folder / "spec-1.json")]
    first = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (folder / "events-1.jsonl").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(10)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0
    events = [json.loads(line) for line in (folder / "events-1.jsonl").read_text().splitlines()]
    assert events[-1]["result"]["figures"]["rows_read"] == 6_000
    assert {"Reading the rows", "Comparing the rows"} <= {event.get("phase") for event in events}
    assert {event["name"] for event in events if event["type"] == "fact"} == {"figures"}
    assert not (folder / "work").exists()  # it holds texts


@pytest.mark.model
def test_topics__of_real_texts__are_consistent_for_one_subject_and_not_for_many() -> None:
    """The demo's support chats against the first lines of what Python's modules say of themselves."""
    path = embedding.folder()
    assert path is not None
    rows = [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()[:160]]
    coherent = ["\n".join(turn["content"] for turn in row["messages"] if turn["role"] != "system") for row in rows]
    modules = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    docs = [ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or "" for module in modules]
    mixed = [doc[:160] for doc in docs if len(doc) > 80]
    embedder = embedding.Embedder(path)
    shares = []
    for texts in (coherent, mixed):
        told = [{"place": place, "text": text} for place, text in enumerate(texts)]
        shares.append(topics.figures(embedder.embed(texts), told)["share"])
    assert shares[0] > 0.8 > shares[1]
