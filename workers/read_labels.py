"""Program: read a file of answers into one form, for the stage to check and keep.

Inputs: {"file": path}. Settings: {"format": one of workers.labels.reading.FORMATS}. Leaves artifacts/answers.jsonl, a line for each
record (workers.labels.found). The file appears whole or not at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.context import Context
from workers.failures import UserError
from workers.formats.problems import FileRefused
from workers.labels.reading import about, read

OUTPUT = "answers.jsonl"
_TELL_EVERY = 5000


def main(context: Context) -> dict[str, Any]:
    """Read, and say how many records there were."""
    path, folder = Path(context.spec.inputs["file"]), context.folder / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    draft, count = folder / f"{OUTPUT}.part", 0
    format = context.spec.settings["format"]
    try:
        total = about(path, format)
        with draft.open("w", encoding="utf-8") as target:
            for count, one in enumerate(read(path, format), 1):
                target.write(one.line())
                if count % _TELL_EVERY == 0:
                    context.check()
                    context.reporter.progress(min(count, total), total, "records", "Reading the file")
    except FileRefused as refusal:
        raise UserError(refusal.message, refusal.hint, refusal.field) from None
    draft.replace(folder / OUTPUT)
    return {"count": count}
