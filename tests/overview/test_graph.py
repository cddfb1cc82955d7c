"""Walking and drawing, without a database."""

from collections.abc import Iterable, Mapping

import pytest

from apps.overview import picture
from apps.overview.graph import Group, Key, Way, in_order, walk, without_detours

A, B, C, D, E = (("k", letter) for letter in "abcde")


def neighbours_of(edges: Iterable[tuple[Key, Key]], fan: int = 9):  # type: ignore[no-untyped-def]
    def neighbours(key: Key, way: Way) -> list[Group]:
        found = [s for s, t in edges if t == key] if way == "up" else [t for s, t in edges if s == key]
        return [Group("k", tuple(found[:fan]), len(found))]

    return neighbours


def test_walk__diamond__finds_each_node_once_and_every_line() -> None:
    graph = walk(B, neighbours_of([(A, B), (B, C), (B, D), (C, E), (D, E)]))
    assert graph.sides == {B: "focus", A: "up", C: "down", D: "down", E: "down"}
    assert set(graph.edges) == {(A, B), (B, C), (B, D), (C, E), (D, E)}


def test_walk__siblings__are_not_relatives() -> None:
    assert C not in walk(B, neighbours_of([(A, B), (A, C)])).sides


@pytest.mark.parametrize(("way", "found"), [("up", {A, B}), ("down", {B, C})])
def test_walk__one_way__leaves_the_other_out(way: Way, found: set[Key]) -> None:
    assert set(walk(B, neighbours_of([(A, B), (B, C)]), ways=(way,)).sides) == found


def test_walk__ring__ends() -> None:
    graph = walk(A, neighbours_of([(A, B), (B, C), (C, A), (A, A)]))
    assert set(graph.sides) == {A, B, C} and len(graph.edges) == 3
    assert sorted(in_order(graph.sides, graph.edges)) == [A, B, C]


def test_walk__many_siblings__are_folded_with_their_number() -> None:
    many = [(A, ("k", str(n))) for n in range(10)]
    graph = walk(A, neighbours_of(many, fan=4))
    assert len(graph.sides) == 5
    [fold] = graph.folds
    assert (fold.of, fold.count, fold.way) == (A, 6, "down")


def test_walk__too_many__is_cut_and_says_so() -> None:
    chain = [(("k", f"{n:03}"), ("k", f"{n + 1:03}")) for n in range(300)]
    graph = walk(("k", "000"), neighbours_of(chain), most=50)
    assert len(graph.sides) == 50 and graph.is_cut


def test_in_order__any_graph__puts_parents_first() -> None:
    edges = [(A, C), (B, C), (C, D), (A, D), (D, E)]
    order = in_order([E, D, C, B, A], edges)
    assert all(order.index(source) < order.index(target) for source, target in edges)


def test_without_detours__weak_line_beside_a_path__goes() -> None:
    edges = [(A, B), (B, C), (A, C), (A, D)]
    assert without_detours(edges, lambda edge: edge in [(A, C), (A, D)]) == [(A, B), (B, C), (A, D)]
    assert without_detours(edges, lambda edge: False) == edges


def at(columns: Mapping[Key, int], edges: list[tuple[Key, Key]]) -> picture.Picture:
    return picture.draw(columns, edges, lambda key: columns[key], 6)


def test_draw__chain__is_a_straight_row_from_left_to_right() -> None:
    drawn = at({A: 0, B: 1, C: 2}, [(A, B), (B, C)])
    places = {box.key: (box.x, box.y) for box in drawn.boxes}
    assert places[A][1] == places[B][1] == places[C][1]
    assert places[A][0] < places[B][0] < places[C][0]


def test_draw__line_back__begins_a_band_below() -> None:
    drawn = at({A: 0, B: 5, C: 0}, [(A, B), (B, C)])
    places = {box.key: box for box in drawn.boxes}
    assert places[C].y >= places[A].y + picture.HEIGHT + picture.BAND and places[C].x == places[A].x
    assert places[C].y + picture.HEIGHT < drawn.height


@pytest.mark.parametrize("count", [1, 2, 7])
def test_draw__any_number_of_siblings__boxes_never_overlap(count: int) -> None:
    nodes = {A: 0} | {("k", f"s{n}"): 1 + n % 2 for n in range(count)} | {E: 3}
    edges = [(A, key) for key in nodes if key not in (A, E)]
    drawn = at(nodes, edges + [(key, E) for _a, key in edges])
    spots = [(box.x, box.y) for box in drawn.boxes]
    assert len(set(spots)) == len(nodes)
    assert all(
        abs(one[1] - other[1]) >= picture.HEIGHT
        for one in spots
        for other in spots
        if one != other and one[0] == other[0]
    )


def test_draw__evidence_in_the_column_of_what_it_speaks_for__stands_above_it() -> None:
    drawn = at({A: 2, B: 3, C: 3, D: 3}, [(A, B), (A, C), (B, D), (C, D), (A, D)])
    places = {box.key: box.y for box in drawn.boxes}
    assert places[D] > max(places[B], places[C])
    assert len(drawn.paths) == 5 and all(path.d.startswith("M") for path in drawn.paths)


def test_draw__ring_that_must_not_be__is_drawn_all_the_same() -> None:
    assert len(at({A: 0, B: 1, C: 2}, [(A, B), (B, C), (C, A)]).boxes) == 3


def test_rounded__right_angle__is_cut_by_the_radius() -> None:
    assert picture.rounded([(0, 0), (20, 0), (20, 20)]) == "M0 0L12 0Q20 0 20 8L20 20"
