"""Rows in the words of a base model, and templates that mean harm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workers.chat_template import render
from workers.failures import UserError

TALK = [{"role": "user", "content": "Hi {{ 1 }}"}, {"role": "assistant", "content": "Hello"}]
CHATML = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{{ eos_token }}\n{% endfor %}"


def model(folder: Path, template: object) -> Path:
    config = {"chat_template": template, "eos_token": {"content": "</s>"}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    "template", [CHATML, [{"name": "tool", "template": "x"}, {"name": "default", "template": CHATML}]]
)
def test_render__conversation__is_written_by_the_template(template: object, tmp_path: Path) -> None:
    assert render(model(tmp_path, template), TALK) == "<|user|>Hi {{ 1 }}</s>\n<|assistant|>Hello</s>\n"


def test_render__template_in_a_file__comes_first(tmp_path: Path) -> None:
    (model(tmp_path, CHATML) / "chat_template.jinja").write_text("{{ messages | length }}")
    assert render(tmp_path, TALK) == "2"


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{{ raise_exception('no system') }}",
        "{% if %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ nobody.x }}",
    ],
    ids=["none", "refuses", "broken", "python", "changes", "unknown"],
)
def test_render__template_that_cannot__is_told(template: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        render(model(tmp_path, template), TALK)


def test_process__template_without_end__is_ended_by_its_limits(tmp_path: Path) -> None:
    request = {"folder": str(model(tmp_path, "{{ 'x' * 900000000 }}")), "messages": TALK}
    done = subprocess.run(
        [sys.executable, "-m", "workers.chat_template"],
        input=json.dumps(request).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0 or b"refused" in done.stdout
