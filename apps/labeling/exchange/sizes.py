"""How many pixels a picture has, where the answers do not say: of the task's data, else of the head of the file itself."""

import io
from collections.abc import Mapping
from typing import Any

from apps.core.storage import storage
from apps.datasets.browsing.media import is_media_name
from apps.datasets.freezing import media_key
from apps.labeling.models import LabelProject
from apps.labeling.schema.values import is_whole
from workers.formats.pictures import head_size

HEAD = 4 * 2**20  # bytes that are read of a file
Size = tuple[int, int]


def size_of(project: LabelProject, data: Mapping[str, Any], picture: str) -> Size:
    """(width, height) in pixels; (0, 0) where nobody knows."""
    width, height = data.get("width"), data.get("height")
    if is_whole(width) and is_whole(height) and width > 0 and height > 0:
        return width, height
    version = project.dataset_version
    if version is None or not is_media_name(picture):
        return 0, 0
    key = media_key(version.dataset_id, picture)
    if not storage().exists(key):
        return 0, 0
    with storage().open(key) as file:
        return head_size(io.BytesIO(file.read(HEAD))) or (0, 0)
