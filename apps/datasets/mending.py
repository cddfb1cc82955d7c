"""Rows of a quarantine, mended and tried again: those that can be used become the next version, the others stay where they are.

A quarantine belongs to one import. The versions that carry it say which of its lines have come in (recipe["mended"]), so a line comes in
once, whoever sends it how often.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.errors import Problem
from apps.core.storage import storage
from apps.datasets.amending import amend_version
from apps.datasets.inspection import try_rows
from apps.datasets.models import Dataset, DatasetVersion, Upload
from workers.formats.chat import Message, TrainingRow

STEP = "mend"
MOST_ROWS = 200  # of one request that is no file


@dataclass
class Outcome:
    """What came of mended rows: the version they are in (None: none came in), the lines that are in, the rows still refused."""

    version: DatasetVersion | None
    accepted: list[int] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def problem(self) -> Problem | None:
        """Why nothing came in; None when something did."""
        if self.accepted or not self.refused:
            return None
        first = self.refused[0]
        words = {"count": len(self.refused), "line": first["line"], "reason": first["reason"]}
        told = ngettext(
            "The row cannot be used yet. Line %(line)s: %(reason)s",
            "None of the %(count)s rows can be used yet. Line %(line)s: %(reason)s",
            len(self.refused),
        )
        return Problem(told % words, field="rows", code="all_rows_bad", hint=_("Change the text and try again."))


def mended_lines(version: DatasetVersion) -> set[int]:
    """The lines of its quarantine that have come in, up to this version."""
    return set(version.recipe.get("mended", ())) if version.step == STEP else set()


def newest_of(version: DatasetVersion) -> DatasetVersion:
    """The newest version that carries the same quarantine: mended rows go into the next one after it."""
    found: DatasetVersion | None = (
        version.dataset.versions.filter(quarantine_key=version.quarantine_key).order_by("-number").first()
    )
    return found or version


def is_mendable(version: DatasetVersion) -> bool:
    """Whether its bad rows are text that a person can change."""
    return bool(version.quarantine_key) and version.source_format != "images" and not hasattr(version, "purge")


def mend_rows(*, actor: Any, version: DatasetVersion, rows: Any) -> Outcome:
    """Try these rows ([{"line", "raw"}]) again and freeze what can be used. Raises Problem for lines that are not in the quarantine."""
    wanted = _checked(rows)
    return _mend(actor, version, {"rows": [{"line": line, "raw": raw} for line, raw in wanted.items()]})


def mend_file(*, actor: Any, version: DatasetVersion, path: Path) -> Outcome:
    """The same with a downloaded quarantine, mended: a JSON object a line, its line and raw."""
    return _mend(actor, version, {"file": str(path)})


def _mend(actor: Any, version: DatasetVersion, task: Mapping[str, Any]) -> Outcome:
    if not is_mendable(version):
        hint = _("Mend the file, and upload it as the next version.")
        raise Problem(
            _("This version has no rows that can be mended here."), field="rows", hint=hint, code="not_mendable"
        )
    found = try_rows({**task, **_facts(version)})
    accepted = _by_line(found["accepted"])
    known = _reasons(version, {*accepted, *(row["line"] for row in found["refused"])})
    with transaction.atomic():
        Dataset.objects.select_for_update().get(pk=version.dataset_id)
        newest = newest_of(version)
        done = mended_lines(newest)
        new = {line: row for line, row in accepted.items() if line not in done}
        made = _frozen(actor, newest, new, done, known) if new else newest
    refused = [row for row in found["refused"] if row["line"] not in done]
    lines = sorted({*accepted, *(row["line"] for row in found["refused"] if row["line"] in done)})
    return Outcome(made if lines else None, lines, refused)


def _frozen(
    actor: Any, parent: DatasetVersion, rows: Mapping[int, TrainingRow], done: set[int], known: Mapping[int, str]
) -> DatasetVersion:
    reasons = dict(parent.reasons)
    for line in rows:
        reasons[known[line]] = reasons.get(known[line], 0) - 1
    count = len(rows)
    return amend_version(
        actor=actor,
        parent=parent,
        added=[rows[line] for line in sorted(rows)],
        step=STEP,
        note=ngettext("%(count)s row of the quarantine mended", "%(count)s rows of the quarantine mended", count)
        % {"count": count},
        provenance=(parent.provenance_kind, parent.provenance_id) if parent.provenance_id else None,
        recipe={"mended": sorted({*done, *rows})},
        quarantine_key=parent.quarantine_key,
        quarantined_count=max(parent.quarantined_count - count, 0),
        reasons={code: number for code, number in reasons.items() if number > 0},
    )


def _by_line(rows: Iterable[Mapping[str, Any]]) -> dict[int, TrainingRow]:
    made = {}
    for row in rows:
        messages = [Message(turn["role"], turn["content"]) for turn in row["messages"]]
        made[int(row["source_line"])] = TrainingRow(**{**row, "messages": messages})
    return made


def _facts(version: DatasetVersion) -> dict[str, Any]:
    """How the file was read from which these rows come."""
    upload = Upload.objects.filter(pk=Path(version.quarantine_key).stem, dataset=version.dataset_id).first()
    if upload is None:
        raise Problem(_("The file of this version is gone, so its rows cannot be read again."), field="rows")
    preview = upload.preview
    columns, delimiter = preview.get("columns", []), preview.get("delimiter", "")
    return {"format": version.source_format, "delimiter": delimiter, "columns": columns, "mapping": version.mapping}


def _checked(rows: Any) -> dict[int, str]:
    if not isinstance(rows, list) or not rows:
        hint = _('Such as {"rows": [{"line": 5, "raw": "{\\"prompt\\": …}"}]}.')
        raise Problem(
            _("Send a list of rows, each with its line and its text."), field="rows", hint=hint, code="required"
        )
    if len(rows) > MOST_ROWS:
        hint = _("Download the quarantine, mend it, and send the file.")
        raise Problem(_("At most %(most)s rows go at once.") % {"most": MOST_ROWS}, field="rows", hint=hint)
    found: dict[int, str] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping) or type(row.get("line")) is not int or not isinstance(row.get("raw"), str):
            raise Problem(_("A row needs its line (a number) and its raw text."), field=f"rows.{number}")
        found[row["line"]] = row["raw"]
    return found


def _reasons(version: DatasetVersion, lines: set[int]) -> dict[int, str]:
    """{line: code} of these lines in the quarantine. Raises Problem for one that is not there."""
    found: dict[int, str] = {}
    with storage().open(version.quarantine_key) as file:
        for text in file:
            row = json.loads(text)
            if row["line"] in lines:
                found[row["line"]] = row["code"]
                if len(found) == len(lines):
                    return found
    gone = min(lines - found.keys())
    hint = _("Its lines stand in the quarantine, in the column Line.")
    raise Problem(
        _("Line %(line)s is not in this quarantine.") % {"line": gone}, field="rows", hint=hint, code="unknown_line"
    )


def still_bad(version: DatasetVersion, problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a page of the quarantine that have not come in yet."""
    done = mended_lines(version)
    return [problem for problem in problems if problem["line"] not in done]
