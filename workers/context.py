"""What a program is given: its spec, a reporter, and the wishes of its supervisor."""

import enum
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.failures import Interrupted
from workers.reporter import Reporter

LOOK_EVERY_S = 0.2


class Wish(enum.IntEnum):
    """What the program is asked to do; a greater wish overrides a smaller one."""

    CONTINUE = 0
    STOP_AND_SAVE = 1  # a person wants the result as it is now
    LEAVE = 2  # SIGTERM: save, leave, go on elsewhere
    CANCEL = 3  # leave, keep nothing more


@dataclass(frozen=True)
class Spec:
    """One attempt at one job, as the supervisor wrote it down."""

    program: str
    folder: Path
    job: str = "by-hand"
    epoch: int = 1
    first_seq: int = 1
    supervisor_pid: int | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """Read a spec file. Only `program` is required; `folder` defaults to the folder of the file."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        known = {name: raw[name] for name in cls.__dataclass_fields__ if name in raw}
        known["folder"] = Path(raw.get("folder") or path.resolve().parent)
        return cls(**known)


class Inbox:
    """The commands appended to `control.jsonl`, each seen once. Cheap to ask: the file is looked at 5 times a second."""

    def __init__(self, path: Path) -> None:
        self._path, self._position, self._next_look = path, 0, 0.0

    def take(self) -> list[dict[str, Any]]:
        """The commands that are new since the last call."""
        now = time.monotonic()
        if now < self._next_look:
            return []
        self._next_look = now + LOOK_EVERY_S
        try:
            if self._path.stat().st_size <= self._position:
                return []
            with open(self._path, "rb") as source:
                source.seek(self._position)
                whole, _newline, _rest = source.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._position += len(whole) + 1 if whole else 0
        return [json.loads(line) for line in whole.splitlines() if line.strip()]


class Context:
    """The one argument of every program's `main`."""

    def __init__(self, spec: Spec, reporter: Reporter) -> None:
        self.spec, self.reporter = spec, reporter
        self.wish = Wish.CONTINUE
        self._inbox = Inbox(spec.folder / "control.jsonl")
        self._messages: list[dict[str, Any]] = []

    @property
    def folder(self) -> Path:
        """The job's folder, which outlives this attempt."""
        return self.spec.folder

    def ask(self, wish: Wish) -> None:
        """Note a wish (from a signal or a command); it never weakens."""
        self.wish = max(self.wish, wish)

    def should_stop(self) -> Wish:
        """The strongest wish so far. Cheap enough for every step."""
        for command in self._inbox.take():
            name = command.get("command")
            if name == "stop_and_save":
                self.ask(Wish.STOP_AND_SAVE)
            elif name == "cancel":
                self.ask(Wish.CANCEL)
            elif name == "message":
                self._messages.append(command)
        return self.wish

    def take_messages(self) -> list[dict[str, Any]]:
        """The messages that came in since the last call, oldest first."""
        self.should_stop()
        messages, self._messages = self._messages, []
        return messages

    def check(self) -> None:
        """Between two pieces of work: raise Interrupted when the program is to leave or is cancelled."""
        wish = self.should_stop()
        if wish >= Wish.LEAVE:
            raise Interrupted(wish.name.lower())
