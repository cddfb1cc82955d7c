"""Words for the figures of a profile."""

from django.utils.translation import gettext_lazy as _

LENGTHS = {
    "characters": (_("Characters of a row"), _("characters")),
    "words": (_("Words of a row"), _("words")),
    "tokens": (_("Tokens of a row"), _("tokens")),
    "turns": (_("Turns of a row"), _("turns")),
}
KIND_NAMES = {
    "email": _("e-mail address"),
    "phone": _("phone number"),
    "card": _("credit card"),
    "iban": _("bank account (IBAN)"),
    "ssn": _("US social security number"),
    "cn_id": _("Chinese identity number"),
    "ip": _("IP address"),
    "url": _("web address"),
    "name": _("name of a person"),
}
LANGUAGE_NAMES = {
    "en": _("English"), "zh": _("Chinese"), "de": _("German"), "fr": _("French"), "es": _("Spanish"), "it": _("Italian"),
    "pt": _("Portuguese"), "nl": _("Dutch"), "pl": _("Polish"), "ru": _("Russian"), "ja": _("Japanese"), "ko": _("Korean"),
    "ar": _("Arabic"), "hi": _("Hindi"), "tr": _("Turkish"), "sv": _("Swedish"), "uk": _("Ukrainian"), "vi": _("Vietnamese"),
    "": _("too little text"),
}  # fmt: skip
REASONS = {
    "not_wanted": _("left out, as it was asked"),
    "no_model": _("no base model was ready"),
    "no_tokenizer": _("no base model was ready whose tokens could be counted"),
    "few_rows": _("too few rows"),
    "not_english": _("most rows are not in English, which the embedding knows alone"),
    "no_text": _("the rows have no text"),
}
STATES = {"broken": _("Broken"), "kept": _("Kept"), "off": _("No limit"), "unknown": _("Not measured")}
SCRIPT = {
    "rows": _("rows"),
    "not_measured": _("Not measured"),
}
