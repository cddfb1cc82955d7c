"""Personal data: where it stands in a text, and how it is masked. `personal_names` says which names are not found.

Phone numbers by libphonenumber's metadata (package phonenumbers); credit cards, IBAN, US and Chinese identity numbers by their check
digits or rules (python-stdnum); e-mail, IP and web addresses by their grammar.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import ipaddress
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from workers.cleaning.base import Dropped, Facts, Option, RowStep, StepKind, register
from workers.cleaning.personal_names import find_names
from workers.cleaning.sealing import TOKEN, seal
from workers.cleaning.texts import EMPTIED, SIDES, WHICH, roles_of
from workers.failures import UserError
from workers.formats.chat import TrainingRow
from workers.formats.forms import texts_of, with_texts
from workers.formats.problems import RowFault

KINDS = ("email", "phone", "card", "iban", "ssn", "cn_id", "ip", "url", "name")
KIND_LABELS = (
    "e-mail addresses", "phone numbers", "credit cards", "bank accounts (IBAN)", "US social security numbers",
    "Chinese identity numbers", "IP addresses", "web addresses", "names of persons",
)  # fmt: skip
DEFAULT_KINDS = [kind for kind in KINDS if kind != "url"]
REGIONS = ("CN", "US", "GB", "DE", "FR", "HK", "TW", "SG", "JP", "KR", "IN", "AU", "CA", "BR")


class Span(NamedTuple):
    """A place of personal data in a text: [start, end) in characters."""

    kind: str
    start: int
    end: int


_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_URL = re.compile(r"(?:\b(?:https?|ftp)://|(?<![\w.])www\.)[A-Za-z0-9][^\s<>\"'`，。；！？、）】」]{1,2000}")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d|[A-Za-z_])")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_CARD = re.compile(r"(?<![\d-])(?<!\d )[2-6]\d{3}(?:[ -]?\d){9,15}(?![ -]?\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![a-z])")
_SSN = re.compile(r"(?<![\d-])\d{3}([- ])\d{2}\1\d{4}(?![\d-])")
_CN_ID = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])"
)
_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,4}\d){6}")
_MOST_PHONES = 10_000  # tries of libphonenumber in one text


def find(
    text: str, kinds: Iterable[str] = DEFAULT_KINDS, regions: Sequence[str] = ("CN", "US"), names: Iterable[str] = ()
) -> list[Span]:
    """Personal data of these kinds in a text, in order and without overlaps; where two overlap, the one that is checked best stays.

    `regions` are those whose phone numbers are known without the country code; `names` are known from elsewhere in the row.
    What was masked already is not found again.
    """
    wanted, found = frozenset(kinds), [Span("", *token.span()) for token in TOKEN.finditer(text)]
    for kind, finder in _FINDERS.items():
        if kind in wanted:
            found += [Span(kind, *span) for span in finder(text)]
    if "phone" in wanted and _SEVEN_DIGITS.search(text):
        found += [Span("phone", *span) for span in _phones(text, regions)]
    if "name" in wanted:
        found += [Span("name", *span) for span in find_names(text, names)]
    kept = list[tuple[int, int, str]]()
    for kind, start, end in found:  # in the order of their trust
        place = bisect(kept, (start, end, ""))
        is_free = (place == 0 or kept[place - 1][1] <= start) and (place == len(kept) or end <= kept[place][0])
        if is_free:
            kept.insert(place, (start, end, kind))
    return [Span(kind, start, end) for start, end, kind in kept if kind]


def _matching(pattern: re.Pattern[str], is_valid: Callable[[str], bool]) -> Callable[[str], Iterator[tuple[int, int]]]:
    return lambda text: (match.span() for match in pattern.finditer(text) if is_valid(match.group()))


def _urls(text: str) -> Iterator[tuple[int, int]]:
    for match in _URL.finditer(text):
        yield match.start(), match.start() + len(match.group().rstrip(".,;:!?)]}"))


def _is_card(text: str) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", text)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn.is_valid(digits)


def _is_ssn(text: str) -> bool:
    from stdnum.us import ssn

    return bool(ssn.is_valid(text.replace(" ", "-")))


def _is_cn_id(text: str) -> bool:
    from stdnum.iso7064 import mod_11_2

    return bool(mod_11_2.is_valid(text.upper()))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Candidates may have swallowed the word after them: the longest beginning with right check digits counts."""
    from stdnum import iban

    for match in _IBAN.finditer(text):
        said = match.group()
        ends = [end for end in range(len(said), 14, -1) if said[end - 1] != " " and said[end : end + 1] in ("", " ")]
        if end := next((end for end in ends if iban.is_valid(said[:end])), None):
            yield match.start(), match.start() + end


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(character.isdigit() for character in text)


