"""Boxes on images as COCO, YOLO and Pascal VOC. Pure.

Label Studio's boxes are in percent of the image from its upper left corner; one that is rotated is written as the smallest upright box
around it. Names of files are made here from the task's number and what its picture is called, so that none leads out of a folder.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

Size = Callable[[], tuple[int, int]]
LEFT_OUT = "the size of the picture is not known, so no pixels of its boxes can be told"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ENDING = re.compile(r"\.(png|jpe?g|webp|gif|bmp|tiff?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Box:
    """A box in parts of the image, from 0 to 1: its upper left corner and its size."""

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Boxed:
    """An image with its boxes. `width` and `height` are pixels, 0 where nobody knows them."""

    number: int
    file: str
    width: int
    height: int
    boxes: list[Box]

    @property
    def is_left_out(self) -> bool:
        """Whether there are boxes of which no pixels can be told."""
        return bool(self.boxes) and not (self.width and self.height)


def file_name(number: int, address: str) -> str:
    """A name for the picture of a task: its number and the last part of its address, without what a path could be made of."""
    last = _UNSAFE.sub("-", address.split("?")[0].rstrip("/").rsplit("/", 1)[-1]).strip(".-")[-80:]
    ending = _ENDING.search(last)
    return f"{number:06d}-{last}" if ending else f"{number:06d}.jpg"


def boxed(number: int, address: str, result: Sequence[Mapping[str, Any]], size: Size = lambda: (0, 0)) -> Boxed:
    """The boxes of one answer. `size` is asked for (width, height) in pixels where the regions do not say."""
    regions = [region for region in result if region.get("type") == "rectanglelabels"]
    width = next((int(region.get("original_width") or 0) for region in regions), 0)
    height = next((int(region.get("original_height") or 0) for region in regions), 0)
    if not (width and height):
        width, height = size()
    found = [_box(region["value"], width or 1, height or 1) for region in regions]
    return Boxed(number, file_name(number, address), width, height, found)


def _box(value: Mapping[str, Any], width: int, height: int) -> Box:
    """The smallest upright box around a box that is turned about its upper left corner (degrees, clockwise), within the image."""
    turn = math.radians(value.get("rotation", 0))
    left, top = value["x"] * width / 100, value["y"] * height / 100
    wide, high = value["width"] * width / 100, value["height"] * height / 100
    ends = [
        (a * math.cos(turn) - b * math.sin(turn), a * math.sin(turn) + b * math.cos(turn))
        for a in (0, wide)
        for b in (0, high)
    ]
    xs = [min(max((left + x) / width, 0), 1) for x, _y in ends]
    ys = [min(max((top + y) / height, 0), 1) for _x, y in ends]
    return Box(value["rectanglelabels"][0], min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def yolo(image: Boxed, labels: Sequence[str]) -> str:
    """A line for each box: class, centre and size in parts of the image."""
    lines = [
        f"{labels.index(box.label)} {box.x + box.width / 2:.6f} {box.y + box.height / 2:.6f} {box.width:.6f} {box.height:.6f}\n"
        for box in image.boxes
    ]
    return "".join(lines)


def voc(image: Boxed) -> str:
    """An annotation file of Pascal VOC. Pixels count from 1."""
    objects = "".join(_voc_object(image, box) for box in image.boxes)
    size = f"<width>{image.width}</width><height>{image.height}</height><depth>3</depth>"
    return (
        f"<annotation><folder>images</folder><filename>{escape(image.file)}</filename><size>{size}</size>"
        f"<segmented>0</segmented>{objects}</annotation>\n"
    )


def _voc_object(image: Boxed, box: Box) -> str:
    left, top = round(box.x * image.width) + 1, round(box.y * image.height) + 1
    right, bottom = round((box.x + box.width) * image.width), round((box.y + box.height) * image.height)
    place = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{max(right, left)}</xmax><ymax>{max(bottom, top)}</ymax>"
    rest = "<pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
    return f"<object><name>{escape(box.label)}</name>{rest}<bndbox>{place}</bndbox></object>"


def coco(images: Iterator[Boxed], again: Iterator[Boxed], labels: Sequence[str]) -> Iterator[str]:
    """COCO's JSON, piece by piece; the images are read twice, once for themselves and once for their boxes. Those whose size is not
    known are named under "left_out"."""
    left: list[str] = []
    categories = [{"id": place, "name": label} for place, label in enumerate(labels, 1)]
    yield '{"info": {"description": "Tuneloop"}, "categories": ' + json.dumps(categories, ensure_ascii=False)
    yield ',\n"images": ['
    yield from _listed(_coco_images(images, left))
    yield '],\n"annotations": ['
    yield from _listed(_coco_boxes(again, labels))
    yield '],\n"left_out": ['
    yield from _listed({"file_name": name, "why": LEFT_OUT} for name in left)
    yield "]}\n"


def _coco_images(images: Iterator[Boxed], left: list[str]) -> Iterator[dict[str, Any]]:
    for one in images:
        if one.is_left_out:
            left.append(one.file)
        else:
            yield {"id": one.number, "file_name": one.file, "width": one.width, "height": one.height}


def _coco_boxes(images: Iterator[Boxed], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    count = 0
    for image in images:
        for box in () if image.is_left_out else image.boxes:
            count += 1
            wide, high = box.width * image.width, box.height * image.height
            yield {
                "id": count,
                "image_id": image.number,
                "category_id": labels.index(box.label) + 1,
                "bbox": [round(v, 3) for v in (box.x * image.width, box.y * image.height, wide, high)],
                "area": round(wide * high, 3),
                "iscrowd": 0,
                "segmentation": [],
            }


def _listed(records: Iterator[dict[str, Any]]) -> Iterator[str]:
    comma = ""
    for record in records:
        yield comma + json.dumps(record, ensure_ascii=False)
        comma = ",\n"
