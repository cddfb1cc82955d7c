"""Doors from Celery beat."""

from celery import shared_task

from apps.serving import engines, exchanges


@shared_task(name="serving.keep", ignore_result=True)
def keep() -> None:
    """Engines that are wanted are there; exchanges that nobody writes any more are closed."""
    engines.keep()
    exchanges.close_lost()
