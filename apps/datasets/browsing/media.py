"""Images of a version's rows, to those who may see the rows: only what is an image by its name, never sniffed, never a page."""

import re

from django.http import Http404, HttpResponse

from apps.core.storage import storage
from apps.datasets.freezing import media_key
from apps.datasets.models import Dataset

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
}
MOST_BYTES = 64 * 2**20
_NAME = re.compile(r"[0-9a-f]{64}\.(" + "|".join(TYPES) + ")")


def is_media_name(name: str) -> bool:
    """Whether a name can be that of an image of ours: its sha256 and an ending of the table."""
    return _NAME.fullmatch(name) is not None


def image_of(dataset: Dataset, name: str) -> HttpResponse:
    """The bytes of an image. Http404 for a name that is none of ours."""
    if not is_media_name(name):
        raise Http404
    store, key = storage(), media_key(dataset.pk, name)
    if not store.exists(key) or store.size(key) > MOST_BYTES:
        raise Http404
    with store.open(key) as file:
        response = HttpResponse(file.read(), content_type=TYPES[name.rsplit(".", 1)[1]])
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
