"""One question to a deployment from start to end: logged, streamed, and closed in the log however it ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any

from apps.core.errors import Problem
from apps.core.threads import in_thread
from apps.serving import engine, exchanges
from apps.serving.engine import Delta
from apps.serving.models import Exchange, ExchangeStatus

KEEP_EVERY_S = 2.0
_closing: set[asyncio.Task[Any]] = set()  # a task that nobody holds may be collected in the middle


async def answers(exchange: Exchange) -> AsyncIterator[Delta]:
    """The words of the answer to an exchange that was just begun. Whoever stops reading ends it as cancelled; what was said
    until then is kept. Raises what `engine.stream` raises."""
    began, said = time.monotonic(), list[str]()
    status: str = ExchangeStatus.CANCELLED
    told: dict[str, Any] = {}
    keeping = asyncio.ensure_future(_keep(exchange, said))
    try:
        async with aclosing(engine.stream(exchange.deployment, exchange.request)) as deltas:  # type: ignore[type-var]
            async for delta in deltas:
                if delta.text and not said:
                    told["ttft_ms"] = _ms_since(began)
                said.append(delta.text)
                if delta.finish:
                    status = ExchangeStatus.SUCCEEDED
                    told |= {"finish": delta.finish, **_counts(delta)}
                yield delta
    except Problem as problem:
        status = ExchangeStatus.FAILED
        told["error"] = " ".join(filter(None, [problem.message, problem.hint]))
        raise
    except Exception as exc:
        status, told["error"] = ExchangeStatus.FAILED, f"{type(exc).__name__}: {exc}"[:2000]
        raise
    finally:
        keeping.cancel()
        end = {"answer": _storable(said), "latency_ms": _ms_since(began), **told}
        await to_the_end(in_thread(exchanges.close)(exchange, status, **end))


async def _keep(exchange: Exchange, said: list[str]) -> None:
    """As long as the answer goes on: a sign of life, and its words so far."""
    while True:
        await asyncio.sleep(KEEP_EVERY_S)
        await in_thread(exchanges.keep)(exchange, _storable(said))


def _storable(said: list[str]) -> str:
    return "".join(said).replace("\0", "\ufffd")


async def to_the_end(work: Coroutine[Any, Any, Any]) -> None:
    """Wait for work that goes on even when we are cancelled."""
    task = asyncio.ensure_future(work)
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    await asyncio.shield(task)


def _ms_since(moment: float) -> int:
    return int((time.monotonic() - moment) * 1000)


def _counts(delta: Delta) -> dict[str, int]:
    return {name: int(delta.usage[name]) for name in ("prompt_tokens", "completion_tokens") if name in delta.usage}
