"""Idempotency-Key: a repeated POST gets the first answer and starts nothing."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from apps.core.errors import Conflict, Problem
from apps.core.models import RememberedAnswer

KEPT_FOR = timedelta(days=7)
Handler = Callable[..., Response]


class IdempotentPosts:
    """Mixin of a DRF view. The answer is remembered with the work in one transaction: neither exists alone."""

    post: Handler

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "POST" or not key:
            return
        if len(key) > 200 or not key.isprintable():
            message = _("The Idempotency-Key must be at most 200 printable characters.")
            raise Problem(message, field="Idempotency-Key")
        # The body, perhaps a large file, is read here: the transaction below holds SQLite's one write lock.
        self.post = _once(self.post, key=key, caller=_caller(request), fingerprint=_fingerprint(request))

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replay):
            return Response(exc.body, status=exc.status_code, headers={"Idempotent-Replayed": "true"})
        return super().handle_exception(exc)  # type: ignore[misc,no-any-return]


class Replay(Exception):
    """Not an error: the remembered answer, on its way out."""

    def __init__(self, status_code: int, body: Any) -> None:
        super().__init__("replayed")
        self.status_code, self.body = status_code, body


def _once(handler: Handler, *, key: str, caller: str, fingerprint: str) -> Handler:
    """`handler`, run for the first request with this key only. A failure is not remembered."""

    def run(request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            slot = _claim(caller, key, fingerprint)
            response = handler(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            else:
                body = json.loads(json.dumps(response.data, cls=JSONEncoder))
                RememberedAnswer.objects.filter(pk=slot.pk).update(status=response.status_code, body=body)
        return response

    return run


def _claim(caller: str, key: str, fingerprint: str) -> RememberedAnswer:
    """The place for the answer. Raises Replay when there is one already; waits for a request that is being served."""
    RememberedAnswer.objects.filter(caller=caller, at__lt=timezone.now() - KEPT_FOR).delete()
    if found := RememberedAnswer.objects.filter(caller=caller, key=key).first():
        raise _replay(found, fingerprint)
    try:
        with transaction.atomic():
            return RememberedAnswer.objects.create(caller=caller, key=key, fingerprint=fingerprint)
    except IntegrityError:  # the other request was first and has ended while we waited for it
        found = RememberedAnswer.objects.filter(caller=caller, key=key).first()
        being_served = Conflict(_("A request with this Idempotency-Key is being served; try again soon."))
        raise (_replay(found, fingerprint) if found else being_served) from None


def _replay(found: RememberedAnswer, fingerprint: str) -> Exception:
    if found.fingerprint != fingerprint or found.status is None:
        message = _("This Idempotency-Key was used for a different request.")
        return Conflict(message, hint=_("Use a new key."), code="key_reused")
    return Replay(found.status, found.body)


def _caller(request: Request) -> str:
    """The person, and the workspace that an API key ties the request to."""
    return f"{request.user.pk}:{getattr(request.auth, 'workspace_id', '')}"


def _fingerprint(request: Request) -> str:
    """sha256 of path and body; of an uploaded file its name and size stand for the bytes."""
    files = {name: [(f.name, f.size) for f in request.FILES.getlist(name)] for name in request.FILES}
    body: Any = request.data
    if hasattr(body, "lists"):  # a form: every name may come several times
        body = {name: values for name, values in body.lists() if name not in files}
    canonical = json.dumps([request.get_full_path(), body, files], sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()
