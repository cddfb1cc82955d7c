"""The look's own rules: what the content security policy forbids, that every word can be translated, that every part exists."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.views.defaults import server_error

from apps.accounts.forms import MemberForm
from apps.accounts.models import User
from apps.core.finders import PLOTLY
from apps.core.templatetags import ui
from apps.datasets.quality import wording as quality
from apps.evaluation import wording as evaluation
from apps.labeling import wording as labeling
from apps.serving import wording as serving
from apps.training import wording
from apps.training.comparing import pages as comparing
from tests.cast import Cast

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static/js").glob("*.js"))
SHEETS = sorted((ROOT / "static/css").rglob("*.css"))
SAMPLES = ("styleguide",)  # words that only show what a part looks like
NO_WORDS = {"Tuneloop", "sha256"}


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def without_django(text: str) -> str:
    """The template's own text: comments, translated blocks, tags and variables taken out."""
    text = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", text, flags=re.DOTALL)
    text = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", text, flags=re.DOTALL)
    return re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", named(TEMPLATES))
def test_template__under_the_strict_policy__has_nothing_inline(path: Path) -> None:
    text = path.read_text()
    assert not re.findall(r"\sstyle\s*=", text), "a style attribute"
    assert not re.findall(r"<style", text), "a style element"
    assert not re.findall(r"<[^>]*\son[a-z]+\s*=", without_django(text)), "an event handler"
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), "an inline script"
    assert "javascript:" not in text and "hx-on" not in text


@pytest.mark.parametrize("path", named([path for path in TEMPLATES if not path.name.startswith(SAMPLES)]))
def test_template__every_word__goes_through_gettext(path: Path) -> None:
    text = without_django(path.read_text())
    text = re.sub(r"<(code|pre|kbd|svg)\b.*?</\1>", "", text, flags=re.DOTALL)
    spoken = re.findall(r'\s(?:aria-label|title|alt)="([^"]*)"', text)
    spoken += re.findall(r'\splaceholder="([^"]*\s[^"]*)"', text)  # without a space: an identifier as example
    shown = [part.strip() for part in re.sub(r"<[^>]*>", "\n", text).splitlines()]
    words = [re.sub(r"&\w+;", "", part).strip(" -,.()") for part in [*spoken, *shown]]
    assert not [w for w in words if re.search(r"[A-Za-z]{2,}", w) and w not in NO_WORDS]


@pytest.mark.parametrize("path", named([*TEMPLATES, *SCRIPTS]))
def test_page_file__as_the_style_asks__is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 150


@pytest.mark.parametrize("path", named(TEMPLATES))
def test_template__icons_and_files__exist(path: Path) -> None:
    text, icons = path.read_text(), set(re.findall(r'<symbol id="([a-z]+)"', (ROOT / "static/icons.svg").read_text()))
    assert set(re.findall(r'{% icon "([^"]+)" %}', text)) <= icons
    for name in re.findall(r"{% static '([^']+)' %}", text):
        assert finders.find(name), name


@pytest.mark.parametrize("path", named(SCRIPTS))
def test_script__imports_icons_and_words__exist(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r'(?:from|import) "\./([^"]+)"', text):
        assert (path.parent / name).exists(), name
    icons = (ROOT / "static/icons.svg").read_text()
    assert all(f'id="{name}"' in icons for name in re.findall(r'\bicon\("([a-z]+)"\)', text))
    said = set(re.findall(r"(?<!/)\bwords\.([a-z_]+)", text))
    known = set(ui.WORDS) | set(wording.RUN) | set(wording.CHAT) | set(wording.LAUNCH) | set(labeling.WORK)
    known |= (
        set(comparing.WORDS) | set(evaluation.RATE) | set(evaluation.CHARTS) | set(serving.TRY) | set(quality.SCRIPT)
    )
    assert 'from "./words.js"' not in text or said <= known
    assert not re.search(r"\beval\(|new Function|\.onclick|setAttribute\(\"style\"", text)


@pytest.mark.parametrize("path", named([path for path in SHEETS if path.name != "tokens.css"]))
def test_sheet__outside_the_tokens__names_no_colour(path: Path) -> None:
    found = re.findall(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(", path.read_text())
    assert not found, "colours belong into tokens.css"


def test_plotly__as_installed__writes_only_the_styles_that_are_kept_out() -> None:
    bundle = Path(str(finders.find(PLOTLY))).read_text()
    assert bundle.count('createElement("style")') == len(ui.PLOTLY_STYLES)
    assert all(name.removesuffix("global") in bundle for name in ui.PLOTLY_STYLES)


def test_control__of_a_field_with_errors__is_bound_to_them(db: None) -> None:
    form = MemberForm({"email": "nobody", "role": "owner"})
    html = Template('{% include "components/field.html" with field=form.email %}').render(Context({"form": form}))
    assert 'class="input"' in html and 'aria-invalid="true"' in html and 'aria-describedby="id_email_error"' in html
    assert 'id="id_email_error"' in html


@pytest.mark.parametrize("address", ["/", "/styleguide/", "/settings/members/", "/nothing/here/"])
def test_page__for_a_member__comes_in_the_frame_with_the_strict_policy(
    cast: Cast, client: Client, address: str
) -> None:
    client.force_login(cast.owner)
    answer = client.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
    assert b'class="rail"' in answer.content and b"Northpeak" in answer.content


def test_page__for_nobody__is_the_door(client: Client, db: None) -> None:
    assert client.get("/").headers["Location"].startswith("/accounts/login/")
    assert b'class="plain"' in client.get("/nothing/here/").content


def test_page__for_a_person_without_a_workspace__is_a_page_without_a_frame(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("lone@example.com", "a long pass phrase"))
    answer = client.get("/")
    assert answer.status_code == 404 and b'class="plain"' in answer.content


def test_fault__of_ours__is_told_without_the_database() -> None:
    """No database is allowed in this test, as it may be the one that broke."""
    assert "Your work is safe" in server_error(RequestFactory().get("/")).content.decode()
