"""Which task of a project a record of a file speaks of: by its key, by its number, else by what the task shows."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.labeling.exchange.boxes import file_name
from apps.labeling.exchange.regions import columns_of, question
from apps.labeling.models import LabelProject
from apps.labeling.schema import fields
from apps.labeling.schema.parts import Config
from workers.labels.conll import squeezed
from workers.labels.found import Found

MOST_READ = 100_000  # tasks that are read through while somebody waits
_MOST_SHAPES = 3  # sets of columns by which the tasks of a project are compared
_AT_ONCE = 500
_COPIED = re.compile(r"^[0-9a-f]{8}(?:__|-)")  # what Label Studio puts before the name of a file that it copied
_NUMBERED = re.compile(r"(\d{6,})(?:-(.*))?")


@dataclass(slots=True)
class Known:
    """A task of the project."""

    pk: UUID
    number: int
    key: str
    data: dict[str, Any]


@dataclass(slots=True)
class Match:
    """The task of a record; without one, why. `is_later`: it was not looked for, as there are too many tasks."""

    task: Known | None = None
    why: str = ""
    is_later: bool = False


class Finder:
    """Finds the tasks of records. What tasks show is read through once for each set of columns, at the first record that needs it."""

    def __init__(self, project: LabelProject, *, may_read_all: bool = True) -> None:
        self._project, self.config = project, project.config
        self._may_read_all = may_read_all or project.task_count <= MOST_READ
        self._indexes: dict[tuple[str, ...], dict[bytes, UUID | None]] = {}

    def find(self, records: Sequence[Found]) -> list[Match]:
        """A Match for each record."""
        by_key = self._rows("key", {one.key for one in records if one.key})
        numbers = {number for one in records if one.key not in by_key and (number := _number_of(one))}
        by_number = self._rows("number", numbers)
        found = [by_key.get(one.key) or self._numbered(one, by_number) for one in records]
        sought = [self._by_content(one) if known is None else None for one, known in zip(records, found, strict=True)]
        by_pk = self._rows("pk", {place for place in sought if isinstance(place, UUID)})
        return [
            Match(known) if known else Match(by_pk[place]) if isinstance(place, UUID) else place or Match()
            for known, place in zip(found, sought, strict=True)
        ]

    def _rows(self, name: str, values: Iterable[Any]) -> dict[Any, Known]:
        found: dict[Any, Known] = {}
        wanted = sorted(values)
        for start in range(0, len(wanted), _AT_ONCE):
            rows = self._project.tasks.filter(**{f"{name}__in": wanted[start : start + _AT_ONCE]})
            for row in rows.values_list("pk", "number", "key", "data"):
                known = Known(*row)
                found[getattr(known, name)] = known
        return found

    def _numbered(self, one: Found, rows: Mapping[int, Known]) -> Known | None:
        """The task with the number that the record names, where what they show does not differ."""
        known = rows.get(_number_of(one) or 0)
        if known is None:
            return None
        if one.picture:
            return known if _stem(file_name(known.number, self._address(known.data))) == _stem(one.picture) else None
        names = [name for name in shown_fields(self.config, one) if one.shown[name] != ""]
        is_same = all(canonical(one.shown[name]) == canonical(known.data.get(name)) for name in names)
        return known if is_same and (names or not one.task) else None

    def _address(self, data: Mapping[str, Any]) -> str:
        control = question(self.config, "RectangleLabels")
        shown = self.config.object(control.to) if control else None
        return str(data.get(shown.field, "")) if shown else ""

    def _by_content(self, one: Found) -> UUID | Match:
        names: tuple[str, ...]
        own = ""
        if one.picture:
            name = _stem(_unnumbered(one.picture))
            names, wanted, own = ("picture",), _digest(name), _COPIED.sub("", name)
        elif one.words:
            names, wanted = ("words",), _digest(one.words)
        else:
            names = shown_fields(self.config, one)
            names = names if any(one.shown[name] != "" for name in names) else ()
            wanted = _digest(*(canonical(one.shown[name]) for name in names))
        if not names:
            return Match(why=_("Nothing in it names a task: a key, a number, or what the task shows."))
        if not self._may_read_all:
            return Match(is_later=True)
        if names not in self._indexes and len(self._indexes) >= _MOST_SHAPES:
            return Match(why=_("Its columns are others than those of the records before it."))
        index = self._indexes.get(names)
        if index is None:
            index = self._indexes[names] = self._read_all(names)
        if wanted not in index and own:
            wanted = _digest(own)
        if wanted not in index:
            return Match(why=_("No task of the project shows this."))
        found = index[wanted]
        return found or Match(why=_("More than one task of the project shows this; name the task by its key."))

    def _read_all(self, names: tuple[str, ...]) -> dict[bytes, UUID | None]:
        """{what a task shows: the task, None where several show the same}."""
        index: dict[bytes, UUID | None] = {}
        rows = self._project.tasks.order_by("number").values_list("pk", "data")
        for pk, data in rows.iterator(chunk_size=2000):
            for shown in self._shown(names, data):
                index[shown] = None if index.get(shown, pk) != pk else pk
        return index

    def _shown(self, names: tuple[str, ...], data: Mapping[str, Any]) -> Iterable[bytes]:
        if names == ("picture",):  # by its own name, and by the one that it had in the archive it came with
            told = (file_name(1, self._address(data)).partition("-")[2], str(data.get("path") or ""))
            return {_digest(_stem(name)) for name in told if name}
        if names == ("words",):
            control = question(self.config, "Labels")
            shown = self.config.object(control.to) if control else None
            return [_digest(squeezed(str(data.get(shown.field, ""))) if shown else "")]
        return [_digest(*(canonical(data.get(name)) for name in names))]


def shown_fields(config: Config, one: Found) -> tuple[str, ...]:
    """The fields of a record that the tasks of the project show too; a column that is a question's answer is none."""
    answers = {} if one.task else columns_of(config, one.shown)
    questions = set(answers.values())
    return tuple(name for name in config.fields if name in one.shown and name not in questions)


def canonical(value: Any) -> str:
    """A value as the cell of a table has it."""
    if isinstance(value, str):
        picture = re.fullmatch(r"(?:/label/[0-9a-f-]{36}/pictures/)?([0-9a-f]{64}\.\w{3,4})", value)
        return picture[1] if picture else value
    return json.dumps(value, ensure_ascii=False)


def completed(task: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a whole task with what follows from its messages."""
    data = task.get("data")
    return fields.completed(data) if isinstance(data, dict) else {}


def _digest(*parts: str) -> bytes:
    told = "\x1f".join(parts)
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).digest()


def _number_of(one: Found) -> int | None:
    if one.picture:
        found = _NUMBERED.fullmatch(_stem(one.picture))
        return int(found[1]) if found and len(found[1]) < 10 else None
    return one.number


def _unnumbered(name: str) -> str:
    """The name of a picture's file without the number that our exports put before it."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    found = _NUMBERED.fullmatch(last)
    return found[2] if found and found[2] else last


def _stem(name: str) -> str:
    """The last part of an address without its ending."""
    last = name.replace("\\", "/").split("?")[0].rsplit("/", 1)[-1]
    return re.sub(r"\.(png|jpe?g|webp|gif|bmp|tiff?)$", "", last, flags=re.IGNORECASE)
