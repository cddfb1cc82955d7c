"""Where each node and line of a lineage stands: columns are stages, bands are turns of the ring. Pure; in pixels of the viewBox."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.overview.graph import Key, in_order

WIDTH, HEIGHT = 176, 56  # of a box
GAP_X, GAP_Y = 36, 28
HEAD, BAND = 36, 40  # above the first band; between two bands
MARGIN = 24
GUTTER = 14  # from a box to the line that passes it
Point = tuple[float, float]
Line = tuple[Key, Key]


@dataclass(frozen=True)
class Box:
    key: Key
    x: int
    y: int

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2


@dataclass(frozen=True)
class Path:
    line: Line
    d: str


@dataclass(frozen=True)
class Picture:
    boxes: list[Box]
    paths: list[Path]
    columns: list[int]  # where each heading begins
    width: int
    height: int


def draw(nodes: Iterable[Key], edges: Sequence[Line], column: Callable[[Key], int], columns: int) -> Picture:
    """Lay the graph out. `column` tells the stage of a node, from 0 to `columns` - 1."""
    order = in_order(nodes, edges)
    laps = _laps(order, edges, column)
    rows = _rows(order, edges, column, laps)
    tops = _tops(rows, laps)
    boxes = {key: Box(key, _x(column(key)), tops[laps[key]] + row * (HEIGHT + GAP_Y)) for key, row in rows.items()}
    paths = [Path(edge, _path(boxes, edge, laps, tops)) for edge in edges]
    lowest = max((box.y for box in boxes.values()), default=HEAD) + HEIGHT
    return Picture(
        list(boxes.values()), paths, [_x(n) for n in range(columns)], _x(columns) - GAP_X + MARGIN, lowest + MARGIN
    )


def _x(column: int) -> int:
    return MARGIN + column * (WIDTH + GAP_X)


def _laps(order: Sequence[Key], edges: Sequence[Line], column: Callable[[Key], int]) -> dict[Key, int]:
    """How often the ring was closed before a node came to be: a line back to an earlier stage begins a new turn."""
    laps: dict[Key, int] = {}
    for key in order:
        before = [source for source, target in edges if target == key and source in laps]
        laps[key] = max((laps[source] + (column(source) > column(key)) for source in before), default=0)
    return laps


def _rows(
    order: Sequence[Key], edges: Sequence[Line], column: Callable[[Key], int], laps: Mapping[Key, int]
) -> dict[Key, int]:
    """The row of each node in its band: beside what it came from, below what it came from in the same column."""
    rows: dict[Key, int] = {}
    for cell in sorted({(laps[key], column(key)) for key in order}):
        free = 0
        for key in _cell_order([k for k in order if (laps[k], column(k)) == cell], edges, rows):
            wanted = [rows[s] for s, target in edges if target == key and s in rows and laps[s] == laps[key]]
            rows[key] = max(free, round(sum(wanted) / len(wanted)) if wanted else 0)
            free = rows[key] + 1
    return rows


def _cell_order(cell: Sequence[Key], edges: Sequence[Line], rows: Mapping[Key, int]) -> list[Key]:
    """The nodes of one column and band: what came from another stands right below it."""
    inside = [(source, target) for source, target in edges if source in cell and target in cell]

    def height(key: Key) -> float:
        above = [rows[source] for source, target in edges if target == key and source in rows]
        return sum(above) / len(above) if above else 0

    done: list[Key] = []
    stack = sorted((k for k in cell if all(target != k for _s, target in inside)), key=height, reverse=True)
    while stack:
        key = stack.pop()
        if key in done:
            continue
        done.append(key)
        below = [target for source, target in inside if source == key]
        stack += [k for k in reversed(below) if all(s in done for s, target in inside if target == k)]
    return done + [key for key in cell if key not in done]


def _tops(rows: Mapping[Key, int], laps: Mapping[Key, int]) -> dict[int, int]:
    """Where each band begins."""
    tops, top = {}, HEAD
    for lap in range(max(laps.values(), default=0) + 1):
        tops[lap] = top
        count = max((row for key, row in rows.items() if laps[key] == lap), default=-1) + 1
        top += count * (HEIGHT + GAP_Y) - GAP_Y + BAND
    return tops


def _path(boxes: Mapping[Key, Box], edge: Line, laps: Mapping[Key, int], tops: Mapping[int, int]) -> str:
    source, target = boxes[edge[0]], boxes[edge[1]]
    if laps[edge[0]] != laps[edge[1]] or target.x < source.x:
        return _around(source, target, tops[laps[edge[1]]] - BAND // 2)
    if target.x == source.x:
        return _within(source, target, boxes.values())
    if target.x - source.x > WIDTH + GAP_X:
        return _around(source, target, target.y - GAP_Y // 2)
    start, end, half = source.x + WIDTH, target.x - 2, GAP_X / 2
    return f"M{start} {source.middle}C{start + half} {source.middle} {end - half} {target.middle} {end} {target.middle}"


def _within(source: Box, target: Box, boxes: Iterable[Box]) -> str:
    """A line inside a column: straight to the neighbour, else along the left side."""
    low, high = sorted((source.y, target.y))
    middle = source.x + WIDTH // 2
    if not any(box.x == source.x and low < box.y < high for box in boxes):
        return (
            f"M{middle} {source.y + HEIGHT}V{target.y - 2}"
            if target.y > source.y
            else f"M{middle} {source.y}V{target.y + HEIGHT + 2}"
        )
    left = source.x - GUTTER
    return rounded(
        [(source.x, source.middle), (left, source.middle), (left, target.middle), (target.x - 2, target.middle)]
    )


def _around(source: Box, target: Box, corridor: float) -> str:
    """Out to the right, along a corridor that no box stands in, and in from the left."""
    right, left = source.x + WIDTH + GUTTER, target.x - GUTTER
    turns: list[Point] = [(right, source.middle), (right, corridor), (left, corridor), (left, target.middle)]
    return rounded([(source.x + WIDTH, source.middle), *turns, (target.x - 2, target.middle)])


def rounded(points: Sequence[Point], radius: float = 8) -> str:
    """A path along straight lines with round corners. Lines are horizontal or vertical."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{into[0]:g} {into[1]:g}Q{corner[0]:g} {corner[1]:g} {out[0]:g} {out[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _towards(start: Point, end: Point, distance: float) -> Point:
    """The point `distance` away from `start` on the way to `end`, at most half of the way."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = abs(dx) + abs(dy)
    part = min(distance / length, 0.5) if length else 0
    return (start[0] + dx * part, start[1] + dy * part)
