"""Breadth-first search through the model of the job protocol, to closure or to the first broken promise."""

import gc
from dataclasses import dataclass

from tests.jobs.protocol_model import ENDED, Design, Scope, State, broken_promise, changes_the_end, starts
from tests.jobs.protocol_moves import moves


@dataclass(frozen=True)
class Verdict:
    """Outcome of one exploration: `broken` is the promise that failed ("" = none), `trace` the shortest way there."""

    states: int
    broken: str
    trace: tuple[str, ...] = ()


def explore(design: Design, scope: Scope) -> Verdict:
    """Visit every state. Stops at the first broken promise; I4 is judged on the closed graph."""
    collecting = gc.isenabled()
    gc.disable()  # hundreds of thousands of small tuples and no cycles: looking for garbage would double the time
    try:
        return _search(design, scope)
    finally:
        if collecting:
            gc.enable()


def _search(design: Design, scope: Scope) -> Verdict:
    seen: dict[State, int] = {s: i for i, s in enumerate(starts())}
    order, parents = list(seen), [(-1, "")] * len(seen)
    back: list[list[int]] = [[] for _ in order]
    for here, state in enumerate(order):
        for name, new in moves(state, design, scope):
            there = seen.get(new)
            if there is None:
                there = seen[new] = len(order)
                order.append(new)
                parents.append((here, name))
                back.append([])
            if not name.startswith(("fault", "user")):
                back[there].append(here)
            broken = "I3" if changes_the_end(state, new) else ""
            broken = broken or (broken_promise(new, scope) if there == len(order) - 1 else "")
            if broken:
                return Verdict(len(order), broken, (*_trace(parents, here), name))
    stuck = _never_ends(order, back)
    return Verdict(len(order), "I4" if stuck >= 0 else "", _trace(parents, stuck))


def _never_ends(order: list[State], back: list[list[int]]) -> int:
    """Index of the first state from which no end can be reached by the system and repairs alone, or -1."""
    reached = [s.status in ENDED for s in order]
    todo = [i for i, ok in enumerate(reached) if ok]
    while todo:
        for before in back[todo.pop()]:
            if not reached[before]:
                reached[before] = True
                todo.append(before)
    return reached.index(False) if False in reached else -1


def _trace(parents: list[tuple[int, str]], at: int) -> tuple[str, ...]:
    steps = []
    while at >= 0:
        at, name = parents[at]
        steps.append(name)
    return tuple(reversed(steps[:-1]))
