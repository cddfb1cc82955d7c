"""The cleaning recipe: its steps, and what becomes of a row. Preview and job are this one code.

Modules of steps register what they bring when they are imported, which happens here; the order is that of the lists on pages.
"""

from workers import leaks  # noqa: F401 (it registers a step, as do those that follow)
from workers.cleaning import (  # noqa: F401
    balance,
    duplicates,
    languages,
    privacy,
    rules,
    spelling,
    templates,
    texts,
    values,
    words,
)
from workers.cleaning.base import (
    REGISTRY,
    Dropped,
    Facts,
    Option,
    RowStep,
    Step,
    StepKind,
    TableStep,
    as_list,
    form_after,
    read_steps,
    register,
)
from workers.cleaning.engine import (
    EMPTIED,
    SPLIT,
    Cleaned,
    Cleaning,
    Item,
    Line,
    StepCount,
    Tally,
    cleaned_row,
    names_of,
)

STEPS = ("html", "unicode", "whitespace", "length", "duplicates")
PARTS = ("answer", "conversation")
DUPLICATES = ("conversation", "question")

__all__ = [
    "DUPLICATES",
    "EMPTIED",
    "PARTS",
    "REGISTRY",
    "SPLIT",
    "STEPS",
    "Cleaned",
    "Cleaning",
    "Dropped",
    "Facts",
    "Item",
    "Line",
    "Option",
    "RowStep",
    "Step",
    "StepCount",
    "StepKind",
    "TableStep",
    "Tally",
    "as_list",
    "cleaned_row",
    "duplicates",
    "form_after",
    "names_of",
    "read_steps",
    "register",
    "texts",
]  # fmt: skip
