"""The visual builder: the same config as items and as XML, and what it refuses to lose."""

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Problem
from apps.labeling.schema import builder, gallery, grammar
from apps.labeling.schema.label_config import parse_config
from apps.labeling.templatetags.labelschema import abouts, kept_attributes
from tests.labeling.conftest import CONFIG

TEXT, ASK = '<Text name="t" value="$text"/>', '<Choices name="c" toName="t"><Choice value="a"/></Choices>'


def form_of(items: list[builder.Item]) -> QueryDict:
    """What a browser sends of the builder's fields, those that go along unseen included."""
    form = QueryDict(mutable=True)
    for place, item in enumerate(items):
        form[f"q{place}.tag"], form[f"q{place}.title"] = item.tag, item.title
        seen = {name: value for name, value in item.attributes.items() if name not in dict(kept_attributes(item))}
        for name, value in {**dict(kept_attributes(item)), **seen}.items():
            form[f"q{place}.a.{name}"] = value
        if len(abouts(item)) == 2:
            form.setlist(f"q{place}.a.toName", abouts(item))
        for number, option in enumerate(item.options):
            for name, value in option.items():
                form[f"q{place}.o{number}.{name}"] = value
    return form


@pytest.mark.parametrize("xml", [CONFIG, *(t.xml for t in gallery.GALLERY)])
def test_builder__config_through_its_form__is_the_same_config(xml: str) -> None:
    written, _starts = builder.written(builder.sent(form_of(builder.held(xml))))
    assert parse_config(written).parts == parse_config(xml).parts


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (f"<View>\n{TEXT}\n<View>{ASK}</View></View>", "Line 3, <View>"),
        (f"<View>\n\n<!-- why -->{TEXT}{ASK}</View>", "Line 3: the builder would lose this comment"),
        (f'<View>{TEXT}{ASK}\n<Header value="End"/></View>', "Line 2, <Header>"),
        (f'<View>\n<Header value="A" size="2"/>{TEXT}{ASK}</View>', "Line 2, <Header>"),
        (f"<View>{TEXT}\n<script/></View>", "Line 2, <script>"),
    ],
)
def test_builder__config_it_would_change__is_refused_with_its_line(xml: str, said: str) -> None:
    with pytest.raises(Problem) as found:
        builder.held(xml)
    assert said in found.value.message


@pytest.mark.parametrize("tag", grammar.OBJECTS + grammar.CONTROLS)
def test_builder__each_kind_added_to_nothing__brings_what_it_is_about(tag: str) -> None:
    items = builder.changed([], f"add:{tag}", {"text": "A text."})
    xml, starts = builder.written(items)
    assert items[-1].tag == tag and len(starts) == len(items)
    if tag in grammar.CONTROLS and tag != "Relations":
        parse_config(xml)
    else:
        with pytest.raises(Problem):  # nothing is asked yet
            parse_config(xml)


def test_builder__steps__move_drop_and_make_options() -> None:
    items = builder.held(f"<View>{TEXT}{ASK}</View>")
    assert [one.tag for one in builder.changed(items, "up:1", {})] == ["Choices", "Text"]
    assert [one.tag for one in builder.changed(items, "down:1", {})] == ["Text", "Choices"]
    assert [one.tag for one in builder.changed(items, "drop:0", {})] == ["Choices"]
    more = builder.changed(items, "option:1", {})
    assert [option["value"] for option in more[1].options] == ["a", "Option 2"]
    assert builder.changed(more, "unoption:1:0", {})[1].options == ({"value": "Option 2"},)
    for step in ("drop:9", "up:x", "add:script", "nonsense", "", "unoption:1", "up:²"):
        assert builder.changed(items, step, {}) == items


def test_builder__wrong_line__is_that_of_an_item() -> None:
    items = builder.held(f'<View>{TEXT}<Header value="Which?"/>{ASK}</View>')
    _xml, starts = builder.written(items)
    assert starts == [2, 3] and [builder.at_line(starts, line) for line in (1, 2, 3, 4, 5)] == [-1, 0, 1, 1, 1]


NAMES = st.sampled_from(
    ["q0.tag", "q0.title", "q0.a.name", "q0.a.toName", "q0.a.value", "q0.o0.value", "q0.a.on click"]
)


@given(st.dictionaries(NAMES, st.one_of(st.text(), st.sampled_from(["Choices", "Text", '"/><script>', "$text"]))))
def test_builder__any_form__makes_a_config_or_a_problem(sent: dict[str, Any]) -> None:
    form = QueryDict(mutable=True)
    form.update(sent)
    xml, _starts = builder.written(builder.sent(form))
    assert "<script" not in xml
    try:
        parse_config(xml)
    except Problem as problem:
        assert problem.field == "label_config"
