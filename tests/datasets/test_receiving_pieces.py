"""What a file is recognised by: the same however its bytes came, and there at once when the last one is."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import Conflict
from apps.datasets.models import Reception, Upload
from apps.datasets.receiving import partial, pieces, services
from apps.datasets.tasks import clear_receptions
from tests.cast import Cast
from tests.make import PAIRS, as_jsonl

GOOD = as_jsonl(PAIRS)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(pieces, "PIECE", 100)
    return 100


def by_hand(content: bytes, size: int) -> str:
    """As the docs tell it."""
    parts = [hashlib.sha256(content[start : start + size]).digest() for start in range(0, len(content), size)]
    mark = parts[0]
    for part in parts[1:]:
        mark = hashlib.sha256(mark + part).digest()
    return mark.hex() if len(parts) == 1 else f"{mark.hex()}-{len(parts)}"


@pytest.mark.parametrize("size", [1, 99, 100, 101, 200, 250])
def test_known_by__sizes_around_a_piece__is_as_documented(size: int, small_pieces: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(n % 251 for n in range(size)))
    told = pieces.known_by_at(path)
    assert told == by_hand(path.read_bytes(), small_pieces) and len(told) <= pieces.LONGEST
    assert (told == hashlib.sha256(path.read_bytes()).hexdigest()) == (size <= small_pieces)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=700), cuts=st.lists(st.integers(0, 700), max_size=8))
def test_known_by__bytes_that_come_in_any_pieces__is_the_same(
    content: bytes, cuts: list[int], small_pieces: int, tmp_path: Path
) -> None:
    path, mark, was = tmp_path / "file", "", 0
    path.write_bytes(b"")
    with path.open("r+b") as file:
        for now in [*sorted(cut for cut in cuts if cut < len(content)), len(content)]:
            os.pwrite(file.fileno(), content[was:now], was)
            mark, was = pieces.extended(file.fileno(), mark, was, now), now
        assert pieces.known_by(file.fileno(), mark, len(content)) == by_hand(content, small_pieces)


@pytest.mark.django_db
def test_finish__of_a_long_file__reads_its_last_piece_only(
    cast: Cast, small_pieces: int, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TUNELOOP_DATA = tmp_path
    begun = receive(cast, [GOOD[:150], GOOD[150:]])
    read = list[int]()
    real = os.pread

    def counted(handle: int, count: int, at: int) -> bytes:
        read.append(count)
        return real(handle, count, at)

    monkeypatch.setattr(os, "pread", counted)
    upload = services.finish(begun, actor=cast.engineer, wish=services.Wish())
    assert upload.sha256 == by_hand(GOOD, small_pieces) and "-" in upload.sha256
    assert sum(read) < small_pieces


@pytest.mark.django_db
def test_same_file__sent_in_other_pieces_or_after_a_lost_mark__is_recognised(
    cast: Cast, small_pieces: int, tmp_path: Path, settings: Any
) -> None:
    settings.TUNELOOP_DATA = tmp_path
    services.finish(receive(cast, [GOOD]), actor=cast.engineer, wish=services.Wish())
    lost = receive(cast, [GOOD[:333]])
    Reception.objects.filter(pk=lost.pk).update(mark="")  # begun before marks were kept
    services.append(lost, offset=333, blocks=[GOOD[333:]])
    for again in (lost, receive(cast, [GOOD[n : n + 7] for n in range(0, len(GOOD), 7)])):
        with pytest.raises(Conflict) as told:
            services.finish(again, actor=cast.engineer, wish=services.Wish())
        assert told.value.code == "same_file"
    assert Upload.objects.count() == 1


@pytest.mark.django_db
def test_same_file__received_when_its_whole_sha256_was_kept__is_recognised_after_the_sweep(
    cast: Cast, small_pieces: int, tmp_path: Path, settings: Any
) -> None:
    settings.TUNELOOP_DATA = tmp_path
    old = services.finish(receive(cast, [GOOD]), actor=cast.engineer, wish=services.Wish())
    Upload.objects.update(sha256=hashlib.sha256(GOOD).hexdigest())
    clear_receptions()
    assert Upload.objects.get().sha256 == old.sha256
    with pytest.raises(Conflict):
        services.finish(receive(cast, [GOOD]), actor=cast.engineer, wish=services.Wish())


@pytest.mark.django_db
def test_append__to_a_file_that_lost_its_end__begins_the_mark_anew(
    cast: Cast, small_pieces: int, tmp_path: Path, settings: Any
) -> None:
    settings.TUNELOOP_DATA = tmp_path
    begun = receive(cast, [GOOD[:350]])
    os.truncate(partial.path_of(begun.pk), 120)  # a disk that was restored from an older copy
    with pytest.raises(Conflict):
        services.append(begun, offset=350, blocks=[GOOD[350:]])
    services.append(begun, offset=120, blocks=[GOOD[120:]])
    upload = services.finish(begun, actor=cast.engineer, wish=services.Wish())
    assert upload.sha256 == by_hand(GOOD, small_pieces)


def receive(cast: Cast, blocks: list[bytes]) -> Reception:
    begun = services.begin(actor=cast.engineer, workspace=cast.workspace, name="rows.jsonl", size=len(GOOD))
    for block in blocks:
        services.append(begun, offset=begun.offset, blocks=[block])
    return begun
