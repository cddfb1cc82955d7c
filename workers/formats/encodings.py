"""Which encoding a text file is in, and the file as one stream of UTF-8 bytes."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from workers.formats.problems import FileRefused

# What a person may choose: Python's codec -> how people call it.
ENCODINGS: dict[str, str] = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
    "utf-32-le": "UTF-32 (little endian)",
    "utf-32-be": "UTF-32 (big endian)",
    "gb18030": "Chinese, simplified (GB18030, GBK)",
    "cp1252": "Western European (Windows-1252, Latin-1)",
    "shift_jis": "Japanese (Shift JIS)",
    "big5": "Chinese, traditional (Big5)",
    "euc_kr": "Korean (EUC-KR)",
    "cp1251": "Cyrillic (Windows-1251)",
    "iso8859_15": "Western European (ISO 8859-15)",
}
_ALIASES = {"latin-1": "cp1252", "latin1": "cp1252", "iso-8859-1": "cp1252", "windows-1252": "cp1252", "gbk": "gb18030"}
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESSES = ["gb18030", "cp1252", "shift_jis", "big5", "euc_kr", "cp1251"]  # order breaks ties
SCAN = 32 * 2**20  # bytes looked at
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to read the file. `certain` is False for a guess: then `first_bad_line` says where UTF-8 failed."""

    name: str
    bom: int = 0
    certain: bool = True
    first_bad_line: int = 0
    bad_lines: int = 0

    @property
    def label(self) -> str:
        return ENCODINGS.get(self.name, self.name)


def named_encoding(name: str) -> str:
    """The codec for a name given by a person. Raises FileRefused for a name that is not in the table."""
    wanted = name.strip().lower().replace("_", "-")
    wanted = _ALIASES.get(wanted, wanted)
    for codec in ENCODINGS:
        if codec.replace("_", "-") == wanted:
            return codec
    known = ", ".join(ENCODINGS)
    raise FileRefused(
        "unknown_encoding", f"There is no encoding “{name[:40]}”.", hint=f"Choose one of: {known}.", field="encoding"
    )


def detect_encoding(path: Path, given: str = "") -> Encoding:
    """Look at the byte order mark, then at the validity as UTF-8 of the first 32 MiB, and guess only then.

    A file in which more lines hold valid multi-byte UTF-8 than invalid bytes is UTF-8 with damaged lines: those lines
    go to the quarantine. Otherwise the answer is a guess (`certain` False), which nobody should import unasked.
    """
    with path.open("rb") as file:
        head = file.read(4)
        bom, marked = next(((len(mark), name) for mark, name in _BOMS if head.startswith(mark)), (0, ""))
        if given:
            name = named_encoding(given)
            return Encoding(name, bom if name == marked else 0)
        if marked:
            return Encoding(marked, bom)
        file.seek(0)
        return _scan(file)


def open_utf8(path: Path, encoding: Encoding) -> tuple[io.BufferedReader, io.FileIO]:
    """The file as buffered UTF-8 bytes without its byte order mark, and the raw file below (its `tell` is the progress)."""
    raw = io.FileIO(path)
    raw.seek(encoding.bom)
    if encoding.name == "utf-8":
        return io.BufferedReader(raw, _BLOCK), raw
    return io.BufferedReader(_Transcoded(raw, encoding.name), _BLOCK), raw


class _Transcoded(io.RawIOBase):
    """Bytes in some encoding, read as UTF-8. A byte that does not fit refuses the file with its line."""

    def __init__(self, raw: io.FileIO, name: str) -> None:
        self._raw, self._name = raw, name
        self._decoder = codecs.getincrementaldecoder(name)("strict")
        self._ready = memoryview(b"")
        self._lines = 1
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            self._fill()
        part = self._ready[: len(buffer)]
        buffer[: len(part)] = part
        self._ready = self._ready[len(part) :]
        return len(part)

    def _fill(self) -> None:
        block = self._raw.read(_BLOCK // 4)
        self._ended = not block
        try:
            text = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            line = self._lines + bytes(error.object[: error.start]).count(b"\n")
            label = ENCODINGS.get(self._name, self._name)
            message = f"Line {line} holds bytes that are not {label}."
            raise FileRefused(
                "wrong_encoding", message, hint="Choose another encoding.", line=line, field="encoding"
            ) from None
        self._lines += text.count("\n")
        self._ready = memoryview(text.encode("utf-8", "surrogatepass"))


def _scan(file: io.BufferedReader) -> Encoding:
    """Count lines of valid multi-byte UTF-8 and lines that are not UTF-8."""
    good = bad = first_bad = seen = 0
    line = 1
    sample = carried = b""
    while read := file.read(_BLOCK) + file.readline(_BLOCK):
        block, carried = _at_character(carried + read)
        if seen == 0 and (wide := _looks_wide(block[:65536])):
            return Encoding(wide)
        seen += len(block)
        if not _is_utf8(block):
            for number, text in enumerate(block.split(b"\n"), line):
                if _is_utf8(text):
                    good += not text.isascii()
                    continue
                bad, first_bad = bad + 1, first_bad or number
                sample += text[:4096] + b"\n" if len(sample) < 65536 else b""
        elif not block.isascii():
            good += sum(not text.isascii() for text in block.split(b"\n"))
        line += block.count(b"\n")
        if seen >= SCAN:
            break
    if carried:  # the file ends inside a character
        bad, first_bad, sample = bad + 1, first_bad or line, sample + carried
    if bad and bad >= good:
        return Encoding(guess_encoding(sample), certain=False, first_bad_line=first_bad, bad_lines=bad)
    return Encoding("utf-8", first_bad_line=first_bad, bad_lines=bad)


def guess_encoding(sample: bytes) -> str:
    """The likeliest of a few legacy encodings for bytes that are not UTF-8 (charset-normalizer's chaos, then our order)."""
    matches = [m for m in from_bytes(sample, cp_isolation=_GUESSES) if m.encoding in _GUESSES]
    ranked = sorted(matches, key=lambda m: (m.chaos, -m.coherence, _GUESSES.index(m.encoding)))
    return ranked[0].encoding if ranked else "cp1252"


def _at_character(block: bytes) -> tuple[bytes, bytes]:
    """Cut a block so that it does not end inside a UTF-8 character: (whole characters, the beginning of the next)."""
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte >= 0xC0:
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (block[:-back], block[-back:]) if width > back else (block, b"")
        if byte < 0x80:
            break
    return block, b""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _looks_wide(head: bytes) -> str:
    """UTF-16 without a mark: text of ASCII and Latin letters then has NUL in every second byte."""
    if len(head) < 4 or b"\0" not in head:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return ""
