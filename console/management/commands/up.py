"""`manage.py up`: the whole console on this machine, with one command."""

import contextlib
import fcntl
import http.client
import logging
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from environ import Env

from apps.accounts import services as accounts
from apps.accounts.models import User, Workspace
from console import plan
from console.processes import Keeper

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - addresses a person may ask for; the default is loopback


class Command(BaseCommand):
    help = "Migrate, make a first account and a demo on an empty database, and run web, workers, beat and broker until Ctrl-C."
    requires_migrations_checks = False
    password: str | None = None  # of the first account, until it was shown

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")

    def handle(self, *args: Any, **options: Any) -> None:
        data = Path(settings.TUNELOOP_DATA)
        for name in ("run", "tmp", "files", "jobs", "log"):
            (data / name).mkdir(parents=True, exist_ok=True)
        with _only_one(data):
            self._check_port(options["host"], options["port"])
            self._prepare()
            self.password = self._first_account()
            try:
                if self.password is not None and not options["no_demo"]:
                    self._load_demo()
                self._keep(data, options["host"], options["port"])
            finally:
                self._tell_account()
        self.say("Stopped. Everything is kept; the next start goes on from here.")

    def _keep(self, data: Path, host: str, port: int) -> None:
        connection.close()
        if host in LOOPBACK:  # who can reach the console can read this machine's files anyway
            os.environ.setdefault("TUNELOOP_MODEL_FOLDERS", "/")
        os.environ.setdefault("TUNELOOP_AUTO_PROFILE", "1")
        processes = plan.all_processes(data=data, host=host, port=port)
        Keeper(processes, log_folder=data / "log", say=self.say).run(lambda: self._greet(host, port))

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _check_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as exc:
                raise CommandError(
                    f"Port {port} on {host} cannot be used ({exc.strerror}). Try: manage.py up --port {port + 1}"
                ) from exc

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        mark, newest = Path(settings.STATIC_ROOT) / ".newest", str(_newest_static_file())
        if not mark.exists() or mark.read_text() != newest:
            call_command("collectstatic", verbosity=0, interactive=False)
            mark.write_text(newest)

    def _first_account(self) -> str | None:
        """Make the first account of an empty database; its password, or None when there are accounts already."""
        if User.objects.exists():
            return None
        password = os.environ.get("TUNELOOP_ADMIN_PASSWORD") or secrets.token_urlsafe(12)
        accounts.create_first_account(email=admin_email(), password=password)
        return password

    def _load_demo(self) -> None:
        from apps.datasets import services as datasets
        from apps.datasets.quality import profiles
        from apps.training import services as training

        logging.disable(logging.WARNING)  # the broker is not up yet; the sweeper will find the jobs
        self._make_model()
        actor = User.objects.get(email=admin_email())
        workspace = Workspace.objects.get(slug="home")
        version = datasets.load_demo(workspace=workspace, actor=actor)
        training.load_demo(workspace=workspace, actor=actor, version=version)
        if Env().bool("TUNELOOP_AUTO_PROFILE", default=True):
            profiles.profile_demo(actor=actor, version=version)
        logging.disable(logging.NOTSET)

    def _make_model(self) -> None:
        """The bundled model as safetensors, where the install step has not made it."""
        folder = Path(settings.TUNELOOP_DATA) / "models" / "smollm2-135m-instruct"
        if not (folder / "config.json").exists():
            self.say("Converting the bundled model, once; about 20 seconds ...")
            command = [sys.executable, "-m", "workers.prepare_model", str(folder)]
            subprocess.run(command, cwd=settings.BASE_DIR, check=True, stdout=subprocess.DEVNULL)

    def _greet(self, host: str, port: int) -> None:
        shown = "127.0.0.1" if host in EVERYWHERE else host
        _wait_until_answering(shown, port)
        self.say(f"\nTuneloop is running at http://{shown}:{port}/\n")
        self._tell_account()
        self.say("Ctrl-C stops everything.")

    def _tell_account(self) -> None:
        """Once; also when the start is broken off, for the password cannot be shown again."""
        password, self.password = self.password, None
        if password is not None:
            given = "TUNELOOP_ADMIN_PASSWORD" in os.environ
            shown = "as you set it" if given else f"{password}   (shown once)"
            self.say(f"  Sign in as  {admin_email()}\n  Password    {shown}\n")


def admin_email() -> str:
    return os.environ.get("TUNELOOP_ADMIN_EMAIL", "admin@example.com").lower()


@contextlib.contextmanager
def _only_one(data: Path) -> Any:
    """One console per data folder."""
    with open(data / "run" / "up.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CommandError(f"A console already runs on {data}.") from exc
        yield


def _newest_static_file() -> float:
    newest = 0.0
    for finder in get_finders():
        for path, storage in finder.list([]):
            newest = max(newest, Path(storage.path(path)).stat().st_mtime)
    return newest


def _wait_until_answering(host: str, port: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection_to_web = http.client.HTTPConnection(host, port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection_to_web.request("GET", "/healthz")
            if connection_to_web.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise CommandError("The web process did not answer within a minute; see log/web.log in the data folder.")
