"""One image: checked by decoding it, under caps, in a process with limits (B32-B35)."""

from __future__ import annotations

import base64
import io
import warnings
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from workers.formats.problems import RowFault

MOST_PIXELS = 40_000_000
IMAGE_CAP = 64 * 2**20  # bytes of one file
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}
_THUMB = 96  # pixels of the longer side
Image.MAX_IMAGE_PIXELS = None  # our own cap is checked first


class Picture(NamedTuple):
    """What an image is: the ending of its true format and its size in pixels; `thumb` is a small JPEG as a data address, or ""."""

    suffix: str
    width: int
    height: int
    thumb: str = ""


def check_picture(data: bytes, *, thumb: bool = False) -> Picture:
    """Decode the (first frame of the) image. Raises RowFault for another format, too many pixels, or damage."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=tuple(SUFFIXES)) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    what = f"{width} by {height} pixels"
                    raise RowFault(
                        "too_many_pixels", f"The image has {what}; {MOST_PIXELS // 10**6} million are the most."
                    )
                image.load()
                small = _thumb(image) if thumb else ""
                return Picture(SUFFIXES[str(image.format)], width, height, small)
    except RowFault:
        raise
    except UnidentifiedImageError:
        known = "PNG, JPEG, WebP, GIF or BMP"
        raise RowFault("not_an_image", f"This is no {known} image, whatever its name says.") from None
    except MemoryError:
        raise RowFault("too_heavy", "The image needs more memory to decode than an image may.") from None
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        raise RowFault(
            "damaged_image", f"The image cannot be decoded: {str(error)[:120] or type(error).__name__}."
        ) from None


def head_size(head: io.BytesIO) -> tuple[int, int] | None:
    """(width, height) in pixels by the head of an image's file, of which no pixel is decoded; None for what is no image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(head, formats=(*SUFFIXES, "TIFF")) as image:
                return image.size
    except Exception:  # Pillow's readers raise many kinds on damaged files; each means that the size is not known
        return None


def _thumb(image: Image.Image) -> str:
    small = image.convert("RGB")
    small.thumbnail((_THUMB, _THUMB))
    held = io.BytesIO()
    small.save(held, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")
