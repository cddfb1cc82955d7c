"""Preparing base models: only known content, made whole or not at all."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.workers.conftest import run_program
from workers import prepare_model
from workers.context import Spec
from workers.failures import UserError


@pytest.fixture
def conversion(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """In place of the conversion of the packaged model: a copy of the tiny one. Lists the targets it was called for."""
    calls: list[Path] = []

    def convert(file: Path, target: Path) -> None:
        calls.append(target)
        shutil.copytree(tiny_model, target, dirs_exist_ok=True)

    monkeypatch.setattr(prepare_model, "packaged_gguf", lambda: Path("model.gguf"))
    monkeypatch.setattr(prepare_model, "_convert_gguf", convert)
    return calls


def test_prepare__package__is_unpacked_once(conversion: list[Path], tmp_path: Path) -> None:
    spec = Spec(
        "prepare_model", tmp_path / "job", inputs={"source": "package", "target": str(tmp_path / "models" / "m")}
    )
    first, second = run_program(spec), run_program(spec)
    assert first.code == second.code == 0
    assert first.result["facts"]["architecture"] == "LlamaForCausalLM"
    assert first.result == second.result
    assert len(conversion) == 1


def test_prepare__several_at_once__convert_once(conversion: list[Path], tmp_path: Path) -> None:
    threads = [threading.Thread(target=prepare_model.unpack, args=(tmp_path / "m",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(conversion) == 1


def test_prepare__conversion_that_fails__leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(file: Path, target: Path) -> None:
        (target / "model.safetensors").write_text("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(prepare_model, "packaged_gguf", lambda: Path("model.gguf"))
    monkeypatch.setattr(prepare_model, "_convert_gguf", convert)
    with pytest.raises(OSError):
        prepare_model.unpack(tmp_path / "m")
    assert [entry.name for entry in tmp_path.iterdir()] == [".m.lock"]


def test_prepare__local_folder__is_scanned_in_place(tiny_model: Path, tmp_path: Path) -> None:
    outcome = run_program(Spec("prepare_model", tmp_path, inputs={"source": "folder", "folder": str(tiny_model)}))
    assert (outcome.result["folder"], outcome.result["revision"]) == (str(tiny_model), None)
    (tmp_path / "bad").mkdir()
    refused = run_program(Spec("prepare_model", tmp_path, inputs={"source": "folder", "folder": str(tmp_path / "bad")}))
    assert (refused.code, refused.failure["field"]) == (2, "model")


@pytest.mark.parametrize(
    ("repository", "revision"),
    [
        ("../../etc", "main"),
        ("a/b/c", "main"),
        ("name", "main"),
        ("a/b; rm", "main"),
        ("a/b", "../x"),
        ("a/b", "x y"),
        ("a/-", ""),
    ],
)
def test_download__name_that_is_none__is_refused_before_asking_the_hub(
    repository: str, revision: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError):
        prepare_model.download(repository, revision, tmp_path / "m")


def test_download__commit__is_pinned_and_its_files_scanned(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def fetch(repository: str, commit: str, target: Path) -> None:
        asked.append((repository, commit))
        shutil.copytree(tiny_model, target, dirs_exist_ok=True)
        if repository == "evil/model":
            (target / "model.bin").write_bytes(b"\x80")

    monkeypatch.setattr(prepare_model, "_pinned", lambda repository, revision: "c" * 40)
    monkeypatch.setattr(prepare_model, "_fetch", fetch)
    facts, commit = prepare_model.download("good/model", "main", tmp_path / "good")
    assert (facts.layers, commit, asked) == (2, "c" * 40, [("good/model", "c" * 40)])
    with pytest.raises(UserError, match="pickle"):
        prepare_model.download("evil/model", "main", tmp_path / "evil")
    assert not (tmp_path / "evil").exists()


def test_terminal__wrong_call__says_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare_model._from_terminal([]) == 64
    assert "usage:" in capsys.readouterr().err
