"""Doors from Celery. A message carries nothing: what to run stands in the database."""

import os
import socket

from celery import shared_task

from apps.jobs import hints, services, slots, supervisor


@shared_task(name=hints.TASK, acks_late=False, ignore_result=True)
def run_next() -> None:
    """Run the best ready job on a free slot of this worker."""
    mine = slots.names(os.environ.get("TUNELOOP_SLOTS", ""))
    worker = f"{socket.gethostname()}/{os.getpid()}"
    device = os.environ.get("TUNELOOP_CUDA")
    env = {} if device is None else {"CUDA_VISIBLE_DEVICES": device}
    for queue in dict.fromkeys(slots.queue_of(slot) for slot in mine):
        if supervisor.run_next(
            queue=queue, slots=[s for s in mine if slots.queue_of(s) == queue], worker=worker, env=env
        ):
            return


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep() -> None:
    services.reap()
    services.sweep()
