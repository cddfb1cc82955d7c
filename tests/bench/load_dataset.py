"""`datasets.load_dataset` on one file, for bench_import: python -m tests.bench.load_dataset FILE CACHE"""

import os
import sys

os.environ["HF_DATASETS_OFFLINE"] = "1"

import datasets

kind = {"jsonl": "json"}.get(sys.argv[1].rsplit(".", 1)[1], sys.argv[1].rsplit(".", 1)[1])
print(datasets.load_dataset(kind, data_files=sys.argv[1], cache_dir=sys.argv[2])["train"].num_rows)
