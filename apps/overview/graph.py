"""Walking up and down what was made from what. Pure: it asks for neighbours and knows no table."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Key = tuple[str, str]  # kind, id
Way = Literal["up", "down"]
MOST = 120  # nodes of one picture


@dataclass(frozen=True)
class Group:
    """Neighbours of one kind on one side: those to be shown, and how many there are in all."""

    kind: str
    keys: tuple[Key, ...]
    total: int


@dataclass(frozen=True)
class Fold:
    """The neighbours of a node that are not shown."""

    of: Key
    kind: str
    count: int
    way: Way


@dataclass
class Graph:
    """What was found: each node with the side it lies on ("focus", "up": the focus came from it, "down": it came from the focus)."""

    focus: Key
    sides: dict[Key, str] = field(default_factory=dict)
    edges: list[tuple[Key, Key]] = field(default_factory=list)
    folds: list[Fold] = field(default_factory=list)
    is_cut: bool = False

    def parents(self, key: Key) -> list[Key]:
        return [source for source, target in self.edges if target == key]

    def join(self, source: Key, target: Key) -> None:
        if source != target and (source, target) not in self.edges:
            self.edges.append((source, target))


Neighbours = Callable[[Key, Way], Iterable[Group]]


def walk(focus: Key, neighbours: Neighbours, *, ways: Sequence[Way] = ("up", "down"), most: int = MOST) -> Graph:
    """All that the focus came from and all that came from it, breadth first; never both up and down again, never twice."""
    graph = Graph(focus, {focus: "focus"})
    for way in ways:
        seen, waiting = {focus}, deque([focus])
        while waiting:
            here = waiting.popleft()
            for group in neighbours(here, way):
                for key in _take(graph, here, group, way, most):
                    if key not in seen:
                        seen.add(key)
                        waiting.append(key)
    return graph


def _take(graph: Graph, here: Key, group: Group, way: Way, most: int) -> list[Key]:
    """Write the neighbours of a group down as far as there is room."""
    taken = []
    for key in group.keys:
        if key not in graph.sides and len(graph.sides) >= most:
            graph.is_cut = True
            continue
        graph.sides.setdefault(key, way)
        graph.join(*((key, here) if way == "up" else (here, key)))
        taken.append(key)
    if group.total > len(group.keys):
        graph.folds.append(Fold(here, group.kind, group.total - len(group.keys), way))
    return taken


def in_order(nodes: Iterable[Key], edges: Iterable[tuple[Key, Key]]) -> list[Key]:
    """Every node after those it came from; should there be a ring after all, its nodes come in the order given."""
    left, known = list(nodes), list(edges)
    done: dict[Key, None] = {}
    while left:
        ready = [key for key in left if all(s in done or s not in left for s, target in known if target == key)]
        for key in ready or left[:1]:
            done[key] = None
        left = [key for key in left if key not in done]
    return list(done)


def without_detours(
    edges: Sequence[tuple[Key, Key]], is_weak: Callable[[tuple[Key, Key]], bool]
) -> list[tuple[Key, Key]]:
    """The edges without the weak ones whose ends a longer path joins anyway."""
    kept = list(edges)
    for edge in edges:
        others = [other for other in kept if other != edge]
        if is_weak(edge) and reaches(others, *edge):
            kept = others
    return kept


def reaches(edges: Sequence[tuple[Key, Key]], source: Key, target: Key) -> bool:
    seen, waiting = {source}, [source]
    while waiting:
        here = waiting.pop()
        if here == target:
            return True
        further = {end for start, end in edges if start == here} - seen
        seen |= further
        waiting += further
    return False
