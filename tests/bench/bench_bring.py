"""Labels brought in: seconds and memory for a file of many answers, from its reading to its last row in the database.

    python -m tests.bench.bench_bring [--answers 100000]

JSON Lines, each a whole task with one answer (a choice and a span) of one of ten people, into a project of the same tasks. Measured are
the look at the first records (as in a request), the program that reads the file, the taking in portions (as the job does), and the same
file once more, of which nothing is new. SQLite; one process.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.bench_export import _django, _result

CONFIG = """<View>
  <Text name="prompt" value="$prompt"/>
  <Choices name="quality" toName="prompt" choice="single"><Choice value="good"/><Choice value="bad"/></Choices>
  <Labels name="marks" toName="prompt"><Label value="Word"/><Label value="Sign"/></Labels>
</View>"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-bring-") as name:
        _measure(Path(name), options.answers)
    return 0


def _measure(folder: Path, count: int) -> None:
    _django(folder)
    from django.utils import timezone

    from apps.labeling.exchange import receiving
    from apps.labeling.exchange.taking import Report
    from apps.labeling.models import LabelImport

    person, project, path = _make(folder, count)
    print(f"{count} answers, {path.stat().st_size / 1e6:.1f} MB; {_memory():.0f} MB memory before")
    for what in ("new", "again"):
        row = LabelImport(project=project, workspace_id=project.workspace_id, name=path.name, size=path.stat().st_size)
        began = time.monotonic()
        receiving.look(row, path)
        _tell(f"look, {what}", began)
        row.save()
        began = time.monotonic()
        receiving.take(row, _through_program(folder, path, row.format, what), actor=person)
        row.refresh_from_db()
        _tell(f"take, {what}", began)
        report = Report.of(row.report)
        print(f"  added {report.added}, there already {report.repeated}, refused {report.refused}")
        LabelImport.objects.filter(pk=row.pk).update(finished_at=timezone.now())


def _through_program(folder: Path, path: Path, format: str, what: str) -> Any:
    """What the program would leave, written and read again."""
    from workers.labels.found import lines
    from workers.labels.reading import read

    began, target = time.monotonic(), folder / f"{what}.jsonl"
    with target.open("w", encoding="utf-8") as file:
        for one in read(path, format):
            file.write(one.line())
    _tell(f"read, {what}", began)
    with target.open(encoding="utf-8") as file:
        yield from lines(file)


def _make(folder: Path, count: int) -> tuple[Any, Any, Path]:
    from django.core.management import call_command

    from apps.accounts.models import Membership, Workspace
    from apps.labeling import services
    from apps.labeling.models import LabelProject
    from apps.labeling.queueing.writing import write_tasks
    from tests.cast import make_user

    call_command("migrate", verbosity=0)
    person, chance = make_user("Mara"), random.Random(1)
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    Membership.objects.create(workspace=workspace, user=person, role="owner")
    project = services.create_project(actor=person, workspace=workspace, name="Bench", label_config=CONFIG)
    path = folder / "answers.jsonl"
    items: list[dict[str, Any]] = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, count + 1):
            text = " ".join(chance.choices(("the", "boots", "came", "loose", "after", "rain", "订单", "晚了"), k=60))
            data = {"prompt": text, "answer": "We are sorry. " * 5}
            items.append({"key": f"row:{number}", "data": data})
            if len(items) == 5000 or number == count:
                write_tasks(project, items, after=number - len(items))
                items = []
            answer = {"result": _result(text, chance)[:2], "completed_by": number % 10, "lead_time": 4.5}
            answer["created_at"] = "2026-01-05T10:00:00+00:00"
            task = {"id": number, "data": data, "meta": {"key": f"row:{number}"}, "annotations": [answer]}
            file.write(json.dumps(task, ensure_ascii=False) + "\n")
    LabelProject.objects.filter(pk=project.pk).update(task_count=count)
    project.refresh_from_db()
    return person, project, path


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _tell(what: str, began: float) -> None:
    print(
        f"{what:<12} {time.monotonic() - began:8.1f} s ({time.process_time():.0f} s of a processor so far)"
        f" {_memory():8.0f} MB memory at most"
    )


if __name__ == "__main__":
    sys.exit(main())
