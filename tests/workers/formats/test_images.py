"""Archives of images: classes and boxes from every layout, and what is refused (the ids are those of the bad-input matrix)."""

import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.workers.formats.archived import picture, read_archive, tarred, zipped
from workers.formats import FileRefused, Problem, Row, Table, inspect_file, preview
from workers.import_table import import_file

RED, BLUE, JPEG = picture("red"), picture("blue"), picture("green", kind="JPEG")
BOX = {"label": "cat", "x": 10, "y": 5, "width": 20, "height": 10}
COCO = {
    "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "b.png"}],
    "annotations": [{"image_id": 7, "category_id": 1, "bbox": [10, 5, 20, 10]}],
    "categories": [{"id": 1, "name": "cat"}],
}
VOC = (
    b"<annotation><filename>a.png</filename><object><name>cat</name>"
    b"<bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30</xmax><ymax>15</ymax></bndbox></object></annotation>"
)
BOXED: dict[str, dict[str, bytes]] = {
    "COCO": {"images/a.png": RED, "images/b.png": BLUE, "annotations/instances.json": json.dumps(COCO).encode()},
    "VOC": {"JPEGImages/a.png": RED, "JPEGImages/b.png": BLUE, "Annotations/a.xml": VOC},
    "YOLO": {
        "images/a.png": RED,
        "images/b.png": BLUE,
        "labels/a.txt": b"0 0.5 0.5 0.5 0.5\n",
        "classes.txt": b"cat\ndog\n",
    },
    "YOLO of Ultralytics": {
        "set/train/images/a.png": RED,
        "set/train/labels/a.txt": b"1 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n",
        "set/train/images/b.png": BLUE,
        "set/data.yaml": b"train: x\nnames:\n  0: dog\n  1: cat\n",
    },
}


@pytest.mark.parametrize("case", BOXED)
def test_archive__with_annotations__has_boxes_in_pixels(case: str, tmp_path: Path) -> None:
    items, _media = read_archive(tmp_path, zipped(BOXED[case]))
    found = {str(item.values["path"]).rsplit("/", 1)[1]: item.values for item in items if isinstance(item, Row)}
    assert found["a.png"]["boxes"] == [BOX] and found["b.png"]["boxes"] == []
    assert (found["a.png"]["width"], found["a.png"]["height"]) == (40, 20) and "label" not in found["a.png"]


FOLDERS = {
    "pets/dog/2.png": BLUE,
    "pets/cat/1.png": RED,
    "pets/cat/.x.png": RED,
    "__MACOSX/cat/1.png": b"x",
    "pets/dog/3.jpeg": JPEG,
}


@pytest.mark.parametrize("content", [zipped(FOLDERS), tarred(FOLDERS), tarred(FOLDERS, "w")])
def test_archive__of_folders__has_their_names_as_classes(content: bytes, tmp_path: Path) -> None:
    items, media = read_archive(tmp_path, content, "pets")
    rows = [item.values for item in items if isinstance(item, Row)]
    assert [(row["path"], row["label"]) for row in rows] == [
        ("pets/cat/1.png", "cat"), ("pets/dog/2.png", "dog"), ("pets/dog/3.jpeg", "dog"),
    ]  # fmt: skip
    assert [item.line for item in items] == [1, 2, 3]
    name = hashlib.sha256(JPEG).hexdigest() + ".jpg"
    assert rows[2]["image"] == name and (media / name).read_bytes() == JPEG
    assert len(list(media.iterdir())) == 3


