"""Verbs of who runs a project with a Label Studio server: connect, run now, pause, change, disconnect."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey
from apps.core import ledger, live, sealing
from apps.core.errors import Conflict, Problem
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.labeling.models import Connection, LabelProject, SyncRun
from workers.failures import UserError
from workers.studio.client import About, Studio
from workers.studio.guard import check_url

SYNC = "labeling.sync"
MAX_TASKS = 100_000  # a project: what Label Studio advises
KEPT_RUNS = 20
WHOLE_EVERY = timedelta(days=1)
_PURPOSE = "tuneloop label studio token 1"
_PATIENCE = 15.0  # seconds, while somebody waits


def connection_of(project: LabelProject) -> Connection | None:
    found: Connection | None = Connection.objects.filter(project=project).select_related("job", "project").first()
    return found


def require(project: LabelProject) -> Connection:
    """The project's connection. Raises Conflict."""
    found = connection_of(project)
    if found is None:
        raise Conflict(_("The project is not connected to Label Studio."), hint=_("Connect it first."))
    return found


def connect(*, actor: Any, project: LabelProject, url: str, token: str, poll_minutes: int = 15) -> Connection:
    """Try the address and the token, keep them, and begin. Raises Problem that names the field, Conflict when connected already."""
    if connection_of(project):
        raise Conflict(_("The project is connected already."), hint=_("Disconnect it first."))
    if not project.is_filled:
        raise Conflict(_("The project's tasks are still being made."), hint=_("Wait until they are there."))
    if project.task_count > MAX_TASKS:
        message = _("Label Studio takes about %(most)d tasks a project; this one has %(count)d.")
        raise Conflict(message % {"most": MAX_TASKS, "count": project.task_count}, hint=_("Make a smaller project."))
    url, about = try_server(url, token)
    _check_poll(poll_minutes)
    with transaction.atomic():
        LabelProject.objects.select_for_update().get(pk=project.pk)
        if connection_of(project):
            raise Conflict(_("The project is connected already."), hint=_("Disconnect it first."))
        made = Connection(
            workspace_id=project.workspace_id, created_by=actor, project=project, url=url, version=about.version,
            edition=about.edition, person=about.person, poll_minutes=poll_minutes,
        )  # fmt: skip
        made.token = sealing.seal(token.strip().encode(), purpose=_PURPOSE, bound=made.pk.bytes)
        made.save()
        ledger.write(row=project, verb="labelproject.connected", actor=actor, note=url)
        begin(actor=actor, connection=made, cause="person")
    return made


def try_server(url: str, token: str) -> tuple[str, About]:
    """The address as it is kept, and who answers there. Raises Problem saying which of the two is wrong, and how."""
    token = token.strip()
    if not token or len(token) > 2000 or not token.isascii() or not token.isprintable():
        raise Problem(_("Give the access token."), field="token", hint=_("It is on the account page of Label Studio."))
    if len(url) > 500:
        raise Problem(_("An address has at most 500 characters."), field="url")
    checked = asked(lambda: check_url(url, hosts()))

    def look() -> About:
        studio = Studio(checked, token, allowed=hosts(), seconds=_PATIENCE)
        try:
            return studio.about()
        finally:
            studio.close()

    return checked, asked(look)


def asked(question: Callable[[], Any]) -> Any:
    """What a server says; its refusals as Problems."""
    try:
        return question()
    except UserError as error:
        raise Problem(error.message, field=error.field or "", hint=error.hint) from error


def hosts() -> list[str]:
    """The hosts that the operator lets us call whatever their addresses are."""
    return list(settings.TUNELOOP_LABEL_STUDIO_HOSTS)


def token_of(connection: Connection) -> str:
    """Raises Problem when SECRET_KEY is another than it was."""
    try:
        return sealing.unseal(bytes(connection.token), purpose=_PURPOSE, bound=connection.pk.bytes).decode()
    except sealing.CannotOpen:
        hint = _("Start the console with the SECRET_KEY it had, or disconnect and connect again.")
        raise Problem(_("The token cannot be opened."), hint=hint) from None


def studio_of(connection: Connection) -> Studio:
    """For a short question while somebody waits."""
    token = token_of(connection)
    found: Studio = asked(lambda: Studio(connection.url, token, allowed=hosts(), seconds=_PATIENCE))
    return found


