"""Errors that a caller can mend: what, where, how to fix. One shape for the API and for pages (apps.core.answers)."""

from typing import Any


class Problem(Exception):
    """A request that cannot be served as it is. `field` is the place, `hint` the way out."""

    status: int = 400
    code = "invalid"

    def __init__(self, message: str, *, field: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message, self.field, self.hint = message, field, hint
        self.code = code or self.code

    def as_dict(self) -> dict[str, Any]:
        optional = {"field": self.field, "hint": self.hint}
        error = {"code": self.code, "message": self.message, **{k: v for k, v in optional.items() if v}}
        return {"error": error}


class Conflict(Problem):
    """Somebody else was first, or the object is in a state that forbids the step."""

    status = 409
    code = "conflict"


class Gone(Problem):
    """What was asked for is known, and was deleted for good."""

    status = 410
    code = "gone"


class TooLarge(Problem):
    status = 413
    code = "too_large"


class Busy(Problem):
    """The console cannot serve this now and will soon; `retry_after` in seconds."""

    status = 503
    code = "busy"
    retry_after = 2
