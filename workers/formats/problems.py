"""What can be wrong with a row (it goes to the quarantine) or with a whole file (it is refused)."""

from __future__ import annotations

from dataclasses import dataclass

EXCERPT = 16_384  # characters of raw text kept beside a problem


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that cannot be used. `line` is 1-based (in Parquet, the row number); `code` groups equal reasons."""

    line: int
    code: str
    reason: str
    raw: str = ""

    def as_dict(self) -> dict[str, object]:
        """The line of quarantine.jsonl for this row; "cut" says that its text is longer than what is kept."""
        kept = {"line": self.line, "code": self.code, "reason": self.reason, "raw": excerpt(self.raw)}
        return {**kept, "cut": True} if len(self.raw) > EXCERPT or self.code == "line_too_long" else kept

    def moved(self, line: int) -> Problem:
        """The same problem on another line."""
        return Problem(line, self.code, self.reason, self.raw)


class RowFault(Exception):
    """Raised while one row is read or mapped; readers turn it into a `Problem` with the line."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason

    def at(self, line: int, raw: str = "") -> Problem:
        """The same fault as a row of the quarantine."""
        return Problem(line, self.code, self.reason, raw)


class FileRefused(Exception):
    """The file as a whole cannot be used. `line` is 0 when the place is the whole file."""

    def __init__(self, code: str, message: str, *, hint: str = "", line: int = 0, field: str = "file") -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.line, self.field = code, message, hint, line, field

    def as_dict(self) -> dict[str, object]:
        """Plain values for the JSON answer of the preview."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "line": self.line, "field": self.field}


def excerpt(text: str, limit: int = EXCERPT) -> str:
    """The beginning of `text`, safe to store: no NUL, no lone surrogates, at most `limit` characters."""
    cut = text[:limit].replace("\0", "\N{SYMBOL FOR NULL}")
    return cut.encode("utf-8", "replace").decode("utf-8")
