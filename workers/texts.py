"""Three ways to clean a text: markup out, damaged characters repaired, white space tidied. Each is linear in the text's length,
leaves code between back ticks alone where it could hurt it, and changes nothing that is already clean."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import ftfy

_BLOCKS = (
    "address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4"
    " h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody tfoot thead title tr ul"
)
_INLINE = (
    "a abbr acronym area audio b base bdi bdo big button canvas cite code col colgroup data datalist del dfn em embed font iframe img input"
    " ins kbd label link map mark meta meter noscript object optgroup output param picture progress q s samp select small source span"
    " strike strong sub sup svg td template textarea th time track tt u var video wbr"
)
_BREAKS, _DROPPED = frozenset(_BLOCKS.split()), frozenset({"script", "style"})
_ITEMS, _CELLS = (
    frozenset({"li", "tr", "dt", "dd", "br"}),
    frozenset({"td", "th"}),
)  # one break or space for each pair of tags
_NAMES = "|".join(sorted({*_BREAKS, *_INLINE.split(), *_DROPPED}, key=len, reverse=True))
_ATTRIBUTES = r"""(?:\s(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^"'<>]){0,2000}+)?"""
_MARKUP = re.compile(rf"<!--|-->|<!doctype[^<>]{{0,500}}>|<(/?)({_NAMES})\b{_ATTRIBUTES}/?>", re.IGNORECASE)
CODE = re.compile(r"(```.*?```|`[^`\n]{1,500}`)", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # what html.unescape makes of NUL, surrogates and numbers that are no characters

_ODD_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x0B, 0x0C], " ")
_ODD_SPACES |= {0x200B: "", 0xFEFF: "", 0x2028: "\n", 0x2029: "\n\n"}
_ODD = re.compile("[" + "".join(map(chr, _ODD_SPACES)) + "]")
_RUN = re.compile(r"[ \t](?<=\S[ \t])[ \t]+(?=\S)")  # begins with what is rare, so that it is found quickly
_BLANK_LINES = re.compile(r"\n{3,}")
_PLAIN = re.compile(r"[\n\t -~]*")

_REPAIR = ftfy.TextFixerConfig(
    unescape_html=False,  # the markup step does it, and this one must not undo code
    uncurl_quotes=False,  # typographic quotes and ligatures are no damage
    fix_latin_ligatures=False,
    fix_character_width=False,  # wide forms are how Chinese and Japanese are written
    explain=False,
)


def strip_html(text: str) -> str:
    """The text without tags, comments, scripts and styles; entities become characters; what begins a block begins a line.

    Only tags of HTML go: `a < b`, `List<String>` and `<think>` stay, as does all code between back ticks.
    """
    if "<" not in text and "&" not in text:
        return text
    whole = "".join(part if number % 2 else _stripped(part) for number, part in enumerate(CODE.split(text)))
    return text if whole == text else whole.strip()


def _stripped(text: str) -> str:
    pieces, place, opened = list[str](), 0, dict[str, int]()
    for match in _MARKUP.finditer(text):
        pieces.append(text[place : match.start()])
        place = match.end()
        found, name = match.group(), (match.group(2) or "").lower()
        if found == "<!--" or (name in _DROPPED and not match.group(1)):
            opened.setdefault(name, len(pieces))
        elif found == "-->" or name in _DROPPED:
            if (start := opened.pop(name, None)) is not None:
                del pieces[start:]
            elif found == "-->":
                pieces.append(found)  # an arrow, not the end of a comment
        elif name in _BREAKS and not (match.group(1) and name in _ITEMS):
            pieces.append("\n")
        elif name in _CELLS and not match.group(1):
            pieces.append(" ")
    pieces.append(text[place:])
    whole = "".join(pieces) if place else text
    return _ENTITY.sub(_character, whole) if "&" in whole else whole


def _character(entity: re.Match[str]) -> str:
    """The character of an entity; the entity itself where it stands for none that may be kept."""
    found = html.unescape(entity.group())
    return found if found and _UNKNOWN not in found else entity.group()


def repair_unicode(text: str) -> str:
    """The text with mis-decoded characters put right ("schÃ¶n" to "schön"), control characters out, and composed as NFC.

    With ftfy (Speer 2019, doi 10.5281/zenodo.2591652); typographic quotes, ligatures and wide forms stay as they are.
    """
    return text if _PLAIN.fullmatch(text) else ftfy.fix_text(text, _REPAIR)


def tidy_spaces(text: str) -> str:
    """The text with plain spaces and line ends: none around it, none doubled within a line, at most one empty line in a row.

    The indentation of lines and all code between back ticks keep their spaces.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(part if number % 2 else _tidied(part) for number, part in enumerate(CODE.split(text))).strip()


def _tidied(text: str) -> str:
    text = text.translate(_ODD_SPACES) if _ODD.search(text) else text
    *lines, last = text.split("\n")
    whole = "\n".join([*(line.rstrip(" \t") for line in lines), last])
    whole = _BLANK_LINES.sub("\n\n", whole) if "\n\n\n" in whole else whole
    return _RUN.sub(" ", whole)


TEXT_STEPS: dict[str, Callable[[str], str]] = {
    "html": strip_html,
    "unicode": repair_unicode,
    "whitespace": tidy_spaces,
}
