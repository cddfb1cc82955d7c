"""From `manage.py up` on an empty data folder to the first page, with the demo (the model is made by the install step before).

python -m tests.bench.bench_start [--times 3]
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from tests.e2e.console import ROOT, Console

MODEL = "models/smollm2-135m-instruct"


def once(folder: Path) -> dict[str, float]:
    """Seconds to the first answer, and to the first point of the demo's curve."""
    shutil.copytree(ROOT / "var" / MODEL, folder / MODEL, copy_function=os.link)
    console = Console(folder, demo=True)
    began = time.monotonic()
    try:
        console.start()
        page = time.monotonic() - began
        with console.client() as api:
            job = api.get("/api/v1/runs/").json()["results"][0]["job"]["id"]
            while not api.get(f"/api/v1/jobs/{job}/metrics/").json()["points"]:
                time.sleep(0.2)
        return {"first_page_s": round(page, 1), "first_point_s": round(time.monotonic() - began, 1)}
    finally:
        console.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    for _number in range(parser.parse_args().times):
        with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
            print(json.dumps(once(Path(folder) / "data")), flush=True)


if __name__ == "__main__":
    main()
