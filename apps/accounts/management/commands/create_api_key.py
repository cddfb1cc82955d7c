from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services
from apps.accounts.models import Membership


class Command(BaseCommand):
    help = "Issue an API key for a member of a workspace and print it (once)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="EMAIL")
        parser.add_argument("--workspace", required=True, metavar="SLUG")
        parser.add_argument("--name", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Membership.objects.filter(user__email=options["user"].lower(), workspace__slug=options["workspace"])
        member = found.select_related("user", "workspace").first()
        if member is None:
            raise CommandError(f"{options['user']} is not a member of a workspace {options['workspace']!r}.")
        _key, text = services.issue_api_key(actor=member.user, workspace=member.workspace, name=options["name"])
        self.stdout.write(text)
