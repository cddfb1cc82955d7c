"""A run with a million points: how long the server takes for its curve, and how long until a browser has drawn it.

python -m tests.bench.bench_curve [--points 1000000] [--times 5]
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.conftest import FLAGS
from tests.e2e.console import EMAIL, PASSWORD, ROOT, Console, running_console

FILL = """
import django; django.setup()
import random
from apps.accounts.models import Workspace
from apps.datasets.models import Dataset, DatasetVersion
from apps.jobs import curves
from apps.jobs.models import Job, MetricPoint
from apps.training.models import BaseModel, Run
from workers.recipes import Recipe
w = Workspace.objects.get()
job = Job.objects.create(workspace=w, kind="training.sft", title="run-1 long", queue="gpu", status="succeeded", last_seq={n}, last_step={n})
draw = random.Random(1)
for at in range(0, {n}, 20000):
    points = [MetricPoint(job=job, seq=i, step=i, name="loss", value=2 * (1 + i / 5e4) ** -0.5 + draw.gauss(0, 0.05))
              for i in range(at + 1, min(at + 20000, {n}) + 1)]
    MetricPoint.objects.bulk_create(points)
curves.update_blocks(job, {{"loss": range(1, {n} + 1)}})
data = Dataset.objects.create(workspace=w, name="d")
version = DatasetVersion.objects.create(workspace=w, dataset=data, number=1, content_hash="0" * 64, row_count=1, layout="messages")
base = BaseModel.objects.create(workspace=w, name="m", slug="m", source="folder", facts={{"parameters": 1}})
run = Run.objects.create(workspace=w, number=1, name="long", base_model=base, dataset_version=version, recipe=Recipe().as_dict(), job=job)
print(run.pk, job.pk)
"""


def fill(console: Console, points: int) -> tuple[str, str]:
    """A finished run with its points; ids of run and job."""
    env = {**console.env, "DJANGO_SETTINGS_MODULE": "console.settings", "LOG_LEVEL": "ERROR"}
    words = [sys.executable, "-c", FILL.format(n=points)]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    run, job = done.stdout.split()[-2:]
    return run, job


def browse(browser: Browser, console: Console, run: str, times: int) -> list[float]:
    """Seconds from the click to a drawn line, each in a fresh page of a signed-in browser."""
    context = browser.new_context(base_url=console.base, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_load_state("networkidle")
    found = []
    for _number in range(times):
        began = time.monotonic()
        page.goto(f"/train/{run}/", wait_until="commit")
        page.wait_for_selector("#chart-loss .scatterlayer .js-line", state="attached", timeout=30_000)
        found.append(time.monotonic() - began)
    context.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    random.seed(1)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, running_console(Path(folder)) as console, sync_playwright() as play:
        run, job = fill(console, options.points)
        with console.client() as api:
            server = []
            for _number in range(options.times):
                began = time.monotonic()
                answer = api.get(f"/api/v1/jobs/{job}/metrics/", params={"thin": 1500}).raise_for_status().json()
                server.append(time.monotonic() - began)
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        drawn = browse(browser, console, run, options.times)
        browser.close()
    figures = {
        "points": options.points,
        "sent": len(answer["points"]),
        "server_ms": round(1000 * statistics.median(server)),
        "page_first_ms": round(1000 * drawn[0]),
        "page_median_ms": round(1000 * statistics.median(drawn)),
        "page_max_ms": round(1000 * max(drawn)),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
