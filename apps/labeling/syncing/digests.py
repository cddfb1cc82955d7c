"""Whether two results say the same. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_SAID = ("from_name", "to_name", "type", "value", "direction", "labels")


def digest(result: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of what a checked result says, whatever the order and the ids of its regions."""
    names = {region["id"]: _text(_said(region)) for region in result if "id" in region}
    lines = [_text({**_said(region), "ends": _ends(region, names)}) for region in result]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _said(region: Mapping[str, Any]) -> dict[str, Any]:
    return {name: region[name] for name in _SAID if name in region}


def _ends(region: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    return [names.get(region.get(end, ""), "") for end in ("from_id", "to_id")]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