def _phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    import phonenumbers

    for region in regions or ("ZZ",):
        for match in phonenumbers.PhoneNumberMatcher(text, region, max_tries=_MOST_PHONES):
            yield match.start, match.end


_FINDERS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": lambda text: (match.span() for match in _EMAIL.finditer(text)) if "@" in text else iter(()),
    "url": _urls,
    "cn_id": _matching(_CN_ID, _is_cn_id),
    "iban": _ibans,
    "card": _matching(_CARD, _is_card),
    "ssn": _matching(_SSN, _is_ssn),
    "ip": lambda text: (
        match.span() for one in (_IPV4, _IPV6) for match in one.finditer(text) if _is_address(match.group())
    ),
}

# Masking

MODES = ("placeholder", "pseudonym", "token")
Mask = Callable[[str, str], str]  # kind and value to what stands in its place


def masks(mode: str, key: bytes | None) -> Callable[[], Mask]:
    """For each row a mask: [EMAIL]; or [EMAIL_1], the same for the same value within the row; or a token (sealing.seal)."""
    if mode == "token":
        if key is None:
            raise UserError("Reversible masks need the workspace's key.", "Choose another way of masking.", "mode")
        sealed = lambda kind, value: seal(kind, value, key)  # noqa: E731
        return lambda: sealed
    if mode == "placeholder":
        return lambda: lambda kind, value: f"[{kind.upper()}]"
    return _numbered


def _numbered() -> Mask:
    numbers: dict[str, dict[str, int]] = {}

    def mask(kind: str, value: str) -> str:
        known = numbers.setdefault(kind, {})
        plain = re.sub(r"[\s().-]", "", value).casefold() if kind != "name" else " ".join(value.split())
        return f"[{kind.upper()}_{known.setdefault(plain, len(known) + 1)}]"

    return mask


def masked(text: str, spans: Iterable[Span], mask: Mask) -> str:
    """The text with what stands at the spans masked."""
    pieces, place = list[str](), 0
    for kind, start, end in spans:
        pieces += [text[place:start], mask(kind, text[start:end])]
        place = end
    return "".join([*pieces, text[place:]])


def _names_in(texts: Iterable[str]) -> set[str]:
    return {text[start:end] for text in texts for start, end in find_names(text)}


def _make(options: Mapping[str, Any], facts: Facts) -> RowStep:
    kinds, regions, which, form = options["kinds"], tuple(options["regions"]), options["texts"], facts.form
    new_mask = masks(options["mode"], facts.workspace_key)

    def step(row: TrainingRow) -> TrainingRow | Dropped:
        texts, mask = texts_of(row), new_mask()
        roles = [] if which == "all" else roles_of(row) + [""] * len(texts)
        names = _names_in(texts) if "name" in kinds else ()
        after = [
            masked(text, spans, mask)
            if (which == "all" or roles[number] == SIDES[which]) and (spans := find(text, kinds, regions, names))
            else text
            for number, text in enumerate(texts)
        ]
        if after == texts:
            return row
        try:
            return with_texts(row, after, form=form)
        except RowFault:
            return Dropped(EMPTIED)

    return step


register(
    StepKind(
        "personal",
        "Mask personal data",
        "What is found is replaced, in English and Chinese text. Numbers are checked by their rules; of names, only some are found.",
        "privacy",
        (
            Option("kinds", "choices", "What", DEFAULT_KINDS, KINDS, is_required=True, choice_labels=KIND_LABELS),
            Option(
                "mode",
                "choice",
                "Becomes",
                "placeholder",
                MODES,
                help="A sealed value can be opened again by an owner of this workspace, and by nobody else.",
                choice_labels=(
                    "the kind: [EMAIL]",
                    "a number in its row: [EMAIL_1]",
                    "a sealed value, reversible by owners",
                ),
            ),
            Option(
                "regions",
                "choices",
                "Phone numbers of",
                ["CN", "US"],
                REGIONS,
                help="Numbers with a country code are always found.",
            ),
            WHICH,
        ),
        _make,
    )
)
