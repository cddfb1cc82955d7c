"""Celery's consumer, which looks for a lost broker every 2 s however long it is away (the library's own: up to every 30 s)."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer


class SteadyConsumer(Consumer):
    """A console whose broker comes back goes on at once, also after a long night."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(conn.ensure_connection, interval_step=0)
        return super().ensure_connected(conn)