def test_import__zip_and_tar_of_the_same_images__have_one_hash(tmp_path: Path) -> None:
    hashes = set()
    for name, content in (("a.zip", zipped(FOLDERS)), ("a.tgz", tarred(dict(reversed(FOLDERS.items()))))):
        (tmp_path / name).write_bytes(content)
        found = preview(tmp_path / name, name=name)
        assert found["form"] == "image" and found["mapping_certain"] and found["counts"]["good"] == 3
        assert found["training"][0]["thumb"].startswith("data:image/jpeg;base64,")
        result = import_file(tmp_path / name, tmp_path / f"{name}.out", mapping=found["mapping"], name=name)
        hashes.add(result["content_hash"])
        assert result["row_count"] == 3 and len(list((tmp_path / f"{name}.out" / "media").iterdir())) == 3
    assert len(hashes) == 1


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge() -> bytes:
    """A PNG that says it has 400 million pixels (B32)."""
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def tiff() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (4, 4)).save(held, "TIFF")
    return held.getvalue()


BAD_IMAGES: dict[str, tuple[bytes, str]] = {
    "B32 400 MP": (huge(), "too_many_pixels"),
    "B33 truncated": (JPEG[: len(JPEG) // 2], "damaged_image"),
    "B33 TIFF": (tiff(), "not_an_image"),
    "B34 page": (b"<html><script>alert(1)</script></html>", "not_an_image"),
    "B35 SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image"),
    "empty": (b"", "not_an_image"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_archive__bad_image__costs_that_image_alone(case: str, tmp_path: Path) -> None:
    data, code = BAD_IMAGES[case]
    items, media = read_archive(tmp_path, zipped({"a/1.png": RED, "a/2.png": data, "b/3.png": BLUE}))
    assert [getattr(item, "code", "") for item in items] == ["", code, ""]
    assert isinstance(items[1], Problem) and items[1].raw == "a/2.png" and len(list(media.iterdir())) == 2


BAD_NOTES: dict[str, tuple[dict[str, bytes], str]] = {
    "B26 entities": ({"a.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><annotation>&a;</annotation>'}, "bad_annotation"),
    "B27 outside": (
        {"a.xml": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>'},
        "bad_annotation",
    ),
    "B28 depth": ({"a.xml": b"<a>" * 1000 + b"</a>" * 1000}, "bad_annotation"),
    "VOC without places": ({"a.xml": b"<annotation><object><name>x</name></object></annotation>"}, "bad_annotation"),
    "VOC outside": ({"a.xml": VOC.replace(b">10<", b">900<").replace(b">30<", b">999<")}, "bad_box"),
    "YOLO line": ({"a.txt": b"0 0.5 0.5 0.5 0.5\n0 0.5\n"}, "bad_annotation"),
    "YOLO in pixels": ({"a.txt": b"0 100 100 20 20\n"}, "bad_annotation"),
    "YOLO class": ({"a.txt": b"5 0.5 0.5 0.5 0.5\n", "classes.txt": b"cat\n"}, "unknown_class"),
}


@pytest.mark.parametrize("case", BAD_NOTES)
def test_archive__bad_annotation__costs_its_image_alone(case: str, tmp_path: Path) -> None:
    files, code = BAD_NOTES[case]
    items, _media = read_archive(tmp_path, zipped({"a.png": RED, "b.png": BLUE, **files}))
    assert [getattr(item, "code", "") for item in items] == [code, ""]


def linked(kind: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        image = tarfile.TarInfo("a.png")
        image.size = len(RED)
        archive.addfile(image, io.BytesIO(RED))
        entry = tarfile.TarInfo("b.png")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    return held.getvalue()


def symlinked_zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.png", RED)
        entry = zipfile.ZipInfo("b.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return held.getvalue()


def lying_zip() -> bytes:
    """A zip whose list says that the image has 10 bytes (B3)."""
    content = zipped({"a.png": picture("red", (900, 900))})
    place = content.rfind(b"PK\x01\x02")
    return content[: place + 24] + struct.pack("<I", 10) + content[place + 28 :]


def refused(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(FileRefused) as refusal:
        read_archive(tmp_path, content)
    assert refusal.value.hint
    return refusal.value.code


REFUSED: dict[str, tuple[bytes, str]] = {
    "B1 zip bomb": (zipped({"a.png": RED, "b.png": b"\0" * 2**26}), "zip_bomb"),
    "B1 tar.gz bomb": (tarred({"a.png": RED, "b.bin": b"\0" * 2**26}), "zip_bomb"),
    "B4 nested": (zipped({"a.png": RED, "b.zip": b"x"}), "nested_archive"),
    "B5 upwards": (zipped({"a.png": RED, "../b.png": RED}), "bad_name"),
    "B5 absolute": (zipped({"a.png": RED, "/b.png": RED}), "bad_name"),
    "B5 drive": (zipped({"a.png": RED, "C:b.png": RED}), "bad_name"),
    "B5 backslash": (zipped({"a.png": RED, "x\\b.png": RED}), "bad_name"),
    "B5 upwards in tar": (tarred({"a.png": RED, "../b.png": RED}), "bad_name"),
    "B6 link in zip": (symlinked_zip(), "link"),
    "B7 device": (linked(tarfile.CHRTYPE), "link"),
    "B7 fifo": (linked(tarfile.FIFOTYPE), "link"),
    "B8 symlink": (linked(tarfile.SYMTYPE), "link"),
    "B8 hard link": (linked(tarfile.LNKTYPE), "link"),
    "B9 same but for case": (zipped({"a.png": RED, "A.PNG": RED}), "same_name"),
    "B11 right to left": (zipped({"a.png": RED, "b\u202egnp.png": RED}), "bad_name"),
    "B11 line feed": (zipped({"a.png": RED, "b\n.png": RED}), "bad_name"),
    "B11 long": (zipped({"a.png": RED, "x" * 5000 + ".png": RED}), "bad_name"),
    "cut off tar": (tarred({"a.png": RED, "b.png": BLUE * 999}, "w")[:5000], "damaged"),
    "COCO broken": (zipped({"a.png": RED, "c.json": b'{"images": ['}), "bad_annotations"),
    "COCO without names": (
        zipped({"a.png": RED, "c.json": b'{"images": [{"id": 1}], "annotations": []}'}),
        "bad_annotations",
    ),
    "YAML with references": (zipped({"a.png": RED, "data.yaml": b"a: &x [1]\nnames: *x\n"}), "bad_annotations"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_archive__that_breaks_a_rule__is_refused_whole(case: str, tmp_path: Path) -> None:
    content, code = REFUSED[case]
    assert refused(tmp_path, content) == code


def test_archive__header_that_lies__costs_that_image(tmp_path: Path) -> None:
    items, _media = read_archive(tmp_path, lying_zip())
    assert [getattr(item, "code", "") for item in items] == ["damaged"]


def test_archive__too_many_files__is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.formats.archives.MOST_FILES", 3)
    files = {f"{n}.png": RED for n in range(5)}
    assert refused(tmp_path, zipped(files)) == "too_many_files"
    assert refused(tmp_path, tarred(files)) == "too_many_files"


def test_archive__of_tables__is_not_unpacked(tmp_path: Path) -> None:
    for content in (zipped({"rows.csv": b"a,b\n1,2\n"}), tarred({"rows.csv": b"a,b\n1,2\n"})):
        (tmp_path / "upload").write_bytes(content)
        with pytest.raises(FileRefused, match="archive") as refusal:
            inspect_file(tmp_path / "upload", name="rows.zip")
        assert "Unpack it" in refusal.value.hint


def test_gif__of_many_frames__is_its_first(tmp_path: Path) -> None:
    held = io.BytesIO()
    frames: list[Any] = [Image.new("P", (8, 8), n) for n in range(20)]
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:])
    items, _media = read_archive(tmp_path, zipped({"a.gif": held.getvalue()}))
    assert isinstance(items[0], Row) and items[0].values["image"].endswith(".gif") and items[0].values["width"] == 8


def test_look__at_an_archive__writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(tarred(FOLDERS))
    table = Table(tmp_path / "upload", inspect_file(tmp_path / "upload", name="a"))
    assert len(list(table.rows())) == 3 and [path.name for path in tmp_path.iterdir()] == ["upload"]
