"""What a process that only reads and writes tables does without: pandas, spare threads, memory given back and asked for again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

# A piece's memory is kept for the next one; given back and asked for again (glibc's way above 128 KiB) each piece pays for it.
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "268435456",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
    "MALLOC_TOP_PAD_": "16777216",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # mimalloc gives back what is idle for 10 ms
    "OPENBLAS_NUM_THREADS": "1",  # numpy's own, which nothing here asks for
}


def leave_pandas_out() -> None:
    """Let pyarrow believe that there is no pandas here. It imports it (a quarter of a second, 60 MB) at the first array that is made, only
    to ask whether the values are pandas' own."""
    if not any(isinstance(finder, _NoPandas) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NoPandas())


def keep_memory() -> None:
    """Let Arrow take its memory from malloc, which keeps it, in a process that was started without ENVIRONMENT."""
    pa.set_memory_pool(pa.system_memory_pool())


class _NoPandas(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("This process does without pandas.", name=fullname)
        return None
