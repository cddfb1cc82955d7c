"""Whose turn it is when several workspaces wait, and how much machine time counts. Pure: no Django."""

import heapq
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Span = tuple[datetime, datetime]  # start and end of one use of a slot
HALF_LIFE = 6 * 3600.0  # seconds after which a minute of use counts half
WINDOW = 7 * HALF_LIFE  # what is older counts less than a hundredth and is not read


def decayed_minutes(spans: Iterable[Span], *, now: datetime, half_life: float = HALF_LIFE) -> float:
    """Slot-minutes of `spans`, each moment weighed by 0.5 ** (its age / half_life): the integral over every span."""
    rate = math.log(2) / half_life
    total = 0.0
    for start, end in spans:
        old, young = (now - start).total_seconds(), max((now - end).total_seconds(), 0.0)
        total += max(math.exp(-rate * young) - math.exp(-rate * old), 0.0) / rate
    return total / 60


def minutes_within(spans: Iterable[Span], *, since: datetime, until: datetime) -> float:
    """Slot-minutes of `spans` that lie between two moments."""
    inside = ((min(end, until) - max(start, since)).total_seconds() for start, end in spans)
    return sum(max(seconds, 0.0) for seconds in inside) / 60


def in_turn(
    lines: Mapping[K, Sequence[T]],
    *,
    used: Mapping[K, float],
    weights: Mapping[K, float],
    cost: Callable[[T], float] = lambda _job: 1.0,
) -> Iterator[T]:
    """The jobs of all lines in the order in which slots should take them.

    The next job is the first of the line whose use divided by its weight is least; then its `cost` (minutes, above 0) is added
    to that line's use. Of equal lines the one named first in `lines` comes first. Within a line nothing changes places.
    """
    order = [(used.get(key, 0.0) / weights.get(key, 1.0), rank, key, 0) for rank, key in enumerate(lines) if lines[key]]
    heapq.heapify(order)
    while order:
        use, rank, key, place = heapq.heappop(order)
        job = lines[key][place]
        yield job
        if place + 1 < len(lines[key]):
            heapq.heappush(order, (use + cost(job) / weights.get(key, 1.0), rank, key, place + 1))
