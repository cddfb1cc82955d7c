from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.rollout import switch


class Command(BaseCommand):
    help = "Stop a rollout at once by a file in the data folder: works while the database is away. Start it again on its page."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the rollout's id, as in the address of its page")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rollout_id = UUID(options["id"])
        except ValueError:
            raise CommandError(f"{options['id']!r} is no id of a rollout.") from None
        switch.lay_down(rollout_id)
        self.stdout.write(f"{switch.file_of(rollout_id)} is laid down: everybody gets the control.")
