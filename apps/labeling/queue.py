"""Verbs of people who label: take the next task, keep it, save a draft, submit, skip, flag, undo (apps.labeling.queueing)."""

from apps.labeling.queueing.answering import MAX_LEAD_TIME, flag, save_draft, skip, submit, undo_last
from apps.labeling.queueing.leases import LEASE, give_back_lapsed, keep, release_all
from apps.labeling.queueing.taking import MOST_HELD, Turn, next_turn, take_next

__all__ = [
    "LEASE", "MAX_LEAD_TIME", "MOST_HELD", "Turn", "flag", "give_back_lapsed", "keep", "next_turn", "release_all", "save_draft",
    "skip", "submit", "take_next", "undo_last",
]  # fmt: skip
