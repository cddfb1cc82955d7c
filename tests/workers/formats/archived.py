"""Archives of small images for tests."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from workers.formats import Problem, Row, Table, inspect_file


def picture(colour: str = "red", size: tuple[int, int] = (40, 20), kind: str = "PNG") -> bytes:
    held = io.BytesIO()
    Image.new("RGB", size, colour).save(held, kind)
    return held.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return held.getvalue()


def read_archive(folder: Path, content: bytes, name: str = "images.zip") -> tuple[list[Row | Problem], Path]:
    """The items of an archive as an import reads it, and the folder of the images kept."""
    (folder / "upload").write_bytes(content)
    table = Table(folder / "upload", inspect_file(folder / "upload", name=name), media=folder / "media")
    return list(table.rows()), folder / "media"
