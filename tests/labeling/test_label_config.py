"""Labeling configs: what is taken, what is refused and how it is said."""

import subprocess
import sys

import pytest

from apps.core.errors import Problem
from apps.labeling.schema import fields, gallery, grammar
from apps.labeling.schema.label_config import Control, parse_config
from tests.labeling.conftest import CONFIG

TEXT = '<Text name="t" value="$text"/>'
ASK = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'


def view(*parts: str) -> str:
    return f"<View>{''.join(parts)}</View>"


def control(name: str) -> Control:
    found = parse_config(CONFIG).control(name)
    assert found
    return found


def test_config__four_kinds_of_questions__is_read() -> None:
    config = parse_config(CONFIG)
    assert config.fields == ("prompt", "answer")
    assert [(c.name, c.type, c.required) for c in config.controls] == [
        ("quality", "choices", True),
        ("stars", "rating", False),
        ("marks", "labels", False),
        ("answer", "textarea", False),
    ]
    assert control("quality").stored == ("good", "bad") and control("stars").max_rating == 5
    assert control("answer").prefill == "answer"


def test_config__alias__is_what_is_stored() -> None:
    config = parse_config(view(TEXT, '<Choices name="c" toName="t"><Choice value="zero" alias="0"/></Choices>'))
    [option] = config.controls[0].options
    assert (option.value, option.stored) == ("zero", "0")


def test_config__single_quotes_comments_and_nested_views__are_read() -> None:
    config = parse_config("<View><!-- a note --><View><Text name='t' value='$text'/></View>" + ASK + "</View>")
    assert config.fields == ("text",) and "note" not in config.xml


@pytest.mark.parametrize("template", gallery.GALLERY, ids=lambda template: template.slug)
def test_gallery__each_template__is_a_good_config(template: gallery.Template) -> None:
    config = parse_config(template.xml)
    assert config.controls and set(config.fields) <= {name for told in fields.SAYS.values() for name in told}


