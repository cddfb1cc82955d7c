"""Boxes beside images: COCO (one JSON), Pascal VOC (an XML an image) and YOLO (a text an image), brought to pixels from the upper left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml
from defusedxml import ElementTree  # type: ignore[import-untyped]

from workers.formats.archives import shown
from workers.formats.problems import FileRefused, RowFault
from workers.formats.values import JsonReader

JSON_CAP = 64 * 2**20  # bytes of a COCO file
SMALL_CAP = 2**20  # bytes of an XML or text of one image
ENDINGS = (".json", ".xml", ".txt", ".yaml", ".yml")
_XML_DEPTH = 50  # (B28)
_BESIDE = {"images", "labels", "annotations", "jpegimages", "imgs", "img", "data", "obj_train_data", "obj_valid_data"}
_CLASSES = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels", "names.txt")
_NO_BOXES = (*_CLASSES, "train.txt", "val.txt", "valid.txt", "test.txt")

Box = dict[str, Any]
Key = tuple[str, ...]


class Annotations:
    """What the annotation files of an archive say of its images. Add every file, then ask for each image."""

    def __init__(self) -> None:
        self._coco: dict[Key, list[Box]] = {}
        self._voc: dict[Key, list[Box] | RowFault] = {}
        self._yolo: dict[Key, list[tuple[int, list[float]]] | RowFault] = {}
        self._names: dict[int, str] = {}
        self._by_stem: dict[str, Key | None] = {}
        self.notes: list[str] = []

    @property
    def kind(self) -> str:
        """ "coco", "voc", "yolo", or "" for folders."""
        return "coco" if self._coco else "voc" if self._voc else "yolo" if self._yolo else ""

    def add(self, name: str, data: bytes) -> None:
        """Read one file. Raises FileRefused for a COCO file that is broken; of the others each costs its image only."""
        path = PurePosixPath(name)
        if path.suffix == ".json":
            self._add_coco(name, data)
        elif path.suffix == ".xml":
            self._voc[_key(path)] = _try(_voc, name, data)
        elif path.suffix in (".yaml", ".yml") or path.name in _CLASSES:
            self._names = self._names or _class_names(path, data)
        elif path.name not in _NO_BOXES and (found := _yolo(name, data)) is not None:
            self._yolo[_key(path)] = found

    def boxes(self, name: str, width: int, height: int) -> list[Box] | None:
        """The boxes of an image in pixels; None where the archive has none at all. Raises RowFault for what is written wrongly."""
        kind = self.kind
        if not kind:
            return None
        held: dict[str, Any] = {"coco": self._coco, "voc": self._voc, "yolo": self._yolo}
        found: Any = self._found(held[kind], PurePosixPath(name))
        if isinstance(found, RowFault):
            raise found
        if kind == "yolo":
            found = [_scaled(self._class(number), places, width, height) for number, places in found or ()]
        return [_clipped(box, width, height, name) for box in found or ()]

    def _found(self, held: Mapping[Key, Any], path: PurePosixPath) -> Any:
        """By the path without the folders that only sort images from annotations; else by a name that no other file has."""
        if not self._by_stem:
            for key in held:
                self._by_stem[key[-1]] = None if key[-1] in self._by_stem else key
        key = _key(path)
        if key in held:
            return held[key]
        alone = self._by_stem.get(key[-1])
        return held[alone] if alone else None

    def _class(self, number: int) -> str:
        if self._names and number not in self._names:
            raise RowFault("unknown_class", f"Class {number} is not among the {len(self._names)} names of classes.")
        return self._names.get(number, str(number))

    def _add_coco(self, name: str, data: bytes) -> None:
        try:
            held = JsonReader().read(data.decode("utf-8-sig"))
        except (ValueError, RowFault, RecursionError):
            raise FileRefused(
                "bad_annotations", f"“{shown(name)}” is not JSON.", hint="Save it again as COCO JSON."
            ) from None
        if (
            not isinstance(held, dict)
            or not isinstance(held.get("images"), list)
            or not isinstance(held.get("annotations"), list)
        ):
            return
        try:
            self._coco.update(_coco(held))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"“{shown(name)}” is not COCO: {type(error).__name__} {str(error)[:100]}."
            hint = "It has images (id, file_name), annotations (image_id, category_id, bbox) and categories (id, name)."
            raise FileRefused("bad_annotations", message, hint=hint) from None


def _key(path: PurePosixPath) -> Key:
    return (*(part for part in path.parts[:-1] if part.lower() not in _BESIDE), path.stem)


def _coco(held: Mapping[str, Any]) -> dict[Key, list[Box]]:
    names = {kind["id"]: str(kind["name"]) for kind in held.get("categories", ())}
    keys = {image["id"]: _key(PurePosixPath(str(image["file_name"]).lstrip("./"))) for image in held["images"]}
    found: dict[Key, list[Box]] = {key: [] for key in keys.values()}
    for note in held["annotations"]:
        if note.get("bbox") and note["image_id"] in keys:
            x, y, width, height = (float(place) for place in note["bbox"])
            label = names.get(note["category_id"], str(note["category_id"]))
            found[keys[note["image_id"]]].append(_box(label, x, y, width, height))
    return found


def _voc(data: bytes) -> list[Box]:
    root = ElementTree.fromstring(data)
    _check_depth(root)
    return [_voc_box(item) for item in root.iter("object")]


def _voc_box(item: Any) -> Box:
    label, places = (item.findtext("name") or "").strip(), item.find("bndbox")
    if not label or places is None:
        raise ValueError("an object has no name or no bndbox")
    left, top, right, bottom = (float(places.findtext(side) or "nan") for side in ("xmin", "ymin", "xmax", "ymax"))
    return _box(label, left, top, right - left, bottom - top)


def _check_depth(root: Any) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > _XML_DEPTH:
            raise ValueError(f"it is nested deeper than {_XML_DEPTH} levels")
        level = [child for item in level for child in item]


def _try(read: Any, name: str, data: bytes) -> Any:
    """What `read` makes of a file, or the fault of its image."""
    try:
        return read(data)
    except Exception as error:  # expat and defusedxml have their own kinds
        return RowFault(
            "bad_annotation", f"“{shown(name)}” cannot be used: {str(error)[:120] or type(error).__name__}."
        )


def _yolo(name: str, data: bytes) -> Any:
    """[(class, numbers)] of a text in which every line is a class and a box or polygon; None for another text; a fault for one amiss."""
    lines = [line.split() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    rows: list[tuple[int, list[float]]] = []
    for number, words in enumerate(lines, 1):
        try:
            numbers = [float(word) for word in words]
            is_good = len(words) >= 5 and words[0].isdigit() and all(-0.01 <= place <= 1.01 for place in numbers[1:5])
        except ValueError:
            return None if number == 1 else _bad_line(name, number)
        if not is_good:
            return _bad_line(name, number)
        rows.append((int(words[0]), numbers[1:]))
    return rows


def _bad_line(name: str, number: int) -> RowFault:
    reason = f"“{shown(name)}”, line {number}: a class and four numbers from 0 to 1 are expected."
    return RowFault("bad_annotation", reason)


def _scaled(label: str, places: list[float], width: int, height: int) -> Box:
    """A box (centre and size) or polygon of shares of the image, in pixels."""
    if len(places) >= 6 and len(places) % 2 == 0:
        across, down = places[::2], places[1::2]
        left, top, wide, high = min(across), min(down), max(across) - min(across), max(down) - min(down)
    else:
        middle, centre, wide, high = places[:4]
        left, top = middle - wide / 2, centre - high / 2
    return _box(label, left * width, top * height, wide * width, high * height)


def _box(label: str, x: float, y: float, width: float, height: float) -> Box:
    return {"label": label, "x": x, "y": y, "width": width, "height": height}


def _clipped(box: Box, width: int, height: int, name: str) -> Box:
    """The part of a box that lies on the image, to a hundredth of a pixel."""
    left, top = max(box["x"], 0.0), max(box["y"], 0.0)
    right, bottom = min(box["x"] + box["width"], width), min(box["y"] + box["height"], height)
    if not (right > left and bottom > top):
        raise RowFault(
            "bad_box", f"A box “{box['label'][:40]}” of “{shown(name)}” lies outside of the image or is empty."
        )
    return _box(box["label"], _rounded(left), _rounded(top), _rounded(right - left), _rounded(bottom - top))


def _rounded(place: float) -> float | int:
    near = round(place, 2)
    return int(near) if near == int(near) else near


def _class_names(path: PurePosixPath, data: bytes) -> dict[int, str]:
    text = data[:SMALL_CAP].decode("utf-8", "replace")
    if path.suffix not in (".yaml", ".yml"):
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    return dict(_yaml_names(text, path.name))


def _yaml_names(text: str, name: str) -> Iterator[tuple[int, str]]:
    try:
        if "&" in text and "*" in text:  # references can grow without end
            raise ValueError("it has references")
        held = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = f"“{shown(name)}” cannot be read: {str(error).splitlines()[0][:120]}."
        raise FileRefused("bad_annotations", message, hint="It names the classes, such as names: [cat, dog].") from None
    names = held.get("names") if isinstance(held, dict) else None
    if isinstance(names, list):
        yield from enumerate(map(str, names))
    elif isinstance(names, dict):
        yield from ((int(number), str(name)) for number, name in names.items() if str(number).isdigit())
