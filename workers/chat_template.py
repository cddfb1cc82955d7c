"""A conversation as a base model reads it: its chat template, rendered without loading the model.

    python -m workers.chat_template < request.json        {"folder": a model's, "messages": [{"role", "content"}]}

Prints {"text"} or {"refused": {message, hint}}. Templates are programs of strangers: they run in jinja2's sandbox, in a process with
limits on memory and time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from workers.failures import UserError
from workers.preview import limit_this_process

TIMEOUT = 20  # seconds of wall time, for who starts this
MOST_TEXT = 2_000_000  # characters that are shown
_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


def render(folder: Path, messages: Sequence[Mapping[str, str]]) -> str:
    """The messages in the words of the model in `folder`. Raises UserError when it has no template, or its template refuses them."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    config = _config(folder)
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    environment.globals |= {
        "raise_exception": _refuse,
        "strftime_now": lambda pattern: datetime.now(UTC).strftime(pattern),
    }
    tokens = {name: _token(config.get(name)) for name in _TOKENS if config.get(name)}
    try:
        template = environment.from_string(_template(folder, config))
        return template.render(messages=[dict(message) for message in messages], add_generation_prompt=False, **tokens)
    except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise UserError(
            f"The chat template cannot write this row: {str(error)[:200]}", "It may not know a role."
        ) from None


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _template(folder: Path, config: Mapping[str, Any]) -> str:
    file, told = folder / "chat_template.jinja", config.get("chat_template")
    if file.is_file():
        return file.read_text(encoding="utf-8")
    if isinstance(told, list):
        told = next((item.get("template") for item in told if item.get("name") == "default"), None)
    if not isinstance(told, str) or not told:
        raise UserError("This base model has no chat template.", "Choose its instruct or chat variant.")
    return told


def _token(said: Any) -> str:
    return str(said.get("content", "")) if isinstance(said, dict) else str(said)


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def main() -> int:
    """Read the request, print the answer."""
    limit_this_process()
    request = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"text": render(Path(request["folder"]), request["messages"])[:MOST_TEXT]}
    except UserError as error:
        answer = {"refused": {"message": error.message, "hint": error.hint}}
    print(json.dumps(answer, ensure_ascii=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
