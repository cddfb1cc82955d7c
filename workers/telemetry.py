"""What the machine does while a model trains: memory, processor, GPU. Cheap enough to ask once a second."""

import contextlib
import importlib
import time
from collections.abc import Callable
from typing import Any

import psutil

EVERY_S = 1.0
MIB = 2**20


class Telemetry:
    """Reads at most once in `EVERY_S` seconds; the metrics are named as in the contract of events."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first reading is always 0
        self._gpu = _gpu_reader()
        self._next = 0.0

    def read(self) -> dict[str, float]:
        """The metrics of now, or nothing when the last reading is too fresh. cpu_percent is over all cores (200 = two full)."""
        now = time.monotonic()
        if now < self._next:
            return {}
        self._next = now + EVERY_S
        memory = self._process.memory_info().rss / MIB
        return {"memory_mb": memory, "cpu_percent": self._process.cpu_percent(), **self._gpu()}


def _gpu_reader() -> Callable[[], dict[str, float]]:
    """Memory and load of the first visible GPU through NVML; a reader of nothing where there is none."""
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByIndex(_first_visible())
    except Exception:  # no driver, no library, no permission: then there is nothing to show
        return dict

    def read() -> dict[str, float]:
        with contextlib.suppress(nvml.NVMLError):
            used = nvml.nvmlDeviceGetMemoryInfo(handle).used / MIB
            return {"gpu_memory_mb": used, "gpu_percent": float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)}
        return {}

    return read


def _first_visible() -> int:
    import os

    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    return int(first) if first.isdigit() else 0
