"""Many tasks at once into the table: COPY on PostgreSQL, one prepared INSERT on SQLite. No signal, no row object."""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.labeling.models import LabelProject, Task

_OF_TASK = ("id", "number", "key", "data", "extra", "split")  # the rest is the same for all tasks of a project


def write_tasks(project: LabelProject, items: Iterable[Mapping[str, Any]], *, after: int, **common: Any) -> int:
    """Tasks {"key", "data", "extra", "split"} with the numbers `after` + 1 and on. How many there were.

    `common`: values of other fields, by their names.
    """
    given = {"project": project.pk, "workspace": project.workspace_id, "open_slots": project.overlap, **common}
    given["created_at"] = timezone.now()
    constant = [field for field in Task._meta.concrete_fields if field.name not in _OF_TASK]
    values = [field.get_db_prep_save(given.get(field.name, field.get_default()), connection) for field in constant]
    columns = [*(field for name in _OF_TASK for field in [Task._meta.get_field(name)]), *constant]
    names = [str(field.column) for field in columns]  # type: ignore[union-attr]
    rows = (
        (
            _new_id(),
            after + place,
            item["key"],
            json.dumps(item["data"], ensure_ascii=False),
            json.dumps(item.get("extra") or {}, ensure_ascii=False),
            item.get("split") or "",
            *values,
        )
        for place, item in enumerate(items, 1)
    )
    return _copy(names, rows) if connection.vendor == "postgresql" else _insert(names, rows)


def _new_id() -> Any:
    made = uuid.uuid4()
    return made if connection.features.has_native_uuid_field else made.hex


def _copy(names: list[str], rows: Iterable[tuple[Any, ...]]) -> int:
    quoted = ", ".join(connection.ops.quote_name(name) for name in names)
    count = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {connection.ops.quote_name(Task._meta.db_table)} ({quoted}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _insert(names: list[str], rows: Iterable[tuple[Any, ...]]) -> int:
    quoted = ", ".join(connection.ops.quote_name(name) for name in names)
    marks = ", ".join(["%s"] * len(names))
    told = list(rows)
    table = connection.ops.quote_name(Task._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({marks})", told)  # noqa: S608 - names are ours
    return len(told)
