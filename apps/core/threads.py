"""Calls of the database from asynchronous code, which may go on for minutes: the connection goes back after each of them."""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(work: Callable[P, R], *, thread_sensitive: bool = True) -> Callable[P, Coroutine[Any, Any, R]]:
    """`work` to be awaited. What streams an answer must not hold one of the process's connections all the while."""

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        finally:
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()

    return sync_to_async(run, thread_sensitive=thread_sensitive)
