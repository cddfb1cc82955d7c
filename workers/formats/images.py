"""An archive of images as a table: a row an image, with its class (its folder) or its boxes (COCO, YOLO, VOC)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from workers.formats.annotations import ENDINGS, JSON_CAP, SMALL_CAP, Annotations
from workers.formats.archives import IMAGE_NAMES, Archive, Member, shown
from workers.formats.pictures import IMAGE_CAP, Picture, check_picture
from workers.formats.problems import FileRefused, Problem, RowFault
from workers.formats.rows import Row

THUMBS = 20  # rows of a look that get a small picture
_HIDDEN = ("__MACOSX", "Thumbs.db", "desktop.ini")


class ImageTable:
    """The images of an archive. With `media` each that can be used is written there as <sha256>.<ending>, its bytes untouched.

    Raises FileRefused for an archive that breaks a rule or has no image. Rows go by the names of the images, so that a zip and a tar
    of the same files give the same rows; a look (no `media`) at a tar goes by its own order.
    """

    left_out: list[str] = []

    def __init__(self, path: Path, media: Path | None = None) -> None:
        self._archive, self._media = Archive(path), media
        self._notes, self._folders = Annotations(), set[str]()
        self.done = self._others = 0
        self._read_beside()
        if not self.done:
            raise FileRefused(
                "no_images", "The archive holds no image.", hint="For a table, unpack it and upload the table inside."
            )
        self.kind = self._notes.kind or ("folders" if len(self._folders) > 1 else "")
        self.done = 0

    @property
    def notes(self) -> list[str]:
        """What a person should know of the archive."""
        what = {"coco": "Boxes come from COCO annotations.", "voc": "Boxes come from Pascal VOC annotations.",
                "yolo": "Boxes come from YOLO annotations.", "folders": f"The folders are the classes: {self._some_folders()}.",
                "": "The images have no classes: they lie in one folder, and no annotations lie beside them."}[self.kind]  # fmt: skip
        others = f"{self._others} other files are left out." if self._others else ""
        return [what, others] if others else [what]

    def _some_folders(self) -> str:
        names = sorted(PurePosixPath(folder).name for folder in self._folders)
        return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")

    def position(self) -> int:
        """Bytes of the archive behind us."""
        return self._archive.position()

    def _read_beside(self) -> None:
        for member in self._archive.walk():
            if _is_hidden(member.name):
                continue
            if is_image(member.name):
                self.done += 1
                self._folders.add(str(PurePosixPath(member.name).parent))
            elif member.name.lower().endswith((*ENDINGS, ".names", ".labels")):
                self._add(member)
            else:
                self._others += 1

    def _add(self, member: Member) -> None:
        try:
            self._notes.add(member.name, member.read(JSON_CAP if member.name.endswith(".json") else SMALL_CAP))
        except RowFault as fault:
            raise FileRefused(fault.code, fault.reason, hint="Split the archive, or leave the file out.") from None

    def rows(self) -> Iterator[Row | Problem | None]:
        """Yield a Row {"image", "width", "height", "label"?, "boxes"?, "path"} or a Problem for each image, numbered from 1."""
        made = self._each()
        if self._media is not None and not self._archive.is_sorted:
            found = sorted(made, key=lambda item: item.raw)
            made = (
                item._replace(line=n) if isinstance(item, Row) else item.moved(n) for n, item in enumerate(found, 1)
            )
        yield from made

    def _each(self) -> Iterator[Row | Problem]:
        for member in self._archive.walk():
            if not is_image(member.name) or _is_hidden(member.name):
                continue
            self.done += 1
            try:
                yield self._row(member)
            except RowFault as fault:
                reason = (
                    fault.reason if shown(member.name) in fault.reason else f"“{shown(member.name)}”: {fault.reason}"
                )
                yield Problem(self.done, fault.code, reason, member.name)

    def _row(self, member: Member) -> Row:
        data = member.read(IMAGE_CAP)
        picture = check_picture(data, thumb=self._media is None and self.done <= THUMBS)
        boxes = self._notes.boxes(member.name, picture.width, picture.height)
        values: dict[str, Any] = {"path": member.name, "image": self._kept(data, picture)}
        values |= {"width": picture.width, "height": picture.height}
        if self.kind == "folders":
            values["label"] = PurePosixPath(member.name).parent.name
        if boxes is not None:
            values["boxes"] = boxes
        if picture.thumb:
            values["thumb"] = picture.thumb
        return Row(self.done, values, member.name)

    def _kept(self, data: bytes, picture: Picture) -> str:
        name = f"{hashlib.sha256(data).hexdigest()}.{picture.suffix}"
        if self._media is not None and not (place := self._media / name).exists():
            self._media.mkdir(exist_ok=True)
            place.write_bytes(data)
        return name


def is_image(name: str) -> bool:
    """Whether a member is taken for an image, by its name."""
    return name.lower().endswith(IMAGE_NAMES)


def _is_hidden(name: str) -> bool:
    return any(part in _HIDDEN or part.startswith(".") for part in PurePosixPath(name).parts)
