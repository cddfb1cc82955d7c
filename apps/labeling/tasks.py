"""Doors from Celery beat."""

from celery import shared_task

from apps.labeling.harvest import automatic
from apps.labeling.syncing import polling


@shared_task(name="labeling.freeze_finished", ignore_result=True)
def freeze_finished() -> None:
    """Projects that shall freeze when finished, and are."""
    automatic.freeze_finished()


@shared_task(name="labeling.look_at_servers", ignore_result=True)
def look_at_servers() -> None:
    """Label Studio servers whose answers are due to be fetched."""
    polling.look()
