"""What the pages of labels in and out show."""

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from apps.labeling import exchange, progress
from apps.labeling.models import LabelImport, LabelProject

_LABELS = {"json": "JSON", "jsonl": "JSON Lines", "csv": "CSV", "tsv": "TSV", "parquet": "Parquet"}
_LABELS |= {"conll2003": "CoNLL-2003", "coco": "COCO", "yolo": "YOLO", "voc": "Pascal VOC"}
_SHOWN = 10
_OF_USE = ("added", "tasks", "accepted", "gold", "skipped", "suggested")


def formats_page(project: LabelProject) -> dict[str, Any]:
    """Every format and whether it fits the questions, and what was brought in."""
    config = project.config
    formats = [{"name": name, "format": one, "fits": one.fits(config)} for name, one in exchange.FORMATS.items()]
    counts = progress.counts(project)
    rows = project.imports.select_related("created_by", "job")[:_SHOWN]
    return {
        "tab": "export",
        "formats": formats,
        "counts": counts,
        "is_settled": not project.is_open or not counts["waiting"],
        "imports": [{"row": row, "format": _LABELS[row.format], **_state(row)} for row in rows],
        "most_bytes": exchange.MOST_BYTES,
    }


def import_page(row: LabelImport) -> dict[str, Any]:
    """A file that was looked at, or what came of it."""
    report = row.report or row.preview["report"]
    return {
        "tab": "export",
        "row": row,
        "format": _LABELS[row.format],
        "report": report,
        "figures": _figures(report, is_done=bool(row.report)) if report else [],
        "people": sorted(report["people"].items(), key=lambda one: -one[1])[:20] if report else [],
        "is_whole": row.preview["is_whole"],
        "is_of_use": report is None or not row.preview["is_whole"] or any(report.get(name) for name in _OF_USE),
        **_state(row),
    }


def _state(row: LabelImport) -> dict[str, Any]:
    tones = {"looked_at": "idle", "running": "info", "stopped": "warn", "finished": "good"}
    words = {
        "looked_at": _("Not taken yet"),
        "running": _("Being taken"),
        "stopped": _("Stopped"),
        "finished": _("Taken"),
    }
    return {"state": row.state, "state_tone": tones[row.state], "state_word": words[row.state]}


def _figures(report: dict[str, Any], *, is_done: bool) -> list[tuple[str, int, str]]:
    """(what, how many, a remark) of each figure that is worth a place."""
    blank = _("%(count)s of them with nothing marked") % {"count": intcomma(report["blank"])} if report["blank"] else ""
    always = [
        (
            _("Records read"),
            report["records"],
            _("%(count)s of tasks that are here") % {"count": intcomma(report["known"])},
        ),
        (_("Answers added") if is_done else _("New answers"), report["added"], blank),
        (_("There already"), report["repeated"], _("left as they are")),
        (_("Refused"), report["refused"], _("see below") if report["refused"] else ""),
    ]
    sometimes = [
        (_("Tasks added") if is_done else _("New tasks"), report["tasks"], ""),
        (_("Changed answers"), report["changed"], _("what is here stays")),
        (_("Too many"), report["surplus"], _("more than people a task; left out")),
        (_("In hand or skipped"), report["held"], _("left out")),
        (
            _("Accepted"),
            report.get("accepted", 0),
            _("%(count)s of them gold") % {"count": intcomma(report.get("gold", 0))},
        ),
        (_("Skipped"), report.get("skipped", 0), _("a person passed the task by")),
        (_("Suggestions"), report.get("suggested", 0), _("show them under Suggestions")),
        (_("Predictions refused"), report.get("unfit", 0), _("the questions do not take them")),
        (_("Looked for later"), report["later"], _("by the job: the project has many tasks")),
    ]
    return always + [one for one in sometimes if one[1]]
