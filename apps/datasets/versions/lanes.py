"""The line of versions as a picture: for each row of a list, newest first, the strokes that join a version with its parent."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

WIDTH = 14  # of a lane
MOST_LANES = 8  # the picture grows no wider; what is beyond is drawn in the last


@dataclass(frozen=True, slots=True)
class Strokes:
    """What one row shows in a box of `width` x 100: lines as SVG paths, and where its own dot is."""

    paths: list[str]
    dot: int
    lanes: int

    @property
    def width(self) -> int:
        return WIDTH * self.lanes


def draw(versions: Sequence[tuple[Hashable, Hashable | None]]) -> list[Strokes]:
    """Strokes for (id, id of the parent) of each version; children stand before their parents. Parents that are not listed are
    not drawn."""
    known = {version for version, _parent in versions}
    lanes, rows, widest = list[Hashable | None](), list[tuple[list[str], int]](), 1
    for version, parent in versions:
        joining = [number for number, waits in enumerate(lanes) if waits == version]
        mine = joining[0] if joining else next((n for n, waits in enumerate(lanes) if waits is None), len(lanes))
        if mine == len(lanes):
            lanes.append(None)
        paths = [
            _stroke(n, mine if n in joining else n, half=n in joining)
            for n, waits in enumerate(lanes)
            if waits is not None
        ]
        for number in joining:
            lanes[number] = None
        lanes[mine] = parent if parent in known else None
        if lanes[mine] is not None:
            paths.append(f"M{_x(mine)} 50V100")
        rows.append((paths, _x(mine)))
        widest = max(widest, len(lanes))
    return [Strokes(paths, dot, min(widest, MOST_LANES)) for paths, dot in rows]


def _x(lane: int) -> int:
    return WIDTH * min(lane, MOST_LANES - 1) + WIDTH // 2


def _stroke(lane: int, to: int, *, half: bool) -> str:
    """From the top of the row down in its lane; to the dot of lane `to` where a child's line ends there."""
    if not half:
        return f"M{_x(lane)} 0V100"
    return f"M{_x(lane)} 0V50" if lane == to else f"M{_x(lane)} 0C{_x(lane)} 40 {_x(to)} 20 {_x(to)} 50"
