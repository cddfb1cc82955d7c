"""Try a recipe on the first rows of a version, in a process with limits, so that no recipe can hold up the one that asks.

    python -m workers.rehearsal < request.json

The request: {"shards": [paths], "form", "steps", "split", "borders"?, "model_dir"?, "key"? (hex), "most_rows", "most_characters"}. Prints
{"rehearsal": {rows, kept, steps: what each did, ...}}, or {"refused": {message, hint, field}} where the recipe cannot run on these rows.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.preview import limit_this_process

MEMORY = 1536 * 2**20  # bytes of address space: the dictionary for spelling takes 250 MB of it
TIMEOUT = 40  # seconds of wall time, for who starts this


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What is printed for a request."""
    from workers.failures import UserError  # heavy; imported under the limits

    try:
        return {"rehearsal": _rehearsal(request)}
    except UserError as error:
        return {"refused": _told(error)}
    except MemoryError:
        message = "The recipe needs more memory than a preview may take."
        return {"refused": {"message": message, "hint": "Leave out the step that compares most.", "field": "steps"}}


def _told(error: Any) -> dict[str, str]:
    return {"message": error.message, "hint": error.hint, "field": error.field or "steps"}


def _rehearsal(request: Mapping[str, Any]) -> dict[str, Any]:
    from workers.cleaning import Cleaning, Facts
    from workers.preparing import columns_of, rehearse
    from workers.splits import SplitPlan

    key, folder = request.get("key"), request.get("model_dir")
    rows = first_rows([Path(shard) for shard in request["shards"]], request["most_rows"], request["most_characters"])
    plan = SplitPlan.read(request["split"]) if request.get("split") is not None else None
    facts = Facts(
        form=request["form"],
        seed=plan.seed if plan else Facts.seed,
        workspace_key=bytes.fromhex(key) if key else None,
        model_dir=Path(folder) if folder else None,
    )
    found = rehearse(rows, Cleaning.read(request["steps"]), plan, facts, request.get("borders"))
    return {
        **found.tally.as_dict(),
        "split_counts": found.split_counts,
        "examples": found.examples,
        "skipped": found.skipped,
        "problem": _told(found.problem) if found.problem else None,
        "columns": columns_of(rows),
    }


def first_rows(shards: list[Path], most_rows: int, most_characters: int) -> list[Any]:
    """The first rows of a version, at least one: so many that a page can wait for what becomes of them."""
    from workers.formats.forms import texts_of
    from workers.formats.stored import read_rows

    rows, characters = list[Any](), 0
    for row in read_rows(shards, batch_rows=100):
        characters += sum(map(len, texts_of(row)))
        if len(rows) == most_rows or (rows and characters > most_characters):
            break
        rows.append(row)
    return rows


def main() -> int:
    """Read the request, print the answer."""
    limit_this_process(MEMORY)
    print(json.dumps(answer(json.load(sys.stdin)), ensure_ascii=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
