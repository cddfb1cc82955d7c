"""Doors from Celery beat."""

from celery import shared_task

from apps.training.sweeping import keeping


@shared_task(name="training.keep_sweeps", ignore_result=True)
def keep_sweeps() -> None:
    """Trials that are due are launched, hopeless ones stopped, those that ended noted."""
    keeping.keep()
