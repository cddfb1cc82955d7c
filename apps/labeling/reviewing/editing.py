"""A reviewer's own answer, put together on the page: values of the questions, and the marks to keep of all that people made."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.reviewing import wording
from apps.labeling.schema.alike import Answers, Region, key_of
from apps.labeling.schema.parts import Config, Control

_KEPT = ("Relations", "Ranker")  # beside marks: taken over as they are


def asked(config: Config, people: Sequence[tuple[str, Answers]], start: Answers) -> list[dict[str, Any]]:
    """For each question what the form shows, filled from the answer `start`."""
    return [_asked(control, people, start.get(control.name, [])) for control in config.controls]


def _asked(control: Control, people: Sequence[tuple[str, Answers]], start: Sequence[Region]) -> dict[str, Any]:
    value = start[0].get("value", {}) if start else {}
    line: dict[str, Any] = {"control": control, "field": f"q-{control.name}"}
    if control.marks or control.kind in _KEPT:
        return {**line, "kept": _offered(control, people, start)}
    return {
        **line,
        "choices": value.get("choices", []),
        "text": (value.get("text") or [""])[0],
        "number": value.get("number", value.get("rating", "")),
        "selected": value.get("selected", ""),
    }


def _offered(control: Control, people: Sequence[tuple[str, Answers]], start: Sequence[Region]) -> list[dict[str, Any]]:
    """Every different mark once, with who made it."""
    found: dict[str, dict[str, Any]] = {}
    for by, (name, answers) in enumerate(people):
        for place, region in enumerate(answers.get(control.name, [])):
            key = _key(region)
            offer = {"value": f"{by}.{place}", "words": wording.lines(control, [region]), "names": [], "on": False}
            found.setdefault(key, offer)["names"].append(name)
            found[key]["on"] |= any(_key(one) == key for one in start)
    return list(found.values())


def _key(region: Region) -> str:
    return str(key_of(region)) if "start" in region.get("value", {}) or "ends" in region else str(region.get("value"))


def result_from(config: Config, people: Sequence[tuple[str, Answers]], posted: QueryDict) -> list[dict[str, Any]]:
    """The result that the form says; checked by who keeps it. Raises Problem for marks that nobody made."""
    result: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    for control in sorted(config.controls, key=lambda control: control.kind == "Relations"):
        if control.marks or control.kind in _KEPT:
            result += _kept(control, people, posted.getlist(f"q-{control.name}"), ids)
        elif value := _value(control, posted):
            base = {"from_name": control.name, "to_name": control.to, "type": control.type}
            result.append({**base, "value": value})
    return result


def _kept(
    control: Control, people: Sequence[tuple[str, Answers]], ticked: Sequence[str], ids: dict[str, str]
) -> list[dict[str, Any]]:
    """The ticked marks; each gets an id of its own, as two people's marks may share one."""
    found = []
    for tick in ticked:
        by, _dot, place = tick.partition(".")
        try:
            region = dict(people[int(by)][1][control.name][int(place)])
        except (ValueError, IndexError, KeyError):
            raise Problem(_("There is no such mark."), field=f"q-{control.name}") from None
        region.pop("ends", None)
        if control.kind == "Relations":
            ends = {end: ids.get(f"{by}.{region[end]}") for end in ("from_id", "to_id")}
            if None in ends.values():
                message = _("A relation needs both of its marks: keep the marks of the person who linked them.")
                raise Problem(message, field=f"q-{control.name}")
            region.update(ends)
        else:
            ids[f"{by}.{region.get('id')}"] = region["id"] = f"r{by}-{len(ids)}"
        found.append(region)
    return found


def _value(control: Control, posted: Mapping[str, str] | QueryDict) -> dict[str, Any] | None:
    name = f"q-{control.name}"
    if control.kind == "Choices" and isinstance(posted, QueryDict):
        return {"choices": posted.getlist(name)} if posted.getlist(name) else None
    text = posted.get(name, "")
    if control.kind == "TextArea":
        return {"text": [text.replace("\r\n", "\n")]} if text else None
    if not text:
        return None
    if control.kind == "Pairwise":
        return {"selected": text}
    return {"rating" if control.kind == "Rating" else "number": _number(text, name)}


def _number(text: str, field: str) -> int | float:
    try:
        number = float(text)
        return int(number) if number == int(number) else number
    except (ValueError, OverflowError):
        raise Problem(_("Give a number."), field=field) from None
