"""Labeling configs at their limits: sizes, depths, tags of Label Studio that are not drawn, and junk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Problem
from apps.labeling.schema import grammar
from apps.labeling.schema.label_config import ConfigProblem, parse_config

TEXT, ASK = '<Text name="t" value="$text"/>', '<Choices name="c" toName="t"><Choice value="a"/></Choices>'


def problem(xml: str) -> ConfigProblem:
    with pytest.raises(ConfigProblem) as found:
        parse_config(xml)
    return found.value


def test_config__ten_thousand_choices__are_refused_at_their_question() -> None:
    many = "".join(f'<Choice value="{number}"/>' for number in range(10_000))
    found = problem(f'<View>\n{TEXT}\n<Choices name="c" toName="t">{many}</Choices></View>')
    assert (
        'Line 3, <Choices name="c">: it needs from 1 to 60 options; here are 10000' in found.message and found.line == 3
    )


def test_config__deeper_than_allowed__is_refused_at_the_first_too_deep_tag() -> None:
    found = problem("<View>\n" * 9 + TEXT + ASK + "</View>" * 9)
    assert "nested deeper than 8" in found.message and found.line == 9
    assert "XML" in problem("<View>" * 5000 + "</View>" * 5000).message


@pytest.mark.parametrize("tag", sorted(grammar.NOT_DRAWN))
def test_config__tag_of_label_studio_that_is_not_drawn__says_what_to_do_instead(tag: str) -> None:
    found = problem(f"<View>\n{TEXT}{ASK}\n<{tag} name='x' toName='t'/></View>")
    assert f'Line 3, <{tag} name="x">: this console does not draw this tag' in found.message and found.hint


@pytest.mark.parametrize(
    ("xml", "said", "line"),
    [
        (f"<View>{TEXT}\n<Rating name='r' toName='nothing'/></View>", "toName=“nothing” names nothing", 2),
        (f"<View>{TEXT}\n{ASK}\n<Rating name='c' toName='t'/></View>", "the name “c” is used twice", 3),
        (f"<View>{TEXT}\n<Labels name='l' toName='c'><Label value='x'/></Labels>{ASK}</View>", "names nothing", 2),
        (f"<View>{TEXT}{ASK}\n<Ranker name='k' toName='t'/></View>", "is a Text, which Ranker cannot be about", 2),
        (f"<View>{TEXT}{ASK}\n<RectangleLabels name='k' toName='t'><Label value='x'/></RectangleLabels></View>", "is a Text", 2),
        (f"<View>{TEXT}{ASK}\n<Pairwise name='k' toName='t'/></View>", "toName=“t” is not valid", 2),
        (f"<View>{TEXT}{ASK}\n<Pairwise name='k' toName='t,t'/></View>", "is not valid", 2),
        (f"<View>{TEXT}{ASK}\n<Pairwise name='k' toName='t,u'/></View>", "toName=“u” names nothing", 2),
        (f"<View>{TEXT}\n<Number name='n' toName='t' min='5' max='1'/></View>", "min is not less than max", 2),
        (f"<View>{TEXT}\n<Number name='n' toName='t' step='0'/></View>", "step=“0” is not valid", 2),
        (f"<View>{TEXT}\n<Number name='n' toName='t' max='1e9'/></View>", "max=“1e9” is not valid", 2),
        (f"<View>{TEXT}{ASK}<Relations><Relation value='a'/></Relations></View>", "nothing can be marked", 0),
        (f"<View>{TEXT}{ASK}\n<Relations><Choice value='a'/></Relations></View>", "may not stand in <Relations>", 2),
        (f"<View>{TEXT}{ASK}\n<List name='l' value='$x'><Bucket name='b'/></List></View>", "does not draw", 2),
        (f"<View>{TEXT}{ASK}\n<Image name='i' value='data:image/png;base64,AAAA'/></View>", "is not valid", 2),
        (f"<View>{TEXT}{ASK}\n<Chat name='t' value='$messages'/></View>", "the name “t” is used twice", 2),
        (f"\n\n<!DOCTYPE x><View>{TEXT}{ASK}</View>", "Line 3: a labeling config has no DOCTYPE", 3),
    ],
)  # fmt: skip
def test_config__bad_in_any_quotes__is_told_with_its_line(xml: str, said: str, line: int) -> None:
    found = problem(xml)
    assert said in found.message and found.line == line


def test_config__key_of_the_screen_or_twice__is_refused() -> None:
    for key in sorted(grammar.RESERVED_KEYS - {"?"}):
        xml = ASK.replace('value="a"', f'value="a" hotkey="{key}"')
        assert "is taken" in problem(f"<View>{TEXT}{xml}</View>").message


PIECES = st.sampled_from(
    [
        "<View>", "</View>", TEXT, ASK, "<script>", "</script>", "<!--", "-->", "<![CDATA[", "]]>", "&a;", "&#0;", "&#x41;", "<?x?>",
        "\n", "\0",
        "<Choices", ' name="c"', " name='t'", ' toName="t"', ">", "/>", "</Choices>", '<Choice value="', '"', "\ud800", "é", "<Relations/>",
        '<Image name="i" value="$i"/>', '<Rating name="r" toName="i"/>',
    ]
)  # fmt: skip


@given(
    st.one_of(
        st.text(),
        st.lists(PIECES, max_size=12).map("".join),
        st.lists(PIECES).map(lambda found: f"<View>{''.join(found)}</View>"),
    )
)
def test_config__any_junk__is_a_config_or_a_problem(xml: str) -> None:
    try:
        config = parse_config(xml)
    except Problem as found:
        assert found.field == "label_config" and found.message
        return
    assert parse_config(config.xml).parts == config.parts
