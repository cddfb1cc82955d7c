"""What goes out, as files for the program, and which row is which, as it tells."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet

from apps.labeling.models import Connection, RemoteAnswer, RemoteTask, Suggestion, Task
from apps.labeling.syncing.digests import digest
from workers.studio.client import KEY

_AT_ONCE = 500


def unsent(connection: Connection) -> QuerySet[Task]:
    """Tasks of which the server's id is not known."""
    linked = RemoteTask.objects.filter(connection=connection, task=OuterRef("pk"))
    rows: QuerySet[Task] = Task.objects.filter(~Exists(linked), project=connection.project_id)
    return rows.order_by("number")


def write_tasks(connection: Connection, path: Path) -> int:
    """The unsent tasks as Label Studio imports them, a line each; how many."""
    count, draft = 0, path.with_suffix(".part")
    with open(draft, "w", encoding="utf-8") as target:
        for task in _in_portions(unsent(connection)):
            meta = {KEY: str(task["pk"]), "number": task["number"]}
            predictions = [task["prediction"]] if task["prediction"] else []
            target.write(json.dumps({"data": task["data"], "meta": meta, "predictions": predictions}) + "\n")
            count += 1
    draft.replace(path)
    return count


def _in_portions(rows: QuerySet[Task]) -> Iterator[Mapping[str, Any]]:
    after = 0
    while portion := list(rows.filter(number__gt=after).values("pk", "number", "data")[:_AT_ONCE]):
        suggested = _predictions([task["pk"] for task in portion])
        yield from ({**task, "prediction": suggested.get(task["pk"])} for task in portion)
        after = portion[-1]["number"]


def _predictions(tasks: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """What the suggester that annotators see says of these tasks, as Label Studio's predictions."""
    shown = Suggestion.objects.filter(suggester__is_shown=True, version=F("suggester__version"), task__in=tasks)
    return {
        row.task_id: {"model_version": row.suggester.model_version, "score": row.score, "result": row.result}
        for row in shown.select_related("suggester")
        if row.result
    }


def write_chosen(connection: Connection, path: Path) -> None:
    """Our answers that were chosen over the server's, with the version of theirs that was looked at."""
    rows = connection.remote_answers.filter(to_send=True).select_related("annotation")
    items = [
        {"remote": row.remote_id, "seen": row.seen_at, "result": said, "digest": digest(said)}
        for row in rows
        if (said := row.annotation.result) is not None
    ]
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")


def note_tasks(connection: Connection, pairs: list[Any]) -> None:
    """Keep [our id, theirs] pairs; what is known already stays."""
    ids = {UUID(key): int(remote) for key, remote in pairs}
    there = set(Task.objects.filter(pk__in=ids, project=connection.project_id).values_list("pk", flat=True))
    common = {"workspace_id": connection.workspace_id, "connection": connection}
    rows = [RemoteTask(**common, task_id=key, remote_id=remote) for key, remote in ids.items() if key in there]
    RemoteTask.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_AT_ONCE)


def note_sent(connection: Connection, remote: int, agreed: str, seen_at: str) -> None:
    """The server has now what ours said when it was written down."""
    values = {"to_send": False, "agreed": agreed[:64], "seen_at": seen_at[:40]}
    RemoteAnswer.objects.filter(connection=connection, remote_id=remote).update(**values)


def note_gone(connection: Connection, known: set[int]) -> int:
    """Mark tasks that the server has no more; how many are new among them."""
    rows = connection.remote_tasks.filter(is_gone=False).values_list("pk", "remote_id")
    gone = [pk for pk, remote in rows if remote not in known]
    for start in range(0, len(gone), _AT_ONCE):
        RemoteTask.objects.filter(pk__in=gone[start : start + _AT_ONCE]).update(is_gone=True)
    return len(gone)
