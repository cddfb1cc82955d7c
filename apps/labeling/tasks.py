"""Doors from Celery beat."""

from celery import shared_task

from apps.labeling.harvest import automatic


@shared_task(name="labeling.freeze_finished", ignore_result=True)
def freeze_finished() -> None:
    """Projects that shall freeze when finished, and are."""
    automatic.freeze_finished()
