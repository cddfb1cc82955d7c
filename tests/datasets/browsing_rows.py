"""Rows to browse, and the index of a version made here and now."""

import json
from pathlib import Path
from typing import Any

from apps.accounts.models import Workspace
from apps.core.storage import storage
from apps.datasets.browsing import metadata
from apps.datasets.models import DatasetVersion
from tests.make import as_jsonl, make_version
from workers.browse_index import index_file

ROWS: list[dict[str, Any]] = [
    {
        "prompt": f"Where is order {n}?" if n % 3 else f"我要退货 {n}",
        "completion": "On its way. " * (n % 5 + 1),
        "price": n / 2,
        "topic": ["parcel", "refund", "Öl & <b>"][n % 3],
        **({"agent": f"a{n}"} if n % 4 == 0 else {}),
    }
    for n in range(60)
]


def make_browsed(workspace: Workspace, rows: list[dict[str, Any]] | None = None, **values: Any) -> DatasetVersion:
    return make_version(workspace, as_jsonl(ROWS if rows is None else rows), **values)


def index_now(version: DatasetVersion, folder: Path) -> None:
    """What the job does."""
    folder.mkdir(exist_ok=True)
    for file in metadata.missing(version):
        index_file(storage().local(file["key"]), file["sha256"], folder)
        for key in (metadata.columns_key(file), metadata.text_key(file)):
            storage().keep(folder / key.rsplit("/", 1)[1], key)


def as_filter(*conditions: Any) -> str:
    return json.dumps(list(conditions))
