"""The real SmolLM2 as a suggester: its answers to every kind of question can be read. `pytest -m model`."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.workers.test_suggest_model import asked, lines_of
from workers import prepare_model

ROOT = Path(__file__).resolve().parents[2]
MODEL = Path(os.environ.get("TUNELOOP_MODELS", ROOT / "var" / "models")) / "smollm2-135m-instruct"
MARKS = "Text: {text}\n\nName each of {options} that the text has. Answer with a line for each, for example:\nPerson: John Smith"

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]


def said(folder: Path, kind: str, options: list[str], text: str, template: str, **more: Any) -> dict[str, Any]:
    question = {"kind": kind, "options": options, "multiple": more.pop("multiple", False)}
    [line] = lines_of(asked(MODEL, folder / kind, texts=[text], question=question, template=template, max_tokens=24))
    return line


def test_smollm2__asked_every_kind_of_question__gives_answers_that_parse(tmp_path: Path) -> None:
    prepare_model.unpack(MODEL)
    text = "Maria Lopez works for Siemens in Berlin."
    span = said(tmp_path, "Labels", ["Person", "Organisation", "Place"], text, MARKS)["value"][0]
    assert (span["label"], text[span["start"] : span["end"]]) == ("Person", "Maria Lopez")
    number = said(tmp_path, "Number", [], "I am 41 years old", "{text}\n\nage: answer with one number.")
    assert number["value"] == [41.0] and number["score"] > 0.1
    ask = "{text}: {option}? Answer yes or no."
    assert 0 < said(tmp_path, "Choices", ["broken", "late"], "It broke", ask, multiple=True)["uncertainty"] <= 1
    assert "school" in said(tmp_path, "TextArea", [], "She go to school.", "Correct this: {text}")["value"][0]
