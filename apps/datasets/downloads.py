"""Files to take away: always as an attachment, named by us, streamed."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.utils.text import slugify

from apps.core.storage import storage
from apps.core.threads import in_thread
from apps.datasets.models import DatasetVersion
from apps.datasets.rows import iterate

_CHUNK = 256  # rows joined to one piece of the answer
_PIECE = 256 * 1024  # bytes


def rows_as_jsonl(version: DatasetVersion, split: str = "") -> StreamingHttpResponse:
    """All rows or those of one split, a JSON object a line: {"messages": [...], "split" where there is one, and the columns that
    were not mapped}."""
    version.require_rows()  # now: once the answer streams, it is too late to say so
    return _attachment(_lines(version, split), f"{_name(version)}{split and '-'}{split}.jsonl")


def changed_as_jsonl(version: DatasetVersion, change: Callable[[Any], Any]) -> StreamingHttpResponse:
    """All rows, each as `change` makes its object another."""
    version.require_rows()
    return _attachment(_lines(version, "", change), f"{_name(version)}-unmasked.jsonl")


def quarantine_as_jsonl(version: DatasetVersion) -> StreamingHttpResponse:
    """The quarantined rows: {"line", "code", "reason", "raw"} a line. Http404 when there are none."""
    version.require_rows()
    if not version.quarantine_key:
        raise Http404
    return _attachment(_bytes(version.quarantine_key), f"{_name(version)}-quarantine.jsonl")


def _attachment(pieces: Iterator[bytes], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_awaited(pieces), content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Piece by piece from a thread: a plain iterator would be read to its end into memory before the first byte is sent."""
    take = in_thread(lambda: next(pieces, None), thread_sensitive=False)
    while (piece := await take()) is not None:
        yield piece


def _lines(version: DatasetVersion, split: str, change: Callable[[Any], Any] = lambda row: row) -> Iterator[bytes]:
    held: list[str] = []
    for row in iterate(version, split=split or None):
        part = {"split": row.split} if row.split else {}
        said = {**row.content, "messages": row.messages} if row.messages or not row.content else row.content
        held.append(json.dumps(change({**row.extra, **said, **part}), ensure_ascii=False) + "\n")
        if len(held) == _CHUNK:
            yield "".join(held).encode()
            held.clear()
    yield "".join(held).encode()


def _bytes(key: str) -> Iterator[bytes]:
    with storage().open(key) as file:
        while piece := file.read(_PIECE):
            yield piece


def _name(version: DatasetVersion) -> str:
    return f"{slugify(version.dataset.name) or 'dataset'}-v{version.number}"
