"""The page of a quarantine: its bad rows, each with the text that a person may mend."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.datasets import listings, mending, pages
from apps.datasets.models import DatasetVersion

SHOWN = 50


def page(
    version: DatasetVersion, query: Mapping[str, str], refused: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Rows that have not come in yet. `refused` were tried just now: they keep the text that was sent, with the new reason."""
    problems, after = listings.quarantine(version, query, limit=SHOWN)
    again = {row["line"]: row for row in refused}
    rows = [{**problem, **again.get(problem["line"], {}), "tried": problem["line"] in again} for problem in problems]
    newest = mending.newest_of(version)
    return {
        "tab": "quarantine",
        "problems": mending.still_bad(version, rows),
        "any": bool(problems),
        "after": after,
        "cursor": query.get("cursor", ""),
        "reasons": pages.reasons(version),
        "is_mendable": mending.is_mendable(version),
        "newest_mended": newest if newest != version else None,
    }


def changed_rows(version: DatasetVersion, form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of the page whose text was changed. Browsers end lines with CRLF, so that alone is no change."""
    problems, _after = listings.quarantine(version, form, limit=SHOWN)
    sent = {problem["line"]: _plain(form.get(f"raw-{problem['line']}", problem["raw"])) for problem in problems}
    return [
        {"line": row["line"], "raw": sent[row["line"]]} for row in problems if sent[row["line"]] != _plain(row["raw"])
    ]


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
