"""The form of a new sweep: a run to start from, and one line for each setting that varies. Pure but for its words."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.training.sweeping.serializers import NewSweepSerializer
from apps.training.sweeping.space import KINDS

EXAMPLE = "learning_rate log 1e-5 1e-3\nlora_r values 8 16 32"
NAMES = ("name", "strategy", "trials_wanted", "parallel", "pruning")


def read_space(text: str) -> dict[str, Any]:
    """Lines such as `learning_rate log 1e-5 1e-3` as a space. Raises Problem with the line."""
    found: dict[str, Any] = {}
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        name, kind, *values = [*line.replace(",", " ").replace(":", " ").split(), "", ""][: len(line.split()) + 2]
        values = [value for value in values if value]
        if kind not in KINDS or len(values) < (1 if kind == "values" else 2):
            message = _("Line %(number)s does not say how a setting varies.") % {"number": number}
            raise Problem(message, field="space", hint=EXAMPLE)
        read = [_value(value) for value in values]
        found[name] = {kind: read if kind == "values" else read[:2]}
        if kind == "range" and len(read) > 2:
            found[name]["step"] = read[2]
    return found


def values_of(posted: Mapping[str, Any], recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What `services.begin` takes. Raises Problem with the field."""
    body = {name: posted[name] for name in NAMES if posted.get(name)}
    body |= {"space": read_space(posted.get("space", "")), "recipe": dict(recipe), "base_model": "-"}
    given = NewSweepSerializer(data={**body, "dataset_version": "00000000-0000-0000-0000-000000000000"})
    if not given.is_valid():
        field, told = next(iter(given.errors.items()))
        raise Problem(str(told[0]), field=str(field))
    return {
        name: value for name, value in given.validated_data.items() if name not in ("base_model", "dataset_version")
    }


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)
