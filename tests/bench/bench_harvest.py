"""A project of many tasks with two answers each becomes a dataset version: seconds, and the greatest memory of the process that does it.

    python -m tests.bench.bench_harvest [--tasks 100000]

Chats of about 600 characters; a fifth of the tasks are answered differently. Bounds: 500 MB for 100,000 tasks.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_MIB = 500
CONFIG = """<View><Text name="prompt" value="$prompt"/>
  <Choices name="quality" toName="prompt"><Choice value="good"/><Choice value="bad"/></Choices>
  <Rating name="stars" toName="prompt" maxRating="5"/></View>"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--step", choices=["make", "preview", "freeze"])
    options = parser.parse_args()
    if options.step:
        return _step(options.step, options.tasks)
    with tempfile.TemporaryDirectory(prefix="bench-harvest-") as folder:
        (Path(folder) / "static").mkdir()
        told = {
            **os.environ,
            "TUNELOOP_DATA": folder,
            "DJANGO_SETTINGS_MODULE": "console.settings",
            "STATIC_FROM_SOURCE": "1",
        }
        told.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "tests.bench.bench_harvest", "--tasks", str(options.tasks), "--step"]
        return max(
            subprocess.run([*command, step], env=told, check=False).returncode for step in ("make", "preview", "freeze")
        )


def _step(step: str, count: int) -> int:
    import django

    django.setup()
    if step == "make":
        _make(count)
        return 0
    from apps.labeling.harvest.gathering import survey
    from apps.labeling.harvest.services import freeze_labels
    from apps.labeling.harvest.shapes import shape_of
    from apps.labeling.models import LabelProject

    project, began = (
        LabelProject.objects.select_related("created_by", "dataset_version__dataset").get(),
        time.perf_counter(),
    )
    if step == "preview":
        rows = [harvest.kept for harvest in survey(project, shape_of(project))]
    else:
        rows = [freeze_labels(actor=project.created_by, project=project, partial=True).row_count]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{step}: {count} tasks, rows {rows}, {time.perf_counter() - began:.1f} s, greatest memory {memory:.0f} MiB",
        flush=True,
    )
    return 0 if memory <= MOST_MIB else 1


def _make(count: int) -> None:
    from django.core.management import call_command

    from apps.accounts.models import User, Workspace
    from apps.datasets import services as datasets
    from apps.labeling import services
    from apps.labeling.models import LabelProject, ProjectStatus

    call_command("migrate", verbosity=0)
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    people = [User.objects.create(email=f"p{place}@example.com", name=f"P{place}") for place in range(2)]
    dataset = datasets.create_dataset(actor=people[0], workspace=workspace, name="Rows")
    version = datasets.freeze_rows(actor=people[0], dataset=dataset, rows=_rows(count), step="import")
    project = services.create_project(actor=people[0], workspace=workspace, name="Many", label_config=CONFIG, overlap=2)
    LabelProject.objects.filter(pk=project.pk).update(
        dataset_version=version, task_count=count, status=ProjectStatus.CLOSED
    )
    project.refresh_from_db()
    _answer(project, people)


def _rows(count: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        turns = [
            ("user", f"Question {place}? " + "Tell me more about it. " * 12),
            ("assistant", f"Answer {place}. " + "It is so. " * 28),
        ]
        yield {"messages": [{"role": role, "content": text} for role, text in turns], "extra": {"n": place}}


def _answer(project: Any, people: list[Any]) -> None:
    from django.utils import timezone

    from apps.datasets.rows import each_row
    from apps.labeling.models import Annotation, Assignment, AssignmentStatus, Task
    from apps.labeling.schema import fields

    common = {"workspace_id": project.workspace_id, "project": project}
    portion: list[Any] = []

    def write() -> None:
        Task.objects.bulk_create([task for task, _own in portion])
        held = [one for _task, own in portion for one in own]
        Assignment.objects.bulk_create([assignment for assignment, _annotation in held])
        Annotation.objects.bulk_create([annotation for _assignment, annotation in held])
        portion.clear()

    for row in each_row(project.dataset_version.shard_paths()):
        key, origin = (
            f"row:{row.index}:{row.row_id[:16]}",
            {"provenance_kind": "version", "provenance_id": project.dataset_version_id},
        )
        data = fields.data_of(row, "chat")
        task = Task(
            **common, **origin, number=row.index + 1, key=key, data=data, extra=row.extra, open_slots=0, submitted=2
        )
        own = []
        for place, person in enumerate(people):
            assignment = Assignment(
                **common, task=task, annotator=person, status=AssignmentStatus.SUBMITTED, leased_at=timezone.now()
            )
            word = "bad" if place and row.index % 5 == 0 else "good"
            regions = [("quality", "choices", {"choices": [word]}), ("stars", "rating", {"rating": 3 + place})]
            result = [
                {"id": name, "from_name": name, "to_name": "prompt", "type": kind, "value": value}
                for name, kind, value in regions
            ]
            own.append(
                (assignment, Annotation(**common, task=task, assignment=assignment, annotator=person, result=result))
            )
        portion.append((task, own))
        if len(portion) == 500:
            write()
    write()


if __name__ == "__main__":
    sys.exit(main())
