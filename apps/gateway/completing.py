"""One call of /v1/chat/completions on its way: what was asked, who answers, and how the words go out."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

from apps.core.errors import Problem
from apps.gateway import metrics, resolving, shapes
from apps.gateway.asked import Asked
from apps.gateway.callers import Caller
from apps.gateway.resolving import Target
from apps.serving import asking, exchanges
from apps.serving.engine import Delta
from apps.serving.models import Exchange

CLIENT_LEFT = 499  # nginx's word for it; no client sees it
OUR_FAULT = 500


class Call:
    """Counted once, whatever becomes of it."""

    asked: Asked
    exchange: Exchange

    def __init__(self, route: str) -> None:
        self._route, self._began = route, time.monotonic()
        self._target: Target | None = None
        self._is_counted = False

    def begin(self, caller: Caller, asked: Asked, *, session: str) -> None:
        """Find who answers and write the question down. Raises Problem."""
        unit = asked.user or session  # without either an arm is drawn for this request alone
        target = resolving.resolve(caller.workspace, asked.model, unit)
        self.asked, self._target = asked, target
        self.exchange = exchanges.begin(
            deployment=target.deployment, request=asked.request, unit=unit, asked_as=asked.model,
            is_stream=asked.is_stream, actor=caller.user, api_key=caller.key, **target.chosen,
        )  # fmt: skip

    async def plain(self) -> HttpResponse:
        """The whole answer at once."""
        said, last = list[str](), Delta()
        async with aclosing(asking.answers(self.exchange)) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                said.append(delta.text)
                last = delta
        self._count(200)
        body = shapes.completion(self._head(), "".join(said), last.finish, last.usage)
        return JsonResponse(body, headers=self._headers())

    async def streamed(self) -> StreamingHttpResponse:
        """The words as they come. What fails before the first of them has a status of its own."""
        deltas = asking.answers(self.exchange)
        first = await anext(deltas)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **self._headers()}
        return StreamingHttpResponse(self._events(first, deltas), content_type="text/event-stream", headers=headers)

    async def _events(self, first: Delta, rest: AsyncIterator[Delta]) -> AsyncIterator[bytes]:
        head, with_usage = self._head(), self.asked.with_usage
        try:
            yield shapes.chunk(head, {"role": "assistant", "content": ""}, with_usage=with_usage)
            async with aclosing(_after(first, rest)) as deltas:  # type: ignore[type-var]
                async for delta in deltas:
                    if delta.text:
                        yield shapes.chunk(head, {"content": delta.text}, with_usage=with_usage)
                    if delta.finish:
                        yield shapes.chunk(head, {}, delta.finish, with_usage=with_usage)
                        if with_usage:
                            yield shapes.usage_chunk(head, delta.usage)
            self._count(200)
            yield shapes.DONE
        except Problem as problem:  # too late for a status: an error frame, and the end without [DONE]
            self._count(problem.status)
            yield shapes.event(shapes.error(problem, problem.status))
        except BaseException as exc:
            self.note_end(exc)
            raise

    def note_end(self, exc: BaseException) -> None:
        """Count a call that ended otherwise than by its answer."""
        if isinstance(exc, asyncio.CancelledError | GeneratorExit):
            self._count(CLIENT_LEFT)
        else:
            self._count(exc.status if isinstance(exc, Problem) else OUR_FAULT)

    def _count(self, status: int) -> None:
        if self._is_counted:
            return
        self._is_counted = True
        deployment, arm = (self._target.deployment, self._target.label) if self._target else (None, "")
        seconds = time.monotonic() - self._began
        metrics.count(deployment, arm=arm, route=self._route, status=status, seconds=seconds)

    def _head(self) -> dict[str, Any]:
        created = int(self.exchange.created_at.timestamp())
        return {"id": self.exchange.public_id, "created": created, "model": self.asked.model}

    def _headers(self) -> dict[str, str]:
        arm = self._target.arm if self._target else ""
        return {"X-Tuneloop-Arm": arm} if arm else {}


async def _after(first: Delta, rest: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
    async with aclosing(rest) as deltas:  # type: ignore[type-var]
        yield first
        async for delta in deltas:
            yield delta
