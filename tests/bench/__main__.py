"""`make bench`: every figure that README names, measured on this machine in one run.

make bench                     all of them (about half an hour on two cores)
make bench ARGS="live curve"   some of them
"""

import subprocess
import sys

BENCHES = {
    "start": "from `manage.py up` to the first page, on an empty database with the demo",
    "sft": "training through our program against a bare TRL script: tokens/s, and time to the first step",
    "live": "from the trainer's write to the viewer's socket, with 1 and with 200 viewers; points lost or doubled",
    "curve": "a curve of a million points: answer of the server, and page in the browser",
    "faults": "200 random kills and freezes of trainers, supervisors, workers, broker and upkeep: what is lost, doubled or left",
    "import": "a table of 300 MB in three formats: rows/s and memory of all processes, beside load_dataset; pages and search",
    "million": "a million rows, 1 GB of JSON Lines: import, profile without perplexity, index; time and memory of each",
    "browse": "a version of a million rows: pages, filters, sort and search by API and page, memory, and the making of its index",
    "duplicates": "near and semantic duplicates in planted rows: recall, precision, rows/s",
    "labeling": "a label project of a million tasks: its making, the next task for 100 people at once, nothing lost or given twice",
    "profile": "the profile of a version of a million rows without perplexity: rows/s, memory",
    "export": "labels of 100,000 answered tasks in every format: seconds, memory",
    "harvest": "a project of 100,000 tasks with two answers each becomes a dataset version: seconds, memory",
    "agreement": "every coefficient of agreement with its interval over a million ratings",
    "versions": "a million rows: what differs between two versions, the way back, and what a small change costs on the disk",
}


def main() -> int:
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := set(wanted) - set(BENCHES):
        sys.exit(f"Unknown: {', '.join(unknown)}. There are: {', '.join(BENCHES)}.")
    failed = []
    for name in wanted:
        print(f"\n--- {name}: {BENCHES[name]}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.bench_{name}"], check=False).returncode != 0:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
