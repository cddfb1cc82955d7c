"""Results of every kind of question: what is kept, what is refused and where; and that Label Studio takes what we take."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Problem
from apps.labeling.schema.label_config import parse_config, sdk_takes
from apps.labeling.schema.results import answers_of, check_result

CONFIG = parse_config("""<View>
  <Text name="a" value="$a"/><Text name="b" value="$b"/>
  <Paragraphs name="talk" value="$talk"/><Chat name="chat" value="$talk"/>
  <Image name="image" value="$image"/><List name="list" value="$items"/>
  <Labels name="words" toName="a"><Label value="W"/><Label value="V"/></Labels>
  <ParagraphLabels name="turns" toName="talk"><Label value="T"/></ParagraphLabels>
  <ParagraphLabels name="said" toName="chat"><Label value="S"/></ParagraphLabels>
  <RectangleLabels name="boxes" toName="image"><Label value="B"/></RectangleLabels>
  <Relations><Relation value="owns"/><Relation value="is"/></Relations>
  <Number name="number" toName="a" min="0" max="5" step="0.5"/>
  <Number name="any" toName="a"/>
  <Rating name="stars" toName="image" maxRating="5"/>
  <Pairwise name="pair" toName="a,b"/>
  <Ranker name="rank" toName="list"/>
  <Choices name="some" toName="chat" choice="multiple"><Choice value="x"/><Choice value="y" alias="0"/></Choices>
  <TextArea name="note" toName="list"/>
