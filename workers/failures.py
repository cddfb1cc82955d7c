"""What went wrong, in words a person can act on.

Every way a program can end badly is one of a few classes; each carries one sentence of advice. No torch import: classes of
other libraries are recognised by name and text.
"""

import errno
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EXIT_USER_ERROR = 2
EXIT_FAILED = 3
EXIT_INTERRUPTED = 75
EXIT_AGAIN = 76  # the runner starts the program anew, in a fresh process

USER_ERROR = "user_error"
OUT_OF_MEMORY = "out_of_memory"
NAN = "nan"
DISK_FULL = "disk_full"
CRASHED = "crashed"

_DISK_ERRNOS = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_DISK_WORDS = ("no space left on device", "file too large", "disk quota exceeded", "os error 28", "os error 27")
_MEMORY_WORDS = (
    "out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "std::bad_alloc", "unable to allocate",
)  # fmt: skip
_ADVICE = {
    OUT_OF_MEMORY: "Halve the batch size and double gradient accumulation, or lower the maximum length; LoRA needs less than full.",
    DISK_FULL: "Free space under the data folder or save checkpoints less often; the last good checkpoint is kept and resumed.",
    CRASHED: "Read the last lines of the log; if they do not help, report them: this is a fault of the program, not of your data.",
}


class UserError(Exception):
    """Something the person can correct: a setting, a row, a model. `field` names the setting it is about."""

    def __init__(self, message: str, hint: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.field = message, hint, field


class NonFinite(Exception):
    """A loss or gradient that is no longer a number, or beyond the limit that was set. The run cannot recover."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Interrupted(Exception):
    """The program was asked to leave (fence, deploy, cancel) and did; the job is not over for that reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StartAgain(Exception):
    """The program wants to go on in a fresh process, with what it has written down."""


@dataclass(frozen=True)
class Failure:
    """The payload of a `failure` event, and the exit code that goes with it."""

    failure_class: str
    message: str
    hint: str
    field: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_USER_ERROR if self.failure_class == USER_ERROR else EXIT_FAILED

    def as_event(self) -> dict[str, Any]:
        """The fields of the event, `field` only when known."""
        fields = {"class": self.failure_class, "message": self.message, "hint": self.hint}
        return fields | ({"field": self.field} if self.field else {})


def classify(exc: BaseException) -> Failure:
    """The failure an exception stands for, looking through its causes (a full disk often arrives wrapped)."""
    for link in _chain(exc):
        if isinstance(link, UserError):
            return Failure(USER_ERROR, link.message, link.hint, link.field)
        if isinstance(link, NonFinite):
            return Failure(NAN, link.message, link.hint)
        if _is_disk_full(link):
            return Failure(DISK_FULL, "The disk is full.", _ADVICE[DISK_FULL])
        if _is_out_of_memory(link):
            return Failure(OUT_OF_MEMORY, f"Not enough memory: {first_line(link)}", _ADVICE[OUT_OF_MEMORY])
    return Failure(CRASHED, f"{type(exc).__name__}: {first_line(exc)}", _ADVICE[CRASHED])


def traceback_tail(exc: BaseException, lines: int = 12) -> str:
    """The last lines of the traceback, for the log."""
    text = "".join(traceback.format_exception(exc))
    return "\n".join(text.splitlines()[-lines:])


def first_line(exc: BaseException, limit: int = 300) -> str:
    """The first line of an exception's text, cut to `limit` characters; its class when it has none."""
    lines = str(exc).strip().splitlines()
    return lines[0][:limit] if lines else type(exc).__name__


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = exc
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _is_disk_full(exc: BaseException) -> bool:
    if isinstance(exc, OSError):
        return exc.errno in _DISK_ERRNOS
    return "Safetensor" in type(exc).__name__ and any(word in str(exc).lower() for word in _DISK_WORDS)


def _is_out_of_memory(exc: BaseException) -> bool:
    if isinstance(exc, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(exc).__mro__):
        return True
    if isinstance(exc, OSError) and exc.errno == errno.ENOMEM:
        return True
    return isinstance(exc, RuntimeError | ImportError) and any(word in str(exc).lower() for word in _MEMORY_WORDS)
