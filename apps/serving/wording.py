"""What the script of a deployment's page says; templates hand it to static/js/words.js as page-words."""

from django.utils.translation import gettext_lazy as _

TRY = {
    "asking": _("Asking"),
    "took": _("{tokens} tokens in {seconds} s"),
    "broke_off": _("The answer broke off."),
    "stopped": _("Stopped."),
}
