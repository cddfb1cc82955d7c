"""How good the rows of a version are: its profile, the limits of its dataset, and the gate before training."""

from apps.datasets.quality.board import OVERRIDE, attach_broken, broken_of, note_override, require_good, told

__all__ = ["OVERRIDE", "attach_broken", "broken_of", "note_override", "require_good", "told"]
