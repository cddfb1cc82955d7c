"""Refuse by their first bytes the files that are not tables, whatever their name says (B1-B4, B36)."""

from __future__ import annotations

from workers.formats.problems import FileRefused

_UNPACK = "Unpack it and upload the table inside. Only images come in an archive: zip, tar or tar.gz."
_SAVE = "Save the sheet as CSV (UTF-8) and upload that."
_NO_TEXT = "Upload a table: CSV, TSV, JSON, JSON Lines, Parquet or Arrow."
_IN_ZIP = "Images come in a zip or tar: a folder a class, or with annotations beside them."

# (offset, first bytes, what it is, what to do)
SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (0, b"\x04\x22\x4d\x18", "an lz4 archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"SQLite format 3\x00", "an SQLite database", "Export the table you need as CSV or JSON Lines."),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", _SAVE),
    (0, b"%PDF-", "a PDF document", _NO_TEXT),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", _IN_ZIP),
    (0, b"\xff\xd8\xff", "a JPEG image", _IN_ZIP),
    (0, b"GIF87a", "a GIF image", _IN_ZIP),
    (0, b"GIF89a", "a GIF image", _IN_ZIP),
    (8, b"WEBP", "a WebP image", _IN_ZIP),
    (0, b"II*\x00", "a TIFF image", _NO_TEXT),
    (0, b"MM\x00*", "a TIFF image", _NO_TEXT),
    (0, b"\x7fELF", "a program", _NO_TEXT),
    (0, b"MZ\x90\x00", "a program", _NO_TEXT),
    (0, b"GGUF", "a model in GGUF", "Models are added on the page of base models."),
    (0, b"FEA1", "a Feather file of version 1", "Save it as Feather 2 (Arrow) or Parquet."),
    (0, b"ORC\x01", "an ORC file", "Save it as Parquet."),
    (0, b"Obj\x01", "an Avro file", "Save it as Parquet."),
    (0, b"\x93NUMPY", "a NumPy array", "Save the table as Parquet or CSV."),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Save the table as Parquet or CSV."),
)
_PICKLE_PROTOCOLS = range(2, 6)
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1b") + b"\x7f"
_SHEET_PARTS = (b"xl/", b"[Content_Types].xml", b"docProps/")


def refuse_known_binary(head: bytes) -> None:
    """Raise `FileRefused` when `head` (at least 512 bytes of the file, if it has them) starts a file that is no table."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        _refuse_zip(head)
    for offset, mark, name, hint in SIGNATURES:
        if head[offset : offset + len(mark)] == mark:
            raise _not_a_table(name, hint)
    if len(head) > 2 and head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS:
        raise _not_a_table(
            "a Python pickle", "A pickle can run code and is never opened. Save the table as Parquet or CSV."
        )
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise _not_a_table("a web page", "The download may have asked for a login. " + _NO_TEXT)


def refuse_unknown_binary(head: bytes) -> None:
    """Raise `FileRefused` when more than 2 % of `head` are control characters, as in no text."""
    if len(head.translate(None, delete=_CONTROL)) < 0.98 * len(head) - 1:
        raise _not_a_table("a binary file", _NO_TEXT)


def _refuse_zip(head: bytes) -> None:
    if any(part in head for part in _SHEET_PARTS):
        raise _not_a_table("an Excel or Office file", _SAVE)
    raise _not_a_table("a zip archive", _UNPACK)


def _not_a_table(name: str, hint: str) -> FileRefused:
    return FileRefused("binary_file", f"This is {name}, not a table of rows.", hint=hint)
