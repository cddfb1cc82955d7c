"""Boxes of images: one COCO JSON, or an archive with a YOLO text or a Pascal VOC XML for each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from defusedxml import ElementTree  # type: ignore[import-untyped]

from workers.formats.archives import Archive, Member, shown
from workers.formats.problems import FileRefused, RowFault
from workers.formats.values import JsonReader
from workers.labels.found import Found

COCO_CAP = 32 * 2**20  # bytes
FILE_CAP = 2**20  # bytes of the text or XML of one image
MOST_BOXES = 500  # of one image
_DEPTH = 50
_CLASSES = ("classes.txt", "obj.names", "labels.txt", "names.txt")
_NO_BOXES = (*_CLASSES, "train.txt", "val.txt", "valid.txt", "test.txt", "readme.txt", "left-out.txt")
_COCO_HINT = "It has images (id, file_name), annotations (image_id, category_id, bbox) and categories (id, name)."
Box = dict[str, Any]


def answer(boxes: list[Box], unit: str, width: Any, height: Any) -> dict[str, Any]:
    """The answer that a list of boxes is. `unit`: "pixel" or "share" of the image."""
    told = {"boxes": boxes, "unit": unit, "width": _side(width), "height": _side(height)}
    return {"boxes": told, "person": "", "seconds": 0.0, "created": ""}


def _side(value: Any) -> int:
    try:
        return max(0, int(value or 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def read_coco(path: Path) -> Iterator[Found]:
    """A record for each image. Raises FileRefused for a file that is too large or no COCO."""
    if path.stat().st_size > COCO_CAP:
        hint = "Split it by images."
        raise FileRefused("too_large", f"A COCO file has at most {COCO_CAP // 2**20} MiB.", hint=hint)
    try:
        held = JsonReader().read(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError, RowFault) as error:
        raise FileRefused("bad_json", f"The file is not JSON: {str(error)[:200]}.") from None
    if not isinstance(held, dict) or not all(isinstance(held.get(n), list) for n in ("images", "annotations")):
        raise FileRefused("bad_coco", "The file is no COCO.", hint=_COCO_HINT)
    try:
        names = {kind["id"]: str(kind["name"]) for kind in held.get("categories", ())}
        boxes, faults = _coco_boxes(held["annotations"], names)
        for number, image in enumerate(held["images"], 1):
            yield _coco_image(number, image, boxes, faults)
    except (KeyError, TypeError, AttributeError) as error:
        message = f"The file is no COCO: {type(error).__name__} {str(error)[:100]}."
        raise FileRefused("bad_coco", message, hint=_COCO_HINT) from None


def _coco_boxes(notes: list[Any], names: Mapping[Any, str]) -> tuple[dict[Any, list[Box]], dict[Any, str]]:
    """{image: boxes}, and {image: what is wrong with one of its boxes}."""
    boxes: dict[Any, list[Box]] = {}
    faults: dict[Any, str] = {}
    for number, note in enumerate(notes, 1):
        image, told = note["image_id"], note.get("bbox")
        if note["category_id"] not in names:
            faults.setdefault(image, f"Annotation {number} has a category that is not among the categories.")
        elif not isinstance(told, list) or len(told) != 4 or not all(isinstance(n, int | float) for n in told):
            faults.setdefault(image, f"Annotation {number} has no bbox of four numbers.")
        else:
            x, y, width, height = told
            boxes.setdefault(image, []).append(box(names[note["category_id"]], x, y, width, height))
    return boxes, faults


def _coco_image(number: int, image: Any, boxes: Mapping[Any, list[Box]], faults: Mapping[Any, str]) -> Found:
    place, name = f"image {number}", str(image["file_name"])[:1000]
    own = boxes.get(image["id"], [])
    fault = faults.get(image["id"], "") or _too_many(own)
    if fault:
        return Found(place, picture=name, fault=fault)
    return Found(place, picture=name, answers=[answer(own, "pixel", image.get("width"), image.get("height"))])


def _too_many(boxes: list[Box]) -> str:
    return f"It has more than {MOST_BOXES} boxes." if len(boxes) > MOST_BOXES else ""


def box(label: str, x: float, y: float, width: float, height: float) -> Box:
    return {"label": label, "x": x, "y": y, "width": width, "height": height}


def kind_of(path: Path) -> str:
    """ "voc", "yolo", "coco", or "" for an archive of something else. Raises FileRefused for a bad archive."""
    kinds = set()
    for member in Archive(path).walk():
        name = PurePosixPath(member.name)
        if name.suffix == ".xml":
            return "voc"
        if name.suffix == ".txt" and name.name not in _NO_BOXES:
            kinds.add("yolo")
        elif name.suffix == ".json" and name.name != "notes.json":
            kinds.add("coco")
        elif name.name in _CLASSES:
            kinds.add("yolo")
    return "yolo" if "yolo" in kinds else "coco" if "coco" in kinds else ""


def read_voc(path: Path) -> Iterator[Found]:
    """A record for each XML of an archive."""
    for member in Archive(path).walk():
        if member.name.endswith(".xml"):
            try:
                yield _voc(member)
            except RowFault as fault:
                yield Found(shown(member.name), fault=fault.reason)
            except Exception as error:  # expat and defusedxml have their own kinds
                yield Found(shown(member.name), fault=f"It is no XML of Pascal VOC: {str(error)[:120]}.")


def _voc(member: Member) -> Found:
    root = ElementTree.fromstring(member.read(FILE_CAP))
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > _DEPTH:
            raise ValueError(f"it is nested deeper than {_DEPTH} levels")
        level = [child for item in level for child in item]
    boxes = [_voc_box(item) for item in root.iter("object")]
    if _too_many(boxes):
        raise RowFault("too_many", _too_many(boxes))
    size = [root.findtext(f"size/{side}") for side in ("width", "height")]
    name = (root.findtext("filename") or "").strip() or PurePosixPath(member.name).stem
    return Found(shown(member.name), picture=name[:1000], answers=[answer(boxes, "pixel", *size)])


def _voc_box(item: Any) -> Box:
    """Pixels count from 1, and the last one belongs to the box."""
    label, places = (item.findtext("name") or "").strip(), item.find("bndbox")
    if not label or places is None:
        raise ValueError("an object has no name or no bndbox")
    left, top, right, bottom = (float(places.findtext(side) or "nan") for side in ("xmin", "ymin", "xmax", "ymax"))
    left, top = max(left - 1, 0.0), max(top - 1, 0.0)
    return box(label, left, top, right - left, bottom - top)


def read_yolo(path: Path) -> Iterator[Found]:
    """A record for each text of boxes in an archive, which also names the classes."""
    names = _classes(path)
    for member in Archive(path).walk():
        name = PurePosixPath(member.name)
        if name.suffix == ".txt" and name.name not in _NO_BOXES:
            try:
                boxes = _yolo(member.read(FILE_CAP).decode("utf-8", "replace"), names)
                yield Found(shown(member.name), picture=name.stem, answers=[answer(boxes, "share", 0, 0)])
            except RowFault as fault:
                yield Found(shown(member.name), picture=name.stem, fault=fault.reason)


def _classes(path: Path) -> list[str]:
    for member in Archive(path).walk():
        if PurePosixPath(member.name).name in _CLASSES:
            try:
                text = member.read(FILE_CAP).decode("utf-8-sig", "replace")
            except RowFault as fault:
                raise FileRefused(fault.code, fault.reason) from None
            return [line.strip() for line in text.splitlines() if line.strip()]
    hint = "Add a classes.txt with a label a line, in the order of their numbers."
    raise FileRefused("no_classes", "The archive does not name the classes.", hint=hint)


def _yolo(text: str, names: list[str]) -> list[Box]:
    boxes: list[Box] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            centre_x, centre_y, width, height = (float(word) for word in words[1:])
        except ValueError:
            reason = f"Line {number}: a class and four numbers from 0 to 1 are expected."
            raise RowFault("bad_line", reason) from None
        if not words[0].isdigit() or len(words[0]) > 6 or int(words[0]) >= len(names):
            reason = f"Line {number}: class {words[0][:20]} is not among the {len(names)} names of classes."
            raise RowFault("unknown_class", reason)
        boxes.append(box(names[int(words[0])], centre_x - width / 2, centre_y - height / 2, width, height))
        if _too_many(boxes):
            raise RowFault("too_many", _too_many(boxes))
    return boxes
