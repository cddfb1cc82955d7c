"""Hears the doorbell: what would have been sent to open pages."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class Rings:
    """Messages in the order of sending, and a block at whose end the test's transaction counts as committed."""

    def __init__(self, capture: Callable[..., AbstractContextManager[Any]]) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._capture = capture

    def note(self, topic: str, message: dict[str, Any]) -> bool:
        self.heard.append((topic, message))
        return True

    def on_commit(self) -> AbstractContextManager[Any]:
        return self._capture(execute=True)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for _topic, message in self.heard if message["type"] == kind]
