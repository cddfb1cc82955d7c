"""What a run can be taught to do. No torch: web pages use this table; `workers.objectives.<name>` holds the code of each.

An objective says which forms of rows it learns from, which head its model has, and whether what comes out writes text. To add one:
an entry here and a module beside this one with a `Task` (see `task.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Objective:
    """One entry of the table."""

    name: str
    label: str
    help: str
    forms: tuple[str, ...]  # of the dataset versions it learns from
    writes_text: bool = True  # what comes out can chat, be served and be judged by its answers
    needs_chat_template: bool = False
    methods: tuple[str, ...] = ()  # those that work with it; () means all
    models: tuple[str, ...] = ("causal",)  # kinds of base model that it starts from


_ALL = (
    Objective(
        "chat",
        "Chat and instructions",
        "Learn the assistant's answers in conversations; the loss is on the answers only.",
        forms=("chat", "preference"),  # of preference pairs the chosen answers are learned
        needs_chat_template=True,
    ),
)
OBJECTIVES: Mapping[str, Objective] = {objective.name: objective for objective in _ALL}
