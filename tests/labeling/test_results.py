"""Results on their way in: whatever Label Studio's own server would store unchecked is refused."""

from typing import Any

import pytest

from apps.core.errors import Problem
from apps.labeling.schema.label_config import parse_config
from apps.labeling.schema.results import answers_of, check_result
from tests.labeling.conftest import CONFIG, region, says

DATA = {"prompt": "Where is order 7? 🚚 Now!", "answer": "On its way."}


def check(result: Any, **options: Any) -> list[dict[str, Any]]:
    return check_result(parse_config(CONFIG), DATA, result, **options)


def test_result__every_kind__is_kept_in_label_studios_form() -> None:
    given = says(
        "good",
        region("stars", rating=5),
        region("marks", start=9, end=14, text="order", labels=["Word"]),
        region("answer", text="It left."),
    )
    given[2]["score"], given[2]["value"]["html"] = 0.5, "<b>"
    kept = check(given)
    assert [one["type"] for one in kept] == ["choices", "rating", "labels", "textarea"]
    assert kept[2]["value"] == {"start": 9, "end": 14, "text": "order", "labels": ["Word"]} and "score" not in kept[2]
    assert kept[3]["value"] == {"text": ["It left."]} and len({one["id"] for one in kept}) == 4
    assert answers_of(kept)["stars"] == 5 and answers_of(kept)["answer"] == "It left."


def test_result__span_beyond_the_basic_plane__counts_characters() -> None:
    [_choice, span] = check(says("good", region("marks", start=18, end=19, text="🚚", labels=["Sign"])))
    assert span["value"]["text"] == "🚚"


BAD: dict[str, tuple[Any, str]] = {
    "no list": ({"a": 1}, "result"),
    "no object": (["x"], "result.0"),
    "unknown question": ([{**region("stars", rating=1), "from_name": "moons"}], "result.0.from_name"),
    "other object": ([{**region("stars", rating=1), "to_name": "text"}], "result.0.to_name"),
    "wrong type": ([{**region("stars", rating=1), "type": "choices"}], "result.0.type"),
    "no value": ([{**region("stars", rating=1), "value": None}], "result.0.value"),
    "unknown choice": (says("great"), "result.0.value.choices"),
    "choice that is no text": ([region("quality", choices=[{"a": 1}])], "result.0.value.choices"),
    "no choice": ([region("quality", choices=[])], "result.0.value.choices"),
    "two choices of one": ([region("quality", choices=["good", "bad"])], "result.0.value.choices"),
    "choice twice": ([region("quality", choices=["good", "good"])], "result.0.value.choices"),
    "rating 6": (says("good", region("stars", rating=6)), "result.1.value.rating"),
    "rating 2.5": (says("good", region("stars", rating=2.5)), "result.1.value.rating"),
    "rating as text": (says("good", region("stars", rating="3")), "result.1.value.rating"),
    "rating true": (says("good", region("stars", rating=True)), "result.1.value.rating"),
    "span outside": (says("good", region("marks", start=20, end=90, labels=["Word"])), "result.1.value.start"),
    "span backwards": (says("good", region("marks", start=5, end=2, labels=["Word"])), "result.1.value.start"),
    "span empty": (says("good", region("marks", start=5, end=5, labels=["Word"])), "result.1.value.start"),
    "span below 0": (says("good", region("marks", start=-1, end=5, labels=["Word"])), "result.1.value.start"),
    "span without place": (says("good", region("marks", labels=["Word"])), "result.1.value.start"),
    "span of other words": (
        says("good", region("marks", start=0, end=5, text="order", labels=["Word"])),
        "result.1.value.text",
    ),
    "span without label": (says("good", region("marks", start=0, end=5)), "result.1.value.labels"),
    "text that is none": (says("good", region("answer", text=[1])), "result.1.value.text"),
    "two texts": (says("good", region("answer", text=["a", "b"])), "result.1.value.text"),
    "text too long": (says("good", region("answer", text="x" * 100_001)), "result.1.value.text"),
    "answered twice": (says("good", *says("bad")), "result.1"),
    "too many": (says("good") * 501, "result"),
    "required missing": ([region("stars", rating=1)], "result.quality"),
    "nothing": ([], "result.quality"),
}


@pytest.mark.parametrize(("result", "field"), BAD.values(), ids=BAD.keys())
def test_result__bad__is_a_problem_with_its_place(result: Any, field: str) -> None:
    with pytest.raises(Problem) as found:
        check(result)
    assert found.value.field == field


def test_result__required_but_blank__is_not_answered() -> None:
    config = parse_config(
        '<View><Text name="prompt" value="$prompt"/><TextArea name="answer" toName="prompt" required="true"/></View>'
    )
    with pytest.raises(Problem):
        check_result(config, DATA, [region("answer", text="  \n")])


def test_draft__unfinished__is_kept_but_never_wrong() -> None:
    assert check([], is_draft=True) == []
    with pytest.raises(Problem):
        check(says("great"), is_draft=True)
