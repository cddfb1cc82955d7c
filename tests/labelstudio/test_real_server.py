"""Two-way sync with a real Label Studio: 5,000 tasks out with a restart in the middle, answers in, re-runs, conflicts.

Prints what it measured as one line of JSON; docs/label-studio.md has the last result.
"""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.core.errors import Problem
from apps.jobs import supervisor
from apps.jobs.models import Job, Status
from apps.labeling import services
from apps.labeling.models import (
    Annotation,
    Connection,
    HeldAnswer,
    LabelProject,
    RemoteAnswer,
    RemoteTask,
    SyncConflict,
    SyncRun,
)
from apps.labeling.queueing import counting
from apps.labeling.syncing import choosing
from apps.labeling.syncing import services as syncing
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, region, says
from tests.labelstudio.environment import VERSION, Server

pytestmark = [pytest.mark.labelstudio, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]
TASKS, ANSWERS = 5000, 200


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Server]:
    settings.TUNELOOP_DATA = tmp_path / "data"
    made = Server(tmp_path / "studio")
    settings.TUNELOOP_LABEL_STUDIO_HOSTS = [f"127.0.0.1:{made.port}"]
    made.start()
    yield made
    made.kill()


def make_project(cast: Cast, workspace: Workspace) -> LabelProject:
    project = services.create_project(
        actor=cast.curator, workspace=workspace, name="Big", label_config=CONFIG, overlap=2
    )
    items = [{"key": f"t{n}", "data": {"prompt": f"Question {n}?", "answer": "Yes."}} for n in range(TASKS)]
    services.add_tasks(actor=cast.curator, project=project, items=items)
    return project


def run() -> tuple[dict[str, Any], float]:
    """(what the waiting run did, seconds)"""
    began = time.monotonic()
    job = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert job is not None
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    return SyncRun.objects.get(job=job).done, round(time.monotonic() - began, 1)


def restart_after(server: Server, folder: Path, batches: int) -> threading.Thread:
    """Restart the server once so many batches were told of."""

    def watch() -> None:
        for _look in range(3000):
            told = sum(file.read_text().count('"linked"') for file in folder.glob("events-*.jsonl"))
            if told >= batches:
                return server.restart()
            time.sleep(0.1)
        return None

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_real_server__whole_way(cast: Cast, workspace: Workspace, server: Server) -> None:
    measured: dict[str, Any] = {"label_studio": VERSION, "tasks": TASKS}
    project = make_project(cast, workspace)
    token = server.ask("POST", "token/", json={})["token"]  # a personal access token
    connection = syncing.connect(actor=cast.curator, project=project, url=server.url, token=token)
    assert (connection.version, connection.edition) == (VERSION, "Community")

    job: Job = Job.objects.get()
    watcher = restart_after(server, job.folder, batches=3)
    done, measured["push_with_restart_s"] = run()
    watcher.join(60)
    measured["asked_again"] = done["retries"]
    connection = Connection.objects.get()
    assert connection.remote_project and done["pushed"] == TASKS and done["retries"] > 0
    assert server.count(connection.remote_project) == RemoteTask.objects.count() == TASKS

    remote = list(RemoteTask.objects.order_by("task__number").values_list("remote_id", flat=True))
    answers = [server.says(task, says("good", region("stars", rating=1 + task % 5))) for task in remote[:ANSWERS]]
    for wrong in (says("good", region("stars", rating=99)), says("perhaps"), [{"from_name": "no", "value": {}}]):
        server.says(remote[-1], wrong)
    syncing.sync_now(actor=cast.curator, project=project)
    done, measured["pull_s"] = run()
    assert (done["new"], done["held"]) == (ANSWERS, 3) and HeldAnswer.objects.count() == 3
    assert set(Annotation.objects.values_list("assignment__annotator_label", flat=True)) == {"studio@example.com"}

    measured["full_again_s"] = []
    for _again in range(3):
        syncing.sync_now(actor=cast.curator, project=project, full=True)
        done, seconds = run()
        measured["full_again_s"].append(seconds)
        assert done["pushed"] == 0 and not done.get("new") and not done.get("gone")
    assert server.count(connection.remote_project) == TASKS and Annotation.objects.count() == ANSWERS

    ours, theirs, quiet = answers[:3]
    for answer in (ours, theirs):
        server.ask("PATCH", f"annotations/{answer}/", json={"result": says("bad")})
        row = RemoteAnswer.objects.get(remote_id=answer)
        Annotation.objects.filter(pk=row.annotation_id).update(result=says("good", region("stars", rating=5)))
    server.ask("PATCH", f"annotations/{quiet}/", json={"result": says("bad")})
    server.ask("DELETE", f"annotations/{answers[3]}/")
    syncing.sync_now(actor=cast.curator, project=project)
    done, _seconds = run()
    assert (done["conflicts"], done["changed"]) == (3, 1)
    choices = {ours: "ours", theirs: "theirs", answers[3]: "theirs"}
    for conflict in SyncConflict.objects.all():
        choosing.choose(actor=cast.curator, conflict=conflict, choice=choices[conflict.remote_id])
    syncing.sync_now(actor=cast.curator, project=project, full=True)
    done, measured["conflicts_s"] = run()
    assert done["sent"] == 1 and not done.get("conflicts")
    there = server.ask("GET", f"annotations/{ours}/")["result"]
    assert [one["value"] for one in there] == [{"choices": ["good"]}, {"rating": 5}]
    assert RemoteAnswer.objects.get(remote_id=theirs).annotation.result[0]["value"] == {"choices": ["bad"]}
    assert Annotation.objects.count() == ANSWERS - 1 and not SyncConflict.objects.filter(resolved_at=None).exists()

    before = counting.counts(project)
    counting.recount(project)
    assert counting.counts(project) == before
    with pytest.raises(Problem, match="refuses to call"):  # its own guard: a hint may not come, the timetable does
        syncing.add_webhook(actor=cast.curator, project=project, address=lambda _row: "http://127.0.0.1:9/hook")
    print("\nmeasured:", json.dumps(measured))
