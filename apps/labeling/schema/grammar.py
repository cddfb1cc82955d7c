"""What of Label Studio's labeling config we take: tags, their attributes, and what each attribute may hold. Pure.

Anything not named here is refused: a config comes from people and is shown to other people, and Label Studio itself lets
`<script>`, `html=` and `style=` through.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8
MAX_ELEMENTS = 400
MAX_OPTIONS = 60
MAX_CONTROLS = 20
MAX_TEXT = 1000  # characters of one attribute
MAX_RATING = 10

OBJECTS = ("Text", "Paragraphs", "Chat", "Image", "List")
CONTROLS = (
    "Choices", "Labels", "ParagraphLabels", "RectangleLabels", "Relations", "TextArea", "Rating", "Number", "Pairwise", "Ranker",
)  # fmt: skip
WITH_OPTIONS = ("Choices", "Labels", "ParagraphLabels", "RectangleLabels", "Relations")

# What a question may be about, where it is not any object.
ABOUT = {
    "Labels": ("Text",),
    "ParagraphLabels": ("Paragraphs", "Chat"),
    "RectangleLabels": ("Image",),
    "Pairwise": ("Text", "Paragraphs", "Chat", "Image"),
    "Ranker": ("List",),
}

# Keys of the screen itself; an option's hotkey may not take one.
RESERVED_KEYS = frozenset("jkusgnfbr?0123456789")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_FIELD = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]{0,63}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,30}")
_NUMBER = re.compile(r"[0-9]{1,4}")
_DECIMAL = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")


def _text(value: str) -> bool:
    return 0 < len(value) <= MAX_TEXT and bool(value.strip()) and value.isprintable()


def _name(value: str) -> bool:
    return bool(_NAME.fullmatch(value))


def _two_names(value: str) -> bool:
    names = value.split(",")
    return len(names) == 2 and all(map(_name, names)) and names[0] != names[1]


def _field(value: str) -> bool:
    return bool(_FIELD.fullmatch(value))


def _text_or_field(value: str) -> bool:
    return _field(value) or (_text(value) and not value.startswith("$"))


def _flag(value: str) -> bool:
    return value in ("true", "false")


def _number(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value))


def _decimal(value: str) -> bool:
    return bool(_DECIMAL.fullmatch(value))


def _positive(value: str) -> bool:
    return _decimal(value) and float(value) > 0


def _colour(value: str) -> bool:
    return bool(_COLOUR.fullmatch(value))


def _key(value: str) -> bool:
    return len(value) == 1 and value.isascii() and value.isalnum() and not value.isupper()


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


Check = Callable[[str], bool]
_NAMED: dict[str, Check] = {"name": _name, "toName": _name}
_CONTROL: dict[str, Check] = {**_NAMED, "required": _flag, "requiredMessage": _text}
_MARKS: dict[str, Check] = {**_CONTROL, "choice": _one_of("single", "multiple"), "showInline": _flag}
_TALK: dict[str, Check] = {"name": _name, "value": _field}

ALLOWED: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "View": {},
        "Header": {"value": _text_or_field, "size": _number},
        "Text": {"name": _name, "value": _field, "granularity": _one_of("symbol", "word", "sentence", "paragraph")},
        "Paragraphs": {
            **_TALK,
            "layout": _one_of("dialogue", "none"),
            "nameKey": _one_of("role"),
            "textKey": _one_of("content"),
        },
        "Chat": _TALK,
        "Image": {"name": _name, "value": _field, "zoom": _flag, "zoomControl": _flag, "crosshair": _flag},
        "List": {"name": _name, "value": _field, "title": _text},
        "Choices": {
            **_CONTROL,
            "choice": _one_of("single", "single-radio", "multiple"),
            "showInline": _flag,
            "layout": _one_of("inline", "vertical"),
        },
        "Choice": {"value": _text, "alias": _text, "hotkey": _key, "hint": _text},
        "Labels": _MARKS,
        "ParagraphLabels": _MARKS,
        "RectangleLabels": {**_MARKS, "canRotate": _one_of("false")},
        "Label": {"value": _text, "alias": _text, "hotkey": _key, "hint": _text, "background": _colour},
        "Relations": {},
        "Relation": {"value": _text, "background": _colour},
        "TextArea": {
            **_CONTROL,
            "value": _field,
            "placeholder": _text,
            "rows": _number,
            "maxSubmissions": _one_of("1"),
            "editable": _flag,
            "showSubmitButton": _flag,
        },
        "Rating": {
            **_CONTROL,
            "maxRating": _number,
            "icon": _one_of("star", "heart", "fire", "smile"),
            "size": _one_of("small", "medium", "large"),
            "hint": _text,
        },
        "Number": {**_CONTROL, "min": _decimal, "max": _decimal, "step": _positive, "slider": _flag, "hint": _text},
        "Pairwise": {**_CONTROL, "toName": _two_names},
        "Ranker": _CONTROL,
    }
)

_BOTH, _SHOWS, _VALUE = ("name", "toName"), ("name", "value"), ("value",)
NEEDED = {
    **dict.fromkeys(OBJECTS, _SHOWS),
    **dict.fromkeys((kind for kind in CONTROLS if kind != "Relations"), _BOTH),
    **dict.fromkeys(("Header", "Choice", "Label", "Relation"), _VALUE),
}

# Which tag may stand in which.
INSIDE = {
    "View": ("View", "Header", *OBJECTS, *CONTROLS),
    "Choices": ("Choice",),
    "Labels": ("Label",),
    "ParagraphLabels": ("Label",),
    "RectangleLabels": ("Label",),
    "Relations": ("Relation",),
}

# What a wrong attribute is usually meant to be, for the hint.
INSTEAD = {
    "style": _("The console has its own look; leave it out."),
    "className": _("The console has its own look; leave it out."),
    "html": _("Text is always shown as text; use value."),
    "valueList": _("Use value with one field."),
    "perRegion": _("Answers about single spans are not read yet."),
    "perItem": _("Answers about single items are not read; ask once about all."),
    "visibleWhen": _("Every question is always shown."),
    "whenTagName": _("Every question is always shown."),
    "defaultValue": _("An answer is always the person's own; only a TextArea can be filled in, with value."),
    "selected": _("An answer is always the person's own; leave it out."),
    "leftClass": _("The answer is stored as left or right."),
    "rightClass": _("The answer is stored as left or right."),
    "maxUsages": _("A label may be used any number of times."),
}

_IN_LABEL_STUDIO = _("Label such data in Label Studio, and import what people answered.")
_NO_BOXES = _("Use RectangleLabels, or Choices about the whole image; other shapes are labelled in Label Studio.")
_NO_MEDIA = _("Sound, video and time series are labelled in Label Studio; import what people answered.")
_NO_HTML = _("HTML is never shown as markup. Use Text with Labels.")
_NO_CODE = _("Code and styles of a config are never run. Leave it out.")

# Tags of Label Studio that this console does not draw, and what to do instead.
NOT_DRAWN = {
    **dict.fromkeys(
        (
            "Brush", "BrushLabels", "Bitmask", "BitmaskLabels", "MagicWand", "Ellipse", "EllipseLabels", "KeyPoint", "KeyPointLabels",
            "Polygon", "PolygonLabels", "Vector", "VectorLabels", "OcrLabels",
        ),
        _NO_BOXES,
    ),
    **dict.fromkeys(
        (
            "Audio", "AudioPlus", "Video", "VideoRectangle", "VideoVector", "VideoVectorLabels", "TimelineLabels", "TimeSeries",
            "TimeSeriesLabels", "Channel", "MultiChannel", "Timeline",
        ),
        _NO_MEDIA,
    ),
    **dict.fromkeys(("HyperText", "HyperTextLabels", "Markdown"), _NO_HTML),
    **dict.fromkeys(("Style", "ReactCode", "Script", "Interface"), _NO_CODE),
    "Rectangle": _("Use RectangleLabels, which names what is in the box."),
    "Bucket": _("Rank the list as a whole: a Ranker without buckets."),
    "Taxonomy": _("Use Choices, one level at a time."),
    "DateTime": _("Use a TextArea, or Choices for a few dates."),
    "Table": _("Show the columns that matter with a Text each."),
    "Repeater": _("Write each question out, or make each item a task of its own."),
    "Filter": _("A list of choices is short enough to be read; leave it out."),
    "Collapse": _("Put the question after a Header."),
    "Panel": _("Put the question after a Header."),
    "Shortcut": _("Leave it out: text is typed."),
    "ChatMessage": _("Use a TextArea for the answer."),
    "PDF": _IN_LABEL_STUDIO,
}  # fmt: skip
