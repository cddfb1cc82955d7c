"""How long the rows of a version are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workers.formats.chat import TrainingRow
from workers.formats.forms import texts_of


class Statistics:
    """Sizes of the rows: totals and the greatest."""

    def __init__(self) -> None:
        self.turns = self.characters = self.answer_characters = self.most_turns = self.most_characters = (
            self.with_system
        ) = 0

    def add(self, row: TrainingRow) -> None:
        """Count one row in."""
        turns, characters = len(row.messages), 0 if row.messages else sum(map(len, texts_of(row)))
        for role, content in row.messages:
            characters += len(content)
            if role == "assistant":
                self.answer_characters += len(content)
        self.turns += turns
        self.characters += characters
        self.with_system += bool(row.messages) and row.messages[0].role == "system"
        self.most_turns = max(self.most_turns, turns)
        self.most_characters = max(self.most_characters, characters)

    def merge(self, figures: Mapping[str, int]) -> None:
        """Count in the figures of other rows."""
        for name, value in figures.items():
            mine = getattr(self, name)
            setattr(self, name, max(mine, value) if name.startswith("most_") else mine + value)

    def as_dict(self) -> dict[str, int]:
        """The figures by their names, as they stand on a version."""
        return dict(vars(self))


def amended(
    before: Mapping[str, int], gone: Iterable[TrainingRow], come: Iterable[TrainingRow]
) -> dict[str, int] | None:
    """The figures after some rows went and others came; None where a greatest one went, so that only a look at all rows can tell."""
    out, new = Statistics(), Statistics()
    for row in gone:
        out.add(row)
    for row in come:
        new.add(row)
    left, come_in, all_figures = out.as_dict(), new.as_dict(), dict(before)
    for name in left:
        if name.startswith("most_"):
            if left[name] and left[name] == before.get(name) and come_in[name] < left[name]:
                return None
            all_figures[name] = max(before.get(name, 0), come_in[name])
        else:
            all_figures[name] = before.get(name, 0) - left[name] + come_in[name]
    return all_figures
