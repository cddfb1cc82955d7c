"""What this machine can train on, as far as a web process can know without torch."""

import socket
from functools import lru_cache

import psutil
import pynvml

from apps.jobs.models import Slot, in_seconds

RECENT_S = 60


@lru_cache(maxsize=1)
def gpus_here() -> int:
    """GPUs that NVIDIA's driver shows on this host; 0 where there is no driver."""
    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


def trains_without_gpu() -> bool:
    """Whether every training slot is on this host and this host has no GPU. False when it cannot be known."""
    hosts = set(Slot.objects.filter(queue="gpu", seen_at__gt=in_seconds(-RECENT_S)).values_list("host", flat=True))
    return hosts == {socket.gethostname()} and gpus_here() == 0


def memory_bytes() -> int:
    """The memory of this host."""
    return int(psutil.virtual_memory().total)
