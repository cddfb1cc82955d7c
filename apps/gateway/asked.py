"""What a client of the OpenAI API asks for: the body of POST /v1/chat/completions, checked. Pure: raises Problem, whose field is
OpenAI's `param`.

Fields that are not known, or that change nothing here, are let pass, as clients send many. What would change the answer and is not
done here (several choices, tools, pictures) is refused rather than ignored.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem

MOST_MESSAGES = 200
MOST_CHARACTERS = 50_000
MOST_TOKENS = 4096
USUAL_TOKENS = 512
MOST_STOPS = 4
LONGEST_NAME = 200
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
NOT_DONE = ("tools", "functions", "tool_choice", "audio", "modalities", "logprobs", "top_logprobs", "logit_bias")


@dataclass(frozen=True)
class Asked:
    """One request, ready for an engine."""

    model: str
    request: dict[str, Any]  # messages, max_tokens, temperature, top_p, seed, stop
    user: str = ""
    is_stream: bool = False
    with_usage: bool = False


def read(body: Any) -> Asked:
    """The request in a JSON body. Raises Problem."""
    if not isinstance(body, Mapping):
        raise Problem(_("The body must be a JSON object."))
    _refuse_what_is_not_done(body)
    options = _object(body, "stream_options")
    return Asked(
        model=_text(body, "model", required=True),
        user=_text(body, "user"),
        is_stream=_flag(body, "stream"),
        with_usage=_flag(options, "include_usage", "stream_options.include_usage"),
        request={
            "messages": _messages(body.get("messages")),
            "max_tokens": int(_most_tokens(body)),
            "temperature": _number(body, "temperature", 1.0, 0, 2),
            "top_p": _number(body, "top_p", 1.0, 0, 1),
            "seed": _seed(body),
            "stop": _stops(body.get("stop")),
        },
    )


def _refuse_what_is_not_done(body: Mapping[str, Any]) -> None:
    for name in NOT_DONE:
        if body.get(name) not in (None, [], {}, False, "none", "auto", 0, ["text"]):
            raise Problem(_("%(name)s is not supported.") % {"name": name}, field=name, code="unsupported_parameter")
    if body.get("n") not in (None, 1):
        raise Problem(_("Only one choice is given: n must be 1."), field="n", code="unsupported_value")
    wanted = body.get("response_format")
    if isinstance(wanted, Mapping) and wanted.get("type", "text") != "text":
        message = _("Only the response format text is supported.")
        raise Problem(message, field="response_format", code="unsupported_value")


def _messages(given: Any) -> list[dict[str, str]]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_MESSAGES:
        words = {"most": MOST_MESSAGES}
        raise Problem(_("messages must be a list of 1 to %(most)s messages.") % words, field="messages")
    found = [_message(message, f"messages[{place}]") for place, message in enumerate(given)]
    if sum(len(message["content"]) for message in found) > MOST_CHARACTERS:
        raise Problem(_("The messages are too long."), field="messages", code="context_length_exceeded")
    return found


def _message(given: Any, place: str) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise Problem(_("A message must be an object."), field=place)
    role = given.get("role")
    if not isinstance(role, str) or role not in ROLES:
        words = {"roles": ", ".join(ROLES)}
        raise Problem(_("A role must be one of %(roles)s.") % words, field=f"{place}.role")
    return {"role": ROLES[role], "content": _content(given.get("content"), f"{place}.content")}


def _content(given: Any, place: str) -> str:
    """A text, or parts of text in the order in which they are read."""
    if isinstance(given, str):
        return given
    if not isinstance(given, list) or not given:
        raise Problem(_("The content must be a text or a list of text parts."), field=place)
    for number, part in enumerate(given):
        is_text = isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str)
        if not is_text:
            raise Problem(_("Only parts of type text are read."), field=f"{place}[{number}]")
    return "".join(part["text"] for part in given)


def _most_tokens(body: Mapping[str, Any]) -> float:
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    return _whole(body, name, USUAL_TOKENS, 1, MOST_TOKENS)


def _seed(body: Mapping[str, Any]) -> int | None:
    """Any whole number, as OpenAI takes, brought into the range of the generator; without one the engine draws its own."""
    if body.get("seed") is None:
        return None
    return int(_whole(body, "seed", 0, -(2**63), 2**63 - 1)) % 2**63


def _whole(body: Mapping[str, Any], name: str, default: int, low: int, high: int) -> float:
    value = _number(body, name, default, low, high)
    if value != int(value):
        raise Problem(_("%(name)s must be a whole number.") % {"name": name}, field=name)
    return value


def _number(body: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        words = {"name": name, "low": low, "high": high}
        raise Problem(_("%(name)s must be a number from %(low)s to %(high)s.") % words, field=name)
    found: float = value
    return found


def _stops(given: Any) -> list[str]:
    stops = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(stops, list) or len(stops) > MOST_STOPS or not all(isinstance(stop, str) for stop in stops):
        raise Problem(_("stop must be a text or a list of up to 4 texts."), field="stop")
    return [stop for stop in stops if stop]


def _text(body: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = body.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or (required and not value):
        words = {"name": name, "most": LONGEST_NAME}
        raise Problem(_("%(name)s must be a text of at most %(most)s characters.") % words, field=name)
    return value


def _flag(body: Mapping[str, Any], name: str, place: str = "") -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Problem(_("%(name)s must be true or false.") % {"name": place or name}, field=place or name)
    return bool(value)


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise Problem(_("%(name)s must be an object.") % {"name": name}, field=name)
    return value or {}
