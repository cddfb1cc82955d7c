"""Tells a free worker to look into the database. What is to run stands there; a hint that is lost is said again by the sweeper."""

import logging

from celery import current_app

log = logging.getLogger(__name__)
TASK = "jobs.run_next"
LIFE = 7200  # seconds; long, for it is judged by the worker's clock, which may be wrong by an hour


def send(queue: str) -> bool:
    """Tell one free worker of this queue to look. False when the broker is away."""
    try:
        current_app.send_task(TASK, queue=queue, expires=LIFE, retry=False)
    except Exception as exc:  # any broker fault: the row is written, and that is what counts
        log.warning("hint for queue %s not sent: %s", queue, exc)
        return False
    return True