ATTACKS = {
    "script": view(TEXT, ASK, "<script>alert(1)</script>"),
    "script in Choice": view(TEXT, '<Choices name="c" toName="t"><Choice value="a"><script/></Choice></Choices>'),
    "Style tag": view("<Style>body{background:url(//evil)}</Style>", TEXT, ASK),
    "style attribute": '<View style="background:url(//evil)">' + TEXT + ASK + "</View>",
    "html attribute": view(TEXT, '<Choices name="c" toName="t"><Choice value="a" html="&lt;b&gt;"/></Choices>'),
    "on attribute": view('<Text name="t" value="$text" onclick="alert(1)"/>', ASK),
    "HyperText": view('<HyperText name="t" value="$text"/>', ASK),
    "remote image": view('<Image name="t" value="https://evil.example/x.png"/>', ASK),
    "remote value": view('<Text name="t" value="https://evil.example/x"/>', ASK),
    "file value": view('<Text name="t" value="file:///etc/passwd"/>', ASK),
    "value with path": view('<Text name="t" value="$a.b[0].c"/>', ASK),
    "external entity": '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><View>' + TEXT + ASK + "&x;</View>",
    "entity bomb": '<!DOCTYPE v [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><View>' + TEXT + ASK + "&b;</View>",
    "unknown entity": view("&nope;", TEXT, ASK),
    "instruction": '<?xml-stylesheet href="//evil"?>' + view(TEXT, ASK),
    "cdata": view("<![CDATA[<script/>]]>", TEXT, ASK),
    "namespace": '<View xmlns:x="http://www.w3.org/1999/xhtml"><x:script/>' + TEXT + ASK + "</View>",
    "svg namespace": view(TEXT, ASK, '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "background url": view(TEXT, '<Labels name="l" toName="t"><Label value="a" background="url(x)"/></Labels>'),
    "dynamic choices": view(TEXT, '<Choices name="c" toName="t" value="$options"/>'),
    "hotkey of the screen": view(TEXT, '<Choices name="c" toName="t"><Choice value="a" hotkey="j"/></Choices>'),
    "hotkey twice": view(
        TEXT, '<Choices name="c" toName="t"><Choice value="a" hotkey="x"/><Choice value="b" hotkey="x"/></Choices>'
    ),
    "hotkey with script": view(TEXT, '<Choices name="c" toName="t"><Choice value="a" hotkey="&lt;img&gt;"/></Choices>'),
    "name with html": view('<Text name="&lt;b&gt;" value="$text"/>', ASK),
    "too deep": "<View>" * 9 + TEXT + ASK + "</View>" * 9,
    "too many tags": view(TEXT, ASK, "<View/>" * 401),
    "too large": view(TEXT, ASK, "<!--" + "x" * grammar.MAX_BYTES + "-->"),
    "too many options": view(
        TEXT, '<Choices name="c" toName="t">' + "".join(f'<Choice value="{n}"/>' for n in range(61)) + "</Choices>"
    ),
    "text between tags": view("Read this", TEXT, ASK),
    "empty": "  ",
    "not XML": "<View><Text</View>",
    "not closed": "<View>",
    "other root": "<Choices/>",
    "nothing shown": view('<Choices name="c" toName="c"><Choice value="a"/></Choices>'),
    "nothing asked": view(TEXT),
    "no options": view(TEXT, '<Choices name="c" toName="t"/>'),
    "option twice": view(TEXT, '<Choices name="c" toName="t"><Choice value="a"/><Choice value="a"/></Choices>'),
    "label in choices": view(TEXT, '<Choices name="c" toName="t"><Label value="a"/></Choices>'),
    "choice outside": view(TEXT, ASK, '<Choice value="a"/>'),
    "name twice": view(TEXT, ASK, ASK),
    "name twice in single quotes": view(TEXT, ASK, ASK.replace('"', "'")),
    "dangling toName": view(TEXT, ASK.replace('toName="t"', 'toName="nothing"')),
    "dangling toName in single quotes": view(TEXT, ASK.replace('toName="t"', "toName='nothing'")),
    "toName a question": view(TEXT, ASK, '<Rating name="r" toName="c"/>'),
    "no name": view(TEXT, '<Choices toName="t"><Choice value="a"/></Choices>'),
    "no toName": view(TEXT, '<Rating name="r"/>'),
    "rating of 0": view(TEXT, '<Rating name="r" toName="t" maxRating="0"/>'),
    "rating of 99": view(TEXT, '<Rating name="r" toName="t" maxRating="99"/>'),
    "labels on a conversation": view(
        '<Paragraphs name="t" value="$messages"/>', '<Labels name="l" toName="t"><Label value="a"/></Labels>'
    ),
    "per region": view(TEXT, ASK.replace("<Choices ", '<Choices perRegion="true" ')),
    "control characters": view(TEXT, ASK.replace('value="a"', 'value="a&#10;b"')),
}


@pytest.mark.parametrize("xml", ATTACKS.values(), ids=ATTACKS.keys())
def test_config__bad__is_a_problem_of_the_config(xml: str) -> None:
    with pytest.raises(Problem) as found:
        parse_config(xml)
    assert found.value.field == "label_config" and found.value.code == "bad_label_config"
    assert "root:" not in found.value.message


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (
            '<View>\n  <Text name="t" value="$text"/>\n  <Chioces name="c" toName="t"/>\n</View>',
            'Line 3, <Chioces name="c">',
        ),
        ('<View>\n\n<Text name="t" value="text"/></View>', 'Line 3, <Text name="t">: value=“text” is not valid'),
        ("<View>\n<Text></View>", "Line 2: this is not XML"),
        (
            '<View>\n<Text name="t" value="$x"/>\n<Rating name="r" toName="q"/></View>',
            "toName=“q” names nothing that is shown",
        ),
    ],
    ids=["tag", "value", "syntax", "toName"],
)
def test_config__bad__names_the_tag_and_its_line(xml: str, said: str) -> None:
    with pytest.raises(Problem) as found:
        parse_config(xml)
    assert said in found.value.message


def test_label_config__imported_and_used__loads_nothing_heavy() -> None:
    """Web processes start without the SDK, and even its use brings no torch, pandas or cv2."""
    program = (
        "import django, os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup()\n"
        "import apps.labeling.api\n"
        "assert 'label_studio_sdk' not in sys.modules and 'lxml' not in sys.modules\n"
        "from apps.labeling.schema import gallery, label_config\n"
        "label_config.parse_config(gallery.QUALITY)\n"
        "assert 'label_studio_sdk' in sys.modules\n"
        "print([name for name in ('torch', 'pandas', 'cv2', 'transformers', 'nltk') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
