"""How the console asks an engine: over HTTP, word by word. Closing the stream ends the answer."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.serving.models import Deployment, Status

CONNECT_S, WORD_S = 5.0, 120.0  # to reach the engine; between two words of it, the wait in its line included
RETRY_S = 5
log = logging.getLogger(__name__)
_clients: WeakKeyDictionary[Any, httpx.AsyncClient] = WeakKeyDictionary()  # one for each event loop


class Unavailable(Problem):
    """Nobody answers now; try again in `retry_after` seconds."""

    status = 503
    code = "engine_unavailable"

    def __init__(self, message: str, *, retry_after: int = RETRY_S, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class Busy(Unavailable):
    status = 429
    code = "too_many_requests"


class Broken(Problem):
    """The answer broke off by a fault of the engine."""

    status = 500
    code = "engine_failed"


@dataclass(frozen=True)
class Delta:
    """Some words; the last one says how the answer ended and what it took."""

    text: str = ""
    finish: str = ""  # stop, length
    usage: Mapping[str, int] = field(default_factory=dict)


async def stream(deployment: Deployment, request: Mapping[str, Any]) -> AsyncIterator[Delta]:
    """The answer of a deployment (with its engine at hand) to {"messages", "max_tokens", "temperature", "top_p", "seed", "stop"}.

    Raises Problem for a request that the engine refuses, Unavailable and Busy when it cannot answer now, Broken in the middle.
    """
    require_ready(deployment)
    engine = deployment.engine
    headers = {"Authorization": f"Bearer {engine.token}"}
    body = {**request, "model": deployment.engine_model}
    has_ended = False
    try:
        async with _client().stream("POST", f"{engine.address}/generate", json=body, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise _refusal(response.status_code, await response.aread())
            async for line in response.aiter_lines():
                delta = _read(line)
                has_ended = bool(delta.finish)
                yield delta
    except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
        raise Unavailable(_("The engine does not answer; it is started again.")) from exc
    except httpx.HTTPError as exc:
        log.warning("engine %s: %s: %s", engine.pk, type(exc).__name__, exc)
        raise Broken(_("The engine broke off."), hint=_("Ask again in a few seconds.")) from exc
    if not has_ended:
        raise Broken(_("The engine broke off."), hint=_("Ask again in a few seconds."))


def require_ready(deployment: Deployment) -> None:
    """Raises Unavailable, with when to come back."""
    if deployment.is_ready and deployment.engine.address:
        return
    if deployment.status == Status.FAILED:
        hint = deployment.failure_message
        raise Unavailable(_("The deployment has failed."), retry_after=60, hint=hint, code="deployment_failed")
    if not deployment.is_wanted:
        raise Unavailable(_("The deployment is stopped."), retry_after=60, code="deployment_stopped")
    raise Unavailable(_("The deployment is starting."), code="deployment_starting")


def _client() -> httpx.AsyncClient:
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        timeout = httpx.Timeout(WORD_S, connect=CONNECT_S)
        _clients[loop] = httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False)
    return _clients[loop]


def _read(line: str) -> Delta:
    piece = json.loads(line)
    if piece.get("error"):
        raise Broken(str(piece["error"]))
    if not piece.get("done"):
        return Delta(text=str(piece["text"]))
    return Delta(finish=str(piece["finish"]), usage=piece["usage"])


def _refusal(status: int, content: bytes) -> Problem:
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        error = {}
    message = str(error.get("message") or _("The engine answered %(status)s.") % {"status": status})
    if status == httpx.codes.BAD_REQUEST:
        return Problem(message, field=str(error.get("code") or ""), hint=str(error.get("hint") or ""))
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Busy(_("Too many requests wait already."), retry_after=1)
    return Unavailable(_("The engine does not have this model yet."))
