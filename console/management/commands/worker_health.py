import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.jobs.models import Slot, in_seconds


class Command(BaseCommand):
    help = (
        "Succeeds when a worker of this host has reported its slots within the last minute (a container's healthcheck)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        host = socket.gethostname()
        if not Slot.objects.filter(host=host, seen_at__gt=in_seconds(-60)).exists():
            raise CommandError(f"No worker of {host} has reported within a minute.")
