"""Text for spreadsheets, which take some of it for formulas and run them (OWASP, CSV injection)."""

import csv
import io
from collections.abc import Iterable
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(value: Any) -> str:
    """Text that no spreadsheet runs."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) or text.startswith(DANGEROUS) else text


def line(values: Iterable[Any], separator: str = ",") -> str:
    """A line of CSV: numbers as they are, everything else as safe text."""
    buffer = io.StringIO()
    is_number = (int, float)
    csv.writer(buffer, delimiter=separator).writerow(
        [value if isinstance(value, is_number) else safe(value) for value in values]
    )
    return buffer.getvalue()
