"""Doors from Celery beat."""

from celery import shared_task

from apps.labeling.harvest import automatic
from apps.labeling.suggesting import following
from apps.labeling.syncing import polling


@shared_task(name="labeling.freeze_finished", ignore_result=True)
def freeze_finished() -> None:
    """Projects that shall freeze when finished, and are."""
    automatic.freeze_finished()


@shared_task(name="labeling.look_at_servers", ignore_result=True)
def look_at_servers() -> None:
    """Label Studio servers whose answers are due to be fetched."""
    polling.look()


@shared_task(name="labeling.suggest_for_new", ignore_result=True)
def suggest_for_new() -> None:
    """Suggesters that are shown, and tasks that came since they ran."""
    following.look()
