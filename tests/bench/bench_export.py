"""Labels taken away: seconds and memory of every format, of a project of many answered tasks.

    python -m tests.bench.bench_export [--tasks 100000]

The limits are those of the issue, for the JSON of Label Studio: 30 s and 500 MB. Each format is made by a process of its own.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SECONDS, MEGABYTES = 30.0, 500
FORMATS = ("json", "json_min", "jsonl", "csv", "parquet", "conll2003", "coco", "yolo", "voc")
CONFIG = """<View>
  <Text name="prompt" value="$prompt"/>
  <Choices name="quality" toName="prompt" choice="single"><Choice value="good"/><Choice value="bad"/></Choices>
  <Labels name="marks" toName="prompt"><Label value="Word"/><Label value="Sign"/></Labels>
  <Image name="picture" value="$image"/>
  <RectangleLabels name="boxes" toName="picture"><Label value="cat"/><Label value="dog"/></RectangleLabels>
</View>"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--format", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        _make(options.folder, options.tasks) if not options.format else _export(options.folder, options.format)
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-export-") as name:
        again = [sys.executable, "-m", "tests.bench.bench_export", "--folder", name]
        subprocess.run([*again, "--tasks", str(options.tasks)], check=True)
        told = [
            subprocess.run([*again, "--format", one], check=True, stdout=subprocess.PIPE, text=True) for one in FORMATS
        ]
    seconds, megabytes = (float(word) for word in told[0].stdout.split()[1:3])
    print(
        f"{'format':<10} {'seconds':>8} {'MB memory':>10} {'MB file':>8}\n" + "".join(one.stdout for one in told),
        end="",
    )
    return 0 if seconds <= SECONDS and megabytes <= MEGABYTES else 1


def _django(folder: Path) -> None:
    os.environ.update(
        TUNELOOP_DATA=str(folder), DJANGO_SETTINGS_MODULE="console.settings", DJANGO_ALLOW_ASYNC_UNSAFE="1"
    )
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    import django
    from django.conf import settings

    django.setup()
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def _make(folder: Path, count: int) -> None:
    _django(folder)
    from django.core.management import call_command
    from django.utils import timezone

    from apps.accounts.models import Membership, Workspace
    from apps.labeling import services
    from apps.labeling.models import Annotation, Assignment, AssignmentStatus, LabelProject, Task
    from tests.cast import make_user

    call_command("migrate", verbosity=0)
    person, chance, now = make_user("Mara"), random.Random(1), timezone.now()
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    Membership.objects.create(workspace=workspace, user=person, role="owner")
    project = services.create_project(actor=person, workspace=workspace, name="Bench", label_config=CONFIG)
    common: dict[str, Any] = {"workspace": workspace, "project": project}
    for start in range(0, count, 5000):
        tasks, held, answers = [], [], []
        for number in range(start + 1, min(start + 5000, count) + 1):
            text = " ".join(chance.choices(("the", "boots", "came", "loose", "after", "rain", "订单", "晚了"), k=60))
            data = {"prompt": text, "answer": "We are sorry. " * 5, "image": f"/pictures/{number}.png"}
            tasks.append(Task(**common, number=number, key=f"row:{number}", data=data, open_slots=0, submitted=1))
            held.append(
                Assignment(
                    **common, task=tasks[-1], annotator=person, status=AssignmentStatus.SUBMITTED, leased_at=now, finished_at=now,
                )
            )  # fmt: skip
            answers.append(
                Annotation(
                    **common, task=tasks[-1], assignment=held[-1], annotator=person, result=_result(text, chance), lead_time=4.5
                )
            )  # fmt: skip
        Task.objects.bulk_create(tasks, batch_size=500)
        Assignment.objects.bulk_create(held, batch_size=500)
        Annotation.objects.bulk_create(answers, batch_size=500)
    LabelProject.objects.filter(pk=project.pk).update(task_count=count)


def _result(text: str, chance: random.Random) -> list[dict[str, Any]]:
    start = chance.randrange(len(text) - 12)
    span = {"start": start, "end": start + 10, "text": text[start : start + 10], "labels": ["Word"]}
    box = {
        "x": 10,
        "y": 20,
        "width": 30,
        "height": 40,
        "rotation": 0,
        "rectanglelabels": [chance.choice(["cat", "dog"])],
    }
    return [
        {"id": "a", "from_name": "quality", "to_name": "prompt", "type": "choices", "value": {"choices": ["good"]}},
        {"id": "b", "from_name": "marks", "to_name": "prompt", "type": "labels", "value": span},
        {
            "id": "c", "from_name": "boxes", "to_name": "picture", "type": "rectanglelabels", "value": box,
            "original_width": 640, "original_height": 480,
        },
    ]  # fmt: skip


def _export(folder: Path, name: str) -> None:
    _django(folder)
    from apps.labeling.exchange import FORMATS as KNOWN
    from apps.labeling.models import LabelProject

    project = LabelProject.objects.get()
    began, size = time.monotonic(), 0
    for piece in KNOWN[name].make(project):
        size += len(piece)
    took, memory = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<10} {took:8.1f} {memory:10.0f} {size / 1e6:8.1f}")


if __name__ == "__main__":
    sys.exit(main())