</View>""")
TALK = [{"role": "user", "content": "Boots 🚚 came."}, {"role": "assistant", "content": "Good."}]
DATA = {
    "a": "Anna owns a shop.",
    "b": "Other",
    "talk": TALK,
    "image": "f" * 64 + ".png",
    "width": 640,
    "height": 480,
    "items": [{"id": "p"}, {"id": "q"}, {"id": "r"}],
}
BOX = {"x": 10, "y": 20.5, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["B"]}
TURN = {"start": "0", "end": "0", "startOffset": 6, "endOffset": 7, "text": "🚚", "paragraphlabels": ["T"]}
TO = {
    "turns": "talk",
    "said": "chat",
    "boxes": "image",
    "stars": "image",
    "rank": "list",
    "some": "chat",
    "note": "list",
}
TYPES = {
    "words": "labels", "turns": "paragraphlabels", "said": "paragraphlabels", "boxes": "rectanglelabels", "number": "number",
    "any": "number", "stars": "rating", "pair": "pairwise", "rank": "ranker", "some": "choices", "note": "textarea",
}  # fmt: skip


def region(name: str, at: str = "", /, **value: Any) -> dict[str, Any]:
    known = {"from_name": name, "to_name": TO.get(name, "a"), "type": TYPES[name], "value": value}
    return {**known, "id": at} if at else known


def word(at: str, start: int, end: int, label: str = "W") -> dict[str, Any]:
    return region("words", at, start=start, end=end, labels=[label])


def relation(first: Any = "w1", second: Any = "w2", **more: Any) -> dict[str, Any]:
    return {"type": "relation", "from_id": first, "to_id": second, "direction": "right", "labels": ["owns"], **more}


GOOD = [
    word("w1", 0, 4), word("w2", 12, 16, "V"), relation(), region("turns", "t1", **TURN), region("boxes", "b1", **BOX),
    region("said", "s1", start=1, end=1, startOffset=0, endOffset=4, paragraphlabels=["S"]), relation("b1", "t1", labels=["is", "owns"]),
    region("number", number=2.5), region("any", number=-7), region("stars", rating=0), region("pair", selected="left"),
    region("rank", ranker={"rank": ["r", "p", "q"]}), region("some", choices=["0", "x"]), region("note", text=["Hm."]),
]  # fmt: skip


def test_result__of_every_kind__is_kept_and_answers_in_plain_data() -> None:
    kept = check_result(CONFIG, DATA, copy.deepcopy(GOOD))
    by_name = {one.get("from_name", "relation"): one for one in kept}
    assert by_name["boxes"]["value"] == BOX
    assert (by_name["boxes"]["original_width"], by_name["boxes"]["original_height"]) == (640, 480)
    assert by_name["turns"]["value"] == TURN and by_name["said"]["value"]["text"] == "Good"
    answers = answers_of(kept)
    assert answers["rank"] == ["r", "p", "q"] and answers["pair"] == "left" and answers["some"] == ["x", "0"]
    assert answers["number"] == 2.5 and answers["any"] == -7 and answers["stars"] == 0 and answers["note"] == "Hm."
    assert answers["boxes"][0]["labels"] == ["B"] and answers["boxes"][0]["original_width"] == 640
    first, second = answers["relations"]
    assert (first["from"]["text"], first["to"]["text"], first["labels"]) == ("Anna", "shop", ["owns"])
    assert second["labels"] == ["owns", "is"] and second["to"]["text"] == "🚚"


@pytest.mark.parametrize("to", ["a", "a,b", "pair"])
def test_result__pairwise_as_label_studio_may_write_it__is_about_the_first(to: str) -> None:
    [kept] = check_result(CONFIG, DATA, [{**region("pair", selected="right"), "to_name": to}])
    assert kept["to_name"] == "a"


def test_result__ranker_under_any_one_key__is_stored_under_its_name() -> None:
    [kept] = check_result(CONFIG, DATA, [region("rank", ranker={"_": ["p", "q", "r"]})])
    assert kept["value"] == {"ranker": {"rank": ["p", "q", "r"]}}


def box(**sides: Any) -> list[dict[str, Any]]:
    return [region("boxes", **{**BOX, **sides})]


def turn(**places: Any) -> list[dict[str, Any]]:
    return [region("turns", **{**TURN, "text": "🚚", **places})]


PAIR = [word("w1", 0, 4), word("w2", 5, 9)]
BAD: dict[str, tuple[Any, str]] = {
    "number above": ([region("number", number=5.5)], "result.0.value.number"),
    "number below": ([region("number", number=-0.5)], "result.0.value.number"),
    "number between steps": ([region("number", number=2.3)], "result.0.value.number"),
    "number as text": ([region("number", number="3")], "result.0.value.number"),
    "number true": ([region("number", number=True)], "result.0.value.number"),
    "number NaN": ([region("any", number=float("nan"))], "result.0.value.number"),
    "number infinite": ([region("any", number=float("inf"))], "result.0.value.number"),
    "number huge": ([region("number", number=10**400)], "result.0.value.number"),
    "rating below 0": ([region("stars", rating=-1)], "result.0.value.rating"),
    "rating 99": ([region("stars", rating=99)], "result.0.value.rating"),
    "pair of both": ([region("pair", selected="both")], "result.0.value.selected"),
    "pair as list": ([region("pair", selected=["left"])], "result.0.value.selected"),
    "pair about the other": ([{**region("pair", selected="left"), "to_name": "b"}], "result.0.to_name"),
    "rank without one": ([region("rank", ranker={"rank": ["p", "q"]})], "result.0.value.ranker"),
    "rank with one twice": ([region("rank", ranker={"rank": ["p", "q", "q"]})], "result.0.value.ranker"),
    "rank with another": ([region("rank", ranker={"rank": ["p", "q", "z"]})], "result.0.value.ranker"),
    "rank as list": ([region("rank", ranker=["p", "q", "r"])], "result.0.value.ranker"),
    "rank in buckets": ([region("rank", ranker={"a": ["p"], "b": ["q", "r"]})], "result.0.value.ranker"),
    "rank of numbers": ([region("rank", ranker={"rank": [1, 2, 3]})], "result.0.value.ranker"),
    "box outside": (box(x=80, width=30), "result.0.value.width"),
    "box above 100": (box(x=101), "result.0.value.x"),
    "box below 0": (box(y=-1), "result.0.value.y"),
    "box without area": (box(width=0), "result.0.value.width"),
    "box at the edge": (box(x=100, width=1e-9), "result.0.value.width"),
    "box turned": (box(rotation=45), "result.0.value.rotation"),
    "box of text": (box(height="40"), "result.0.value.height"),
    "box NaN": (box(height=float("nan")), "result.0.value.height"),
    "box without label": (box(rectanglelabels=[]), "result.0.value.rectanglelabels"),
    "box of another label": (box(rectanglelabels=["T"]), "result.0.value.rectanglelabels"),
    "turn that is none": (turn(start="2", end="2"), "result.0.value.start"),
    "turn below 0": (turn(start=-1, end=-1), "result.0.value.start"),
    "turn as word": (turn(start="x"), "result.0.value.start"),
    "turn in other digits": (turn(start="٠", end="٠"), "result.0.value.start"),
    "over two turns": (turn(end="1"), "result.0.value.end"),
    "turn beyond its text": (turn(endOffset=99), "result.0.value.startOffset"),
    "turn backwards": (turn(startOffset=7, endOffset=6), "result.0.value.startOffset"),
    "turn of other words": (turn(text="Boots"), "result.0.value.text"),
    "two labels of one": ([region("words", start=0, end=4, labels=["W", "V"])], "result.0.value.labels"),
    "relation to nothing": ([*PAIR, relation("w1", "gone")], "result.2.to_id"),
    "relation from a list": ([*PAIR, relation(["w1"], "w2")], "result.2.from_id"),
    "relation to itself": ([*PAIR, relation("w1", "w1")], "result.2.to_id"),
    "relation to a choice": ([*PAIR, {**region("some", choices=["x"]), "id": "c"}, relation("w1", "c")], "result.3.to_id"),
    "relation of another name": ([*PAIR, relation(labels=["has"])], "result.2.labels"),
    "relation of no list": ([*PAIR, relation(labels="owns")], "result.2.labels"),
    "relation elsewhere": ([*PAIR, relation(direction="up")], "result.2.direction"),
    "relation twice": ([*PAIR, relation(), relation()], "result.3"),
    "id twice": ([word("w1", 0, 4), word("w1", 5, 9)], "result.1.id"),
    "span twice": ([word("w1", 0, 4), word("w2", 0, 4)], "result.1"),
    "text that cannot be stored": ([region("note", text=["\ud800"])], "result.0.value.text"),
    "relations as a question": ([{**region("note", text=["x"]), "from_name": "relations"}], "result.0.from_name"),
}  # fmt: skip


@pytest.mark.parametrize(("result", "place"), BAD.values(), ids=BAD.keys())
def test_result__bad__is_a_problem_with_its_place(result: Any, place: str) -> None:
    with pytest.raises(Problem) as found:
        check_result(CONFIG, DATA, copy.deepcopy(result))
    assert found.value.field == place and found.value.message


def test_result__required_of_each_kind__is_asked_for() -> None:
    for kind, more in {"Number": 'toName="a"', "Pairwise": 'toName="a,b"', "Rating": 'toName="a"'}.items():
        config = parse_config(
            f'<View><Text name="a" value="$a"/><Text name="b" value="$b"/><{kind} name="q" {more} required="true"/></View>'
        )
        assert check_result(config, DATA, [], is_draft=True) == []
        with pytest.raises(Problem) as found:
            check_result(config, DATA, [])
        assert (found.value.field, found.value.code) == ("result.q", "required")


def test_result__relation_where_none_are_asked__is_refused() -> None:
    config = parse_config(
        '<View><Text name="a" value="$a"/><Labels name="words" toName="a"><Label value="W"/></Labels></View>'
    )
    with pytest.raises(Problem) as found:
        check_result(config, DATA, [*PAIR, relation()])
    assert found.value.field == "result.2.type"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["left", "W", "w1", "p", "0"]),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["start", "end", "startOffset", "endOffset", "text", "labels", "choices", "number", "rating", "selected", "ranker",
                        "paragraphlabels", "rectanglelabels", "x", "y", "width", "height", "rotation"])  # fmt: skip
VALUES = st.dictionaries(
    KEYS, st.one_of(JUNK, st.integers(0, 20), st.lists(st.sampled_from(["W", "T", "S", "B", "x"]), max_size=2))
)
REGIONS = st.fixed_dictionaries(
    {},
    optional={
        "from_name": st.one_of(JUNK, st.sampled_from(list(TYPES))),
        "to_name": st.one_of(JUNK, st.sampled_from(["a", "talk", "chat", "image", "list"])),
        "type": st.one_of(JUNK, st.sampled_from([*TYPES.values(), "relation"])),
        "value": st.one_of(JUNK, VALUES),
        "id": JUNK, "from_id": JUNK, "to_id": JUNK, "direction": JUNK, "labels": JUNK, "original_width": JUNK,
    },
)  # fmt: skip


def broken(good: dict[str, Any], where: str, inner: str, junk: Any) -> dict[str, Any]:
    """A good region with one thing of it replaced."""
    wrong = copy.deepcopy(good)
    if where == "value" and "value" in wrong:
        wrong["value"][inner] = junk
    else:
        wrong[where] = junk
    return wrong


BROKEN = st.builds(
    broken,
    st.sampled_from(GOOD),
    st.sampled_from(["value", "id", "type", "to_name", "from_name", "from_id"]),
    KEYS,
    JUNK,
)


@given(st.one_of(JUNK, st.lists(st.one_of(REGIONS, BROKEN, st.sampled_from(GOOD)), max_size=5)), st.booleans())
def test_result__any_junk__is_a_problem_or_what_label_studio_takes(result: Any, is_draft: bool) -> None:
    try:
        kept = check_result(CONFIG, DATA, copy.deepcopy(result), is_draft=is_draft)
    except Problem as problem:
        assert problem.field.startswith("result") and problem.code in ("bad_result", "required")
        return
    assert sdk_takes(CONFIG, kept)
    assert check_result(CONFIG, DATA, copy.deepcopy(kept)) == kept  # what is stored can be sent again
    answers_of(kept)
