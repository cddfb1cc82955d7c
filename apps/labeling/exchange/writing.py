"""Many new rows of one table at once: COPY on PostgreSQL, one prepared INSERT on SQLite. No row objects; `created_at` as it is given."""

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def write_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]], **common: Any) -> int:
    """Rows of (id, and the values of the fields `names`); `common` are values that all of them share, the rest has its default.
    How many there were."""
    fields = [model._meta.get_field(name) for name in ("id", *names)]
    rest = [field for field in model._meta.concrete_fields if field not in fields]
    shared = [field.get_db_prep_save(common.get(field.name, field.get_default()), connection) for field in rest]
    columns = [str(field.column) for field in (*fields, *rest)]  # type: ignore[union-attr]
    prepare = [_prepared(field) for field in fields]
    told = ((*(step(cell) for step, cell in zip(prepare, row, strict=True)), *shared) for row in rows)
    write = _copy if connection.vendor == "postgresql" else _insert
    return write(model._meta.db_table, columns, told)


def _prepared(field: Any) -> Any:
    if isinstance(field, models.JSONField):
        return lambda value: json.dumps(value, ensure_ascii=False)
    if isinstance(field, models.UUIDField | models.ForeignKey):
        return _key
    return lambda value: field.get_db_prep_save(value, connection)


def _key(value: Any) -> Any:
    """A key as the database holds it; one of an account is a number."""
    return value.hex if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field else value


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    quoted, count = ", ".join(map(connection.ops.quote_name, columns)), 0
    statement = f"COPY {connection.ops.quote_name(table)} ({quoted}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _insert(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    quoted, marks = ", ".join(map(connection.ops.quote_name, columns)), ", ".join(["%s"] * len(columns))
    told = list(rows)
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(table)
        cursor.executemany(f"INSERT INTO {name} ({quoted}) VALUES ({marks})", told)  # noqa: S608 - names are ours
    return len(told)
