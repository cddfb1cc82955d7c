"""What the three text steps change, what they leave, and that no text takes them long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.texts import TEXT_STEPS, repair_unicode, strip_html, tidy_spaces


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<p>Hello <b>you</b> &amp; me</p>", "Hello you & me"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<tr><td>a</td><td>b</td></tr>", "a b"),
        ("x<script>alert('<p>')</script>y<style>p {}</style>z", "xyz"),
        ("x<!-- <b>no</b> -->y", "xy"),
        ('<a href="x" title="a > b">link</a>', "link"),
        ("caf&eacute; &#233; &#xe9;", "café é é"),
    ],
    ids=["tags", "breaks", "list", "cells", "script", "comment", "quoted-bracket", "entities"],
)
def test_html__markup__becomes_its_text(text: str, wanted: str) -> None:
    assert strip_html(text).replace("\n\n", "\n").strip() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d: pass",
        "a List<String> of <think>thoughts</think>",
        "use `<b>` and\n```\n<p>&amp;</p>\n```",
        "x --> y <-- z",
        "<script> is never closed",
        "R&D & more &notanentity",
        "&#0; and &#xD800;",
    ],
    ids=["comparison", "not-html", "code", "arrows", "open-script", "ampersands", "not-storable"],
)
def test_html__what_is_no_markup__stays(text: str) -> None:
    assert strip_html(text) == text.removeprefix("<script>").strip()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("schÃ¶n âœ”", "schön ✔"),
        ("e\u0301", "é"),
        ("a\x1b[31mred\x00\x07", "ared"),
        ("“quoted” ﬁ，ＡＢ", "“quoted” ﬁ，ＡＢ"),
        ("a\r\nb", "a\nb"),
        ("plain &amp; clean", "plain &amp; clean"),
    ],
    ids=["mojibake", "composed", "controls", "typography", "line-ends", "entities-are-another-step"],
)
def test_unicode__damage__is_repaired_and_nothing_else(text: str, wanted: str) -> None:
    assert repair_unicode(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  a   b \t\n", "a b"),
        ("a\r\n\r\n\r\n\r\nb", "a\n\nb"),
        ("a\u00a0b\u200b c\u3000d", "a b c d"),
        ("list:\n    indented   item", "list:\n    indented item"),
        ("see `a   b`\n```\nx   =  1\n\n\n\ny\n```", "see `a   b`\n```\nx   =  1\n\n\n\ny\n```"),
    ],
    ids=["runs", "empty-lines", "odd-spaces", "indentation", "code"],
)
def test_spaces__runs_and_odd_ones__are_tidied(text: str, wanted: str) -> None:
    assert tidy_spaces(text) == wanted


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_spaces_and_unicode__twice__change_nothing_more(text: str) -> None:
    for step in (tidy_spaces, repair_unicode):
        assert step(step(text)) == step(text)


@pytest.mark.parametrize("piece", ['<a "', "<script>", "<!--", " ", "```", "`", "&", "<p '", "&lt;", "Ã¶"], ids=repr)
def test_steps__texts_meant_to_take_long__do_not(piece: str) -> None:
    text = piece * (400_000 // len(piece)) + "x"
    for step in TEXT_STEPS.values():
        began = time.process_time()
        step(text)
        assert time.process_time() - began < 3
