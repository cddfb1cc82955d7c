"""The lineage of one object: read from the tables as far as the person may see them, walked by `graph`, laid out by `picture`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.http import Http404
from django.urls import reverse

from apps.accounts.models import User
from apps.core.models import LedgerEntry
from apps.overview import events, picture
from apps.overview.graph import Fold, Graph, Group, Key, Way, in_order, walk, without_detours
from apps.overview.links import COLUMNS, KINDS, LINKS, Kind, Link

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

FAN = 4  # siblings of one kind that are shown beside each other
FAN_WIDE = 40
PEOPLE_LINES = 400
WAYS: dict[str, tuple[Way, ...]] = {"both": ("up", "down"), "up": ("up",), "down": ("down",)}


@dataclass(frozen=True)
class Node:
    kind: str
    id: str
    label: "StrPromise"
    name: str
    note: str
    url: str
    icon: str
    who: str
    at: datetime
    side: str
    is_live: bool

    @property
    def lineage_url(self) -> str:
        return reverse("overview:lineage", args=[self.kind, self.id])


@dataclass(frozen=True)
class More:
    """What was folded: so many more of a kind beside a node."""

    of: Node
    kind: str
    label: "StrPromise"
    count: int
    way: Way


@dataclass(frozen=True)
class Person:
    who: str
    initials: str
    email: str
    deeds: list[str]


@dataclass(frozen=True)
class Lineage:
    focus: Node
    nodes: list[Node]
    edges: list[tuple[Key, Key]]
    more: list[More]
    is_cut: bool


class Reader:
    """Rows of the tables, each read once, and only those that the person may see."""

    def __init__(self, user: Any, fan: int) -> None:
        self.user, self.fan = user, fan
        self.rows: dict[Key, Any] = {}
        self.start: Key | None = None

    def focus(self, kind: str, pk: Any) -> Key:
        """Raises Http404."""
        if kind not in KINDS:
            raise Http404
        try:
            row = KINDS[kind].visible_to(self.user).filter(pk=pk).first()
        except (ValidationError, ValueError):
            row = None
        if row is None:
            raise Http404
        self.start = self._note(KINDS[kind], row)
        return self.start

    def neighbours(self, key: Key, way: Way) -> Iterator[Group]:
        for link in LINKS:
            here, there = (link.child, link.parent) if way == "up" else (link.parent, link.child)
            if here == key[0] and link.is_choice and way == "up" and key != self.start:
                yield self._known(KINDS[there], link, self.rows[key])
            elif here == key[0]:
                yield self._group(KINDS[there], link, self.rows[key], way)

    def _known(self, kind: Kind, link: Link, row: Any) -> Group:
        """Parents that something else led to before."""
        known = [key[1] for key in self.rows if key[0] == kind.name]
        wanted = link.up(row)
        found = kind.model._default_manager.filter(pk__in=known).filter(**wanted) if wanted else ()
        keys = tuple((kind.name, str(one.pk)) for one in found)
        return Group(kind.name, keys, len(keys))

    def _group(self, kind: Kind, link: Link, row: Any, way: Way) -> Group:
        wanted = link.up(row) if way == "up" else link.down(row)
        if wanted is None:
            return Group(kind.name, (), 0)
        rows = kind.visible_to(self.user).filter(**wanted, workspace_id=row.workspace_id)
        found = list(rows.order_by("-created_at")[: self.fan + 1])
        shown = found[: self.fan]
        total = rows.count() if len(found) > self.fan else len(found)
        return Group(kind.name, tuple(self._note(kind, one) for one in shown), total)

    def _note(self, kind: Kind, row: Any) -> Key:
        key = (kind.name, str(row.pk))
        self.rows.setdefault(key, row)
        return key


def lineage_of(user: Any, kind: str, pk: Any, *, way: str = "both", fan: int = FAN) -> Lineage:
    """Raises Http404 for what the person may not see, and for a kind or a way that there is not."""
    if way not in WAYS:
        raise Http404
    reader = Reader(user, fan)
    graph = walk(reader.focus(kind, pk), reader.neighbours, ways=WAYS[way])
    weak = {(link.parent, link.child) for link in LINKS if link.is_weak}
    graph.edges = without_detours(graph.edges, lambda edge: (edge[0][0], edge[1][0]) in weak)
    nodes = {key: _node(reader.rows[key], key, graph) for key in in_order(graph.sides, graph.edges)}
    more = [_more(nodes[fold.of], fold) for fold in graph.folds]
    return Lineage(nodes[graph.focus], list(nodes.values()), graph.edges, more, graph.is_cut)


def _node(row: Any, key: Key, graph: Graph) -> Node:
    kind = KINDS[key[0]]
    return Node(
        kind=kind.name,
        id=key[1],
        label=kind.label,
        name=kind.title(row),
        note=kind.note(row),
        url=kind.url(row),
        icon=kind.icon,
        who=str(row.created_by or ""),
        at=row.created_at,
        side=graph.sides[key],
        is_live=kind.is_live(row),
    )


def _more(of: Node, fold: Fold) -> More:
    return More(of, fold.kind, KINDS[fold.kind].label, fold.count, fold.way)


def drawn(found: Lineage) -> dict[str, Any]:
    """The picture, with the words in its boxes, for the template."""
    nodes: dict[Key, Node | More] = {(node.kind, node.id): node for node in found.nodes}
    edges = list(found.edges)
    for one in found.more:
        of, key = (one.of.kind, one.of.id), (one.kind, f"more-{one.way}-{one.of.kind}-{one.of.id}")
        nodes[key] = one
        edges.append((key, of) if one.way == "up" else (of, key))
    laid = picture.draw(nodes, edges, lambda key: KINDS[key[0]].column, len(COLUMNS))
    up = {key for key, node in nodes.items() if isinstance(node, Node) and node.side in ("up", "focus")}
    return {
        "boxes": [
            {"box": box, "node": nodes[box.key], "is_more": isinstance(nodes[box.key], More)} for box in laid.boxes
        ],
        "paths": [{"d": path.d, "hot": set(path.line) <= up} for path in laid.paths],
        "heads": list(zip(laid.columns, COLUMNS, strict=True)),
        "width": laid.width,
        "height": laid.height,
    }


def people_on(nodes: Sequence[Node]) -> list[Person]:
    """Who did what to the objects of a lineage, as the ledger has it, in the order of their first deed."""
    kinds = {KINDS[node.kind].model._meta.label_lower for node in nodes}
    lines = LedgerEntry.objects.filter(
        object_kind__in=kinds, object_id__in=[node.id for node in nodes], verb__in=events.VERBS
    ).exclude(actor_id="")
    deeds: dict[str, dict[str, None]] = {}
    for line in reversed(lines[:PEOPLE_LINES]):
        deeds.setdefault(line.actor_id, {})[f"{events.VERBS[line.verb]} {line.object_label}"] = None
    people = {str(user.pk): user for user in User.objects.filter(pk__in=deeds)}
    return [
        Person(str(people[pk]), people[pk].initials, people[pk].email, list(done))
        for pk, done in deeds.items()
        if pk in people
    ]