def sync_now(*, actor: Any, project: LabelProject, full: bool = False) -> Job:
    """Run now, also when paused. Raises Conflict while a run is at work."""
    return begin(actor=actor, connection=require(project), cause="person", full=full)


@transaction.atomic
def begin(*, actor: Any, connection: Connection, cause: str, full: bool = False) -> Job:
    """One run; once a day a look at everything. Raises Conflict while another is at work."""
    connection = (
        Connection.objects.select_for_update(of=("self",)).select_related("job", "project").get(pk=connection.pk)
    )
    if connection.is_running:
        raise Conflict(_("A run is at work."), hint=_("Wait until it ends, or cancel it."), code="at_work")
    now = timezone.now()
    full = full or connection.compared_at is None or connection.compared_at < now - WHOLE_EVERY
    job = jobs.submit(
        actor=actor,
        workspace=connection.workspace,
        kind=SYNC,
        title=_("%(name)s with Label Studio") % {"name": connection.project.name},
        inputs={"project": str(connection.project_id), "connection": str(connection.pk)},
        settings={"full": full},
    )
    common = {"workspace_id": connection.workspace_id, "created_by": actor, "connection": connection}
    SyncRun.objects.create(**common, job=job, is_full=full, cause=cause)
    Connection.objects.filter(pk=connection.pk).update(job=job, hinted_at=None, error="", error_hint="")
    live.ring(connection.project)
    return job


@transaction.atomic
def change(
    *, actor: Any, project: LabelProject, is_paused: bool | None = None, poll_minutes: int | None = None
) -> Connection:
    """Stop looking for answers, or look again; how often."""
    connection = require(project)
    if poll_minutes is not None:
        _check_poll(poll_minutes)
        connection.poll_minutes = poll_minutes
    if is_paused is not None:
        connection.is_paused, connection.failures, connection.not_before = is_paused, 0, None
    connection.save(update_fields=["poll_minutes", "is_paused", "failures", "not_before"])
    note = _("paused") if connection.is_paused else _("every %(count)d minutes") % {"count": connection.poll_minutes}
    ledger.write(row=project, verb="labelproject.connection_changed", actor=actor, note=note)
    live.ring(project)
    return connection


def _check_poll(minutes: int) -> None:
    known = [value for value, _words in Connection.POLLS]
    if minutes not in known:
        raise Problem(_("Give one of these."), field="poll_minutes", hint=", ".join(map(str, known)))


def disconnect(*, actor: Any, project: LabelProject) -> str:
    """Forget the server, its token and which row was which; answers that came stay, and so does everything there. What could not be
    cleaned up there, in words."""
    connection = require(project)
    left = _forget_webhook(connection)
    with transaction.atomic():
        if connection.job and connection.is_running:
            jobs.cancel(actor=actor, job=connection.job)
        ledger.write(row=project, verb="labelproject.disconnected", actor=actor, note=connection.url)
        connection.delete()
        live.ring(project)
    return left


# ---- the webhook


def add_webhook(*, actor: Any, project: LabelProject, address: Callable[[Connection], str]) -> Connection:
    """Let the server tell us of answers. `address`: where we are reached from there. Raises Problem with the server's reason."""
    connection = require(project)
    if connection.remote_project is None:
        raise Conflict(_("There is no project on the server yet."), hint=_("Wait for the first run."))
    secret = secrets.token_urlsafe(32)
    url = address(connection)
    if not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url or len(url) > 500:
        raise Problem(_("This is no address."), field="url", hint="https://tuneloop.example.com/...")
    _forget_webhook(connection)
    studio = studio_of(connection)
    try:
        remote = connection.remote_project
        made = asked(lambda: studio.add_webhook(remote, url, {"X-Tuneloop-Secret": secret}))
    finally:
        studio.close()
    with transaction.atomic():
        connection.webhook, connection.secret_digest = made, ApiKey.digest_of(secret)
        connection.save(update_fields=["webhook", "secret_digest"])
        ledger.write(row=project, verb="labelproject.connection_changed", actor=actor, note=_("webhook"))
        live.ring(project)
    return connection


def _forget_webhook(connection: Connection) -> str:
    if connection.webhook is None:
        return ""
    number = connection.webhook
    try:
        studio = studio_of(connection)
        try:
            asked(lambda: studio.remove_webhook(number))
        finally:
            studio.close()
    except Problem as problem:
        words = {"number": number, "why": problem.message}
        return _("Webhook %(number)d could not be removed there: %(why)s It is refused from now on.") % words
    return ""
