"""`manage.py serve ROLE`: one process of a console that is spread over containers or hosts."""

import os
import socket
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from apps.accounts import services as accounts
from apps.accounts.models import User
from console import plan
from console.processes import Process


class Command(BaseCommand):
    help = "Run one role: web (migrates first), cpu (imports, chats, engines, upkeep), gpu (training; one per GPU) or beat."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=["web", "cpu", "gpu", "beat"])
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 - behind a container's or a proxy's own door

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor == "sqlite":
            raise CommandError("SQLite serves one machine: use `manage.py up`, or set DATABASE_URL to PostgreSQL.")
        if not os.environ.get("REDIS_URL"):
            raise CommandError("Set REDIS_URL: the roles find each other through it.")
        for name in ("run", "tmp", "files", "jobs", "log"):
            (Path(settings.TUNELOOP_DATA) / name).mkdir(parents=True, exist_ok=True)
        role = options["role"]
        if role == "web":
            self._prepare()
        process = self._process(role, options)
        connection.close()
        os.execvpe(process.argv[0], process.argv, {**os.environ, **process.env})  # noqa: S606 - the argv is ours

    def _process(self, role: str, options: dict[str, Any]) -> Process:
        if role == "web":
            return plan.web(options["host"], options["port"], {})
        if role == "gpu":
            return plan.gpu_worker(f"{socket.gethostname()}:gpu{os.environ.get('TUNELOOP_CUDA', '0')}", {})
        return plan.cpu_worker({}) if role == "cpu" else plan.beat({})

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        password = os.environ.get("TUNELOOP_ADMIN_PASSWORD")
        if not User.objects.exists() and password:
            accounts.create_first_account(
                email=os.environ.get("TUNELOOP_ADMIN_EMAIL", "admin@example.com"), password=password
            )
