"""Doors from Celery beat."""

import time

from celery import shared_task

from apps.datasets.receiving import orphans, same
from apps.datasets.receiving import services as receiving


@shared_task(name="datasets.clear_receptions", ignore_result=True)
def clear_receptions() -> None:
    """Uploads that nobody went on with make room, and so do files whose process died before their row was there."""
    receiving.clear()
    orphans.clear(now=time.time())
    same.renew()
