"""Small pieces of the look that are shorter as a tag than as an include."""

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.core.finders import PLOTLY

register = template.Library()

# What scripts say: {% js_words %} hands it to static/js/words.js.
WORDS = {
    "live": _("Live"),
    "connecting": _("Connecting"),
    "reconnecting": _("Reconnecting"),
    "paused": _("Live updates are paused"),
    "signed-out": _("Signed out"),
    "sign_in_again": _("You are signed out. Load the page anew to sign in."),
    "complete": _("Complete"),
    "copied": _("Copied"),
    "not_copied": _("Copying is not allowed here; select the text instead."),
    "close": _("Close"),
    "unreachable": _("The console does not answer. It is tried again when you do."),
    "answered": _("The server answered {status}."),
    "seconds": _("s"),
    "minutes": _("min"),
    "hours": _("h"),
    "left": _("{time} left"),
    "step": _("Step {step}"),
    "step_of": _("step {done} of {total}"),
    "at_step": _("{label} {value} at step {step}"),
    "no_points": _("The curve starts with the first step"),
    "nothing_found": _("Nothing found"),
    "searching": _("Searching"),
    "held_lines": _("Paused, {count} new lines"),
}

# Plotly writes two style sheets into the page unless it finds these ids: its own rules (css/plotly.css has them) and those of
# its maps, which we do not draw. With both marks it runs under `style-src 'self'`; tests/core/test_ui.py counts them.
PLOTLY_STYLES = ("plotly.js-style-global", "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53")


@register.simple_tag
def icon(name: str) -> SafeString:
    """`{% icon "play" %}`: a 16 px line icon of static/icons.svg, hidden from screen readers (words stand beside it)."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name)


@register.simple_tag
def plotly_js() -> SafeString:
    """The script of Plotly.js, its rules as a file, and the marks that keep it from writing styles into the page."""
    marks = format_html_join("", '<meta id="{}" class="no-inline-styles">', ((name,) for name in PLOTLY_STYLES))
    return format_html(
        '<link rel="stylesheet" href="{}">{}<script defer src="{}"></script>',
        static("css/plotly.css"),
        marks,
        static(PLOTLY),
    )


@register.simple_tag
def js_words() -> SafeString:
    """WORDS in the language of the page."""
    return json_script(WORDS, "words")


@register.filter
def control(field: BoundField) -> SafeString:
    """The input of a form's field, in the look. Label, hint and errors stand around it in components/field.html."""
    looks = {"select": "select", "selectmultiple": "select", "checkbox": "", "radioselect": ""}
    given = field.field.widget.attrs.get("class", "")
    classes = f"{looks.get(field.widget_type, 'input')} {given}".strip()
    return field.as_widget(attrs={"class": classes} if classes else {})


@register.filter
def hue(name: str) -> int:
    """One of six colours for an avatar, always the same for the same name."""
    return sum(str(name).encode()) % 6 + 1


@register.filter
def no_break(text: object) -> str:
    """Digits and their unit stay on one line."""
    return str(text).replace(" ", "\u00a0")
