"""What the box on a deployment's page sends: a conversation and two settings. Raises Problem."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.training.chat import checked_messages, checked_number

MOST_TOKENS = 2048
MOST_TEMPERATURE = 2


def read(given: Any) -> dict[str, Any]:
    """The request for the engine, from a JSON body. Raises Problem."""
    if not isinstance(given, Mapping):
        raise Problem(_("The body must be a JSON object."))
    return {
        "messages": checked_messages(given.get("messages"), given.get("prompt")),
        "max_tokens": int(checked_number(given.get("max_tokens", 200), "max_tokens", 1, MOST_TOKENS)),
        "temperature": checked_number(given.get("temperature", 0), "temperature", 0, MOST_TEMPERATURE),
    }
