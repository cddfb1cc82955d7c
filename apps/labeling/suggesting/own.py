"""What rows say of themselves as a suggester ("own label"): which column goes with which question, and what of a task it reads.

A ner row's marks stand in the task's data as `spans`, a picture's boxes as `boxes`; any other column by its name.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import read_page
from apps.labeling.models import LabelProject, SuggesterKind
from apps.labeling.schema import fields
from apps.labeling.schema.label_config import Config, Control
from apps.labeling.suggesting import asking
from workers.own_labels import MOST_STRANGE, Own, own_label

MARKS = {"Labels": "spans", "RectangleLabels": "boxes"}
Data = Mapping[str, Any]


def columns_of(control: Control, data: Data) -> list[str]:
    """The fields of a task that can say something of a question."""
    if control.kind in MARKS:
        return [MARKS[control.kind]] if MARKS[control.kind] in data else []
    fit = (str, int, float, list) if control.kind == "Choices" else (str, int, float)
    return [
        name for name, value in data.items() if isinstance(value, fit) and name not in (*MARKS.values(), "messages")
    ]


def likely(control: Control, data: Data) -> str:
    """The column that goes with a question: its namesake, the class, or what is to be corrected; "" for none."""
    columns = columns_of(control, data)
    if control.kind in MARKS:
        return columns[0] if columns else ""
    wanted = [control.name, "label", *(["answer"] if control.kind == "TextArea" else [])]
    return next((name for name in wanted if name in columns and data[name] not in ("", [])), "")


def planned(config: Config, version: DatasetVersion) -> dict[str, Any]:
    """The settings for a new project of a version: the first question for which its rows have a column. Raises Problem for none."""
    [row] = read_page(version.shard_paths(), start=0, limit=1, total=version.row_count).rows
    data = fields.data_of(row, version.form)
    for control in asking.questions(config, SuggesterKind.OWN):
        if column := likely(control, data):
            return {"question": control.name, "field": column}
    message = _("No column of these rows answers a question of this project.")
    names = ", ".join(control.name for control in config.controls)
    hint = _("Name a question like its column, or make the suggester later. Questions: %(names)s.") % {"names": names}
    raise Problem(message, field="own_label", hint=hint)


def check(project: LabelProject, control: Control, given: Data) -> dict[str, Any]:
    """The settings as they are kept. Raises Problem naming the column."""
    column = given.get("field")
    first = project.tasks.order_by("number").values_list("data", flat=True).first()
    known = columns_of(control, first) if first else None
    if not isinstance(column, str) or not 0 < len(column) <= 64 or (known is not None and column not in known):
        message = _("The tasks have no such column for this question.")
        hint = _("There is: %(known)s.") % {"known": ", ".join(known[:20])} if known else ""
        raise Problem(message, field="field", hint=hint)
    return {"field": column}


def names_of(control: Control) -> dict[str, str]:
    """{what is shown or stored: what is stored} of each option."""
    stored = {option.stored: option.stored for option in control.options}
    return {option.value: option.stored for option in control.options} | stored


def read(data: Data, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the program needs of a task besides its text."""
    told: dict[str, Any] = {"own": data.get(spec["field"])}
    sides = [data.get("width"), data.get("height")]
    return told | ({"size": sides} if spec["field"] == "boxes" else {})


def tried(control: Control, config: Config, spec: Mapping[str, Any], data: Data) -> Own:
    """One task, now."""
    told, question = read(data, spec), asking.question_for(control)
    text = "\n".join(asking.texts_of(config, control, data))
    return own_label(question, names_of(control), told["own"], text, told.get("size"))


def strange_of(known: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Labels that no option has, of earlier tasks and new ones: {"strange": [[label, how often], ..]}, the most frequent ones."""
    counts = Counter(dict(known.get("strange", ()))) + Counter(dict(fresh.get("strange", ())))
    return {"strange": [list(one) for one in counts.most_common(MOST_STRANGE)]} if counts else {}
