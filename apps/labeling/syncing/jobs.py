"""The kind of job that keeps a project in step with Label Studio: its program speaks to the server, what it tells is written here."""

import json
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core import ledger, live
from apps.core.errors import Problem
from apps.jobs.kinds import Event, Kind
from apps.jobs.models import Job
from apps.labeling.models import Connection, LabelProject, SyncRun
from apps.labeling.queueing.filling import check_alive
from apps.labeling.syncing import links, services, taking
from workers.sync_labels import KNOWN, PULLED, SEND, TASKS, TOKEN


def _connection(job: Job) -> Connection:
    found = Connection.objects.filter(pk=job.inputs["connection"]).select_related("project").first()
    if found is None:
        raise Problem(str(_("The project was disconnected meanwhile.")))
    made: Connection = found
    return made


def _prepare(job: Job) -> dict[str, Any]:
    connection, folder = _connection(job), job.folder
    folder.mkdir(parents=True, exist_ok=True)
    total = links.write_tasks(connection, folder / TASKS)
    links.write_chosen(connection, folder / SEND)
    project = connection.project
    return {
        "url": connection.url,
        "allowed": services.hosts(),
        "remote_project": connection.remote_project,
        "title": project.name,
        "config": project.label_config,
        "people": project.overlap,
        "mark": str(connection.pk),
        "total": total,
        "full": bool(job.settings.get("full")),
        "cursor": connection.cursor,
        "has_answers": connection.remote_answers.exists(),
    }


def _secrets(job: Job) -> dict[str, str]:
    return {TOKEN: services.token_of(_connection(job))}


def _hear(job: Job, event: Event) -> None:
    """What the program did on the server, in the transaction that accepts its word: so nothing is done there twice."""
    if event["type"] not in ("remote_project", "linked", "sent"):
        return
    connection = _connection(job)
    if event["type"] == "remote_project":
        Connection.objects.filter(pk=connection.pk).update(remote_project=int(event["id"]))
    elif event["type"] == "linked":
        links.note_tasks(connection, list(event["tasks"]))
        live.ring(connection.project)
    else:
        links.note_sent(connection, int(event["answer"]), str(event["digest"]), str(event["updated_at"]))


def _write(job: Job, result: Event) -> None:
    """Outside of any transaction, in portions: what is written stays when this is killed, and the next attempt goes on."""
    connection, check = _connection(job), check_alive(job)
    done = taking.take_file(connection, job.folder / "artifacts" / PULLED, check)
    taking.retry_held(connection)
    told: dict[str, Any] = {name: result.get(name, 0) for name in ("pushed", "sent", "retries", "answers")}
    if job.settings.get("full"):
        known = json.loads((job.folder / "artifacts" / KNOWN).read_text(encoding="utf-8"))
        told["gone"] = links.note_gone(connection, set(known))
    SyncRun.objects.filter(job=job).update(done={**told, **done})


def _done(job: Job, result: Event) -> None:
    connection = _connection(job)
    now = timezone.now()
    values = {"cursor": str(result.get("cursor") or "")[:40], "synced_at": now, "failures": 0, "not_before": None}
    if job.settings.get("full"):
        values["compared_at"] = now
    Connection.objects.filter(pk=connection.pk).update(**values, error="", error_hint="")
    run = SyncRun.objects.filter(job=job).first()
    if run:
        SyncRun.objects.filter(pk=run.pk).update(ended_at=now)
        if any(run.done.get(name) for name in ("pushed", "sent", "new", "changed", "conflicts")):
            told = {name: count for name, count in run.done.items() if count}
            actor = job.created_by or "label studio"
            ledger.write(row=connection.project, verb="labelproject.synced", actor=actor, **told)
    keep = list(connection.runs.values_list("pk", flat=True)[: services.KEPT_RUNS])
    connection.runs.exclude(pk__in=keep).delete()
    live.ring(connection.project)


def _url(job: Job) -> str:
    project = LabelProject.objects.filter(pk=job.inputs.get("project")).first()
    return project.get_absolute_url() if project else ""


KIND = Kind(
    name=services.SYNC,
    label=_("Sync with Label Studio"),
    program="sync_labels",
    queue="cpu",
    prepare=_prepare,
    secrets=_secrets,
    on_event=_hear,
    verify=_write,
    on_success=_done,
    url=_url,
)
