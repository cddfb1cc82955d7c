"""What the pages show, put together from the pure parts; the doors stay thin."""

from collections.abc import Mapping
from typing import Any

from apps.core.errors import Problem
from apps.datasets import choices, services
from apps.datasets.models import DatasetVersion, Layout, State, Upload
from workers.formats import ENCODINGS, guess_columns
from workers.formats.table import TEXTS

ROWS_SHOWN = 25
BINARY = ("parquet", "arrow", "images")


def list_choices() -> dict[str, Any]:
    return {"layouts": Layout.choices, "states": State.choices}


def chosen(query: Mapping[str, str], upload: Upload) -> dict[str, Any]:
    """Mapping, encoding and format as the mapping page's form says them, as `start_import` takes them."""
    encoding, format = query.get("encoding", ""), query.get("format", "")
    columns = list(upload.preview.get("columns", []))
    return {
        "mapping": choices.chosen_mapping(query, columns),
        "encoding": encoding if encoding in ENCODINGS else "",
        "format": format if format in TEXTS and upload.format in TEXTS else "",
    }


def is_read_anew(query: Mapping[str, str]) -> bool:
    """Whether the form asks for another encoding than that in which its columns were named."""
    encoding = query.get("encoding", "")
    return query.get("read-as", encoding) != encoding


def _looked_at(upload: Upload, wanted: Mapping[str, Any], is_anew: bool) -> dict[str, Any]:
    """The preview under the wanted mapping. Read anew, columns may have other names and are guessed again. Raises Problem."""
    mapping = wanted["mapping"]
    try:
        return services.look_again(upload, **wanted)
    except Problem as found:
        if not is_anew or mapping is None or not found.field.startswith("mapping"):
            raise
    columns = services.look_again(upload, **{**wanted, "mapping": None})["columns"]
    guessed = {"layout": mapping["layout"], "columns": guess_columns(mapping["layout"], columns)}
    return services.look_again(upload, **{**wanted, "mapping": guessed})


def mapping_page(
    upload: Upload, wanted: Mapping[str, Any], problem: Problem | None = None, *, is_anew: bool = False
) -> dict[str, Any]:
    """The preview of the file under the wanted mapping; when that is refused, the problem beside the last preview."""
    preview, mapping = upload.preview, wanted["mapping"] or upload.preview.get("mapping")
    if problem is None and any(wanted.values()):
        try:
            preview = _looked_at(upload, wanted, is_anew)
            mapping = preview["mapping"] or mapping
        except Problem as found:
            problem = found
    counts = preview["counts"]
    is_ready = problem is None and mapping is not None and counts["good"] > 0
    return {
        "upload": upload,
        "dataset": upload.dataset,
        "preview": preview,
        "mapping": mapping,
        "problem": problem,
        "roles": choices.role_choices(mapping),
        "layouts": choices.layout_choices(preview["format"]),
        "encodings": choices.encoding_choices(),
        "text_formats": choices.text_choices(preview["format"]),
        "has_encoding": preview["format"] not in BINARY,
        "unsure": "" if preview["mapping_certain"] or not mapping else choices.UNSURE.get(mapping["layout"], ""),
        "paths": preview.get("paths", []),
        "is_ready": is_ready,
        "shown_columns": preview["columns"][:12],
        "hidden_columns": max(len(preview["columns"]) - 12, 0),
        "bad_share": round(100 * counts["bad"] / counts["rows"]) if counts["rows"] else 0,
    }


def reasons(version: DatasetVersion) -> list[tuple[str, int]]:
    """How often each reason came, the most frequent first, in words."""
    found = sorted(version.reasons.items(), key=lambda pair: -pair[1])
    return [(code.replace("_", " "), count) for code, count in found]
