"""What becomes of files that came in pieces: joined, cleared away, stopped by a full disk."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem, TooLarge
from apps.core.storage import storage
from apps.datasets.models import Dataset, Reception, Upload
from apps.datasets.receiving import joining, orphans, partial, services, tus
from apps.datasets.tasks import clear_receptions
from tests.cast import Cast
from tests.make import PAIRS, as_jsonl, make_api_key

GOOD = as_jsonl(PAIRS)
TABLE = b"prompt,completion\r\nWhere?,There.\r\nWhen?,Soon."
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_data(settings: Any, tmp_path: Path) -> None:
    settings.TUNELOOP_DATA = tmp_path


def receive(cast: Cast, content: bytes, name: str, **fields: Any) -> Reception:
    size = fields.pop("size", len(content))
    begun = services.begin(actor=cast.engineer, workspace=cast.workspace, name=name, size=size, **fields)
    services.append(begun, offset=0, blocks=[content])
    return begun


def join(cast: Cast, *receptions: Reception, **wish: Any) -> bytes:
    upload = joining.join(list(receptions), actor=cast.engineer, wish=services.Wish(**wish))
    with storage().open(upload.key) as file:
        return bytes(file.read())


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """Files end at `size` bytes for this process: the kernel refuses more, as a full disk does."""
    limits, told = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, told)


def test_join__lines__stand_one_behind_the_other(cast: Cast) -> None:
    parts = [receive(cast, GOOD.rstrip(), "a.jsonl"), receive(cast, GOOD, "b.JSONL")]
    assert join(cast, *parts, name="both") == GOOD * 2
    assert list(partial.folder().iterdir()) == []
    assert Dataset.objects.get().name == "both" and not Reception.objects.unfinished().exists()
    assert join(cast, *parts) == GOOD * 2 and Upload.objects.count() == 1  # asked twice, done once


def test_join__tables__keep_the_first_head_only(cast: Cast) -> None:
    parts = [receive(cast, TABLE, "a.csv"), receive(cast, b"\xef\xbb\xbf" + TABLE, "b.csv")]
    assert join(cast, *parts) == b"prompt,completion\nWhere?,There.\r\nWhen?,Soon.\nWhere?,There.\r\nWhen?,Soon.\n"


@pytest.mark.parametrize(
    "other",
    [
        (TABLE.replace(b"prompt", b"question"), "b.csv"),
        (GOOD, "b.jsonl"),
        (b"\xff\xfep\0", "b.csv"),
        (b'"a\nb",c', "b.csv"),
    ],
)
def test_join__files_that_do_not_fit__are_refused_and_stay(cast: Cast, other: tuple[bytes, str]) -> None:
    parts = [receive(cast, TABLE, "a.csv"), receive(cast, *other)]
    with pytest.raises(Problem) as refused:
        join(cast, *parts)
    assert refused.value.code == "not_joinable"
    assert len(list(partial.folder().iterdir())) == 2 and not Upload.objects.exists()


def test_join__one_not_whole__is_a_conflict(cast: Cast) -> None:
    parts = [receive(cast, GOOD, "a.jsonl"), receive(cast, GOOD, "b.jsonl", size=len(GOOD) + 1)]
    with pytest.raises(Conflict) as refused:
        join(cast, *parts)
    assert refused.value.code == "incomplete"


def test_join__together_too_large__is_refused(cast: Cast, settings: Any) -> None:
    parts = [receive(cast, GOOD, "a.jsonl"), receive(cast, GOOD, "b.jsonl")]
    settings.MAX_UPLOAD_BYTES = len(GOOD)
    with pytest.raises(TooLarge):
        join(cast, *parts)


def test_join__by_door__answers_where_to_go(cast: Cast) -> None:
    ids = [str(receive(cast, GOOD, name).pk) for name in ("a.jsonl", "b.jsonl")]
    client = Client(headers={"Authorization": f"Bearer {make_api_key(cast.engineer, cast.workspace)}"})
    for uploads, status in ((ids[:1], 400), ("x", 400), ([*ids, str(cast.owner.pk)], 400), (ids, 201), (ids, 201)):
        answer = client.post("/api/v1/uploads/join/", {"uploads": uploads}, content_type="application/json")
        assert answer.status_code == status, answer.json()
    assert answer.json()["url"] == Upload.objects.get().get_absolute_url()


def test_disk_full__in_the_middle__is_told_and_goes_on_later(cast: Cast) -> None:
    begun = receive(cast, GOOD[:100], "a.jsonl", size=len(GOOD))
    with full_at(200), pytest.raises(partial.NoSpace) as told:
        services.append(begun, offset=100, blocks=[GOOD[100:150], GOOD[150:]])
    assert (told.value.status, told.value.code) == (503, "disk_full") and "kept" in told.value.hint
    assert (begun.offset, partial.path_of(begun.pk).stat().st_size) == (100, 100)
    services.append(begun, offset=100, blocks=[GOOD[100:]])
    upload = services.finish(begun, actor=cast.engineer, wish=services.Wish())
    assert storage().open(upload.key).read() == GOOD


def test_begin__no_room_for_it__is_told_at_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: os.terminal_size((1, 1)) and type("Usage", (), {"free": 10}))
    with pytest.raises(partial.NoSpace):
        receive(cast, GOOD, "a.jsonl")


def test_append__frozen_writer__cannot_move_the_offset_back(cast: Cast) -> None:
    """A writer that slept through another one's work wakes up: its compare-and-swap finds another offset."""
    begun = receive(cast, GOOD[:100], "a.jsonl", size=len(GOOD))

    def overtaken() -> Iterator[bytes]:
        Reception.objects.filter(pk=begun.pk).update(offset=len(GOOD))
        yield GOOD[100:120]

    with pytest.raises(tus.WrongOffset):
        services.append(begun, offset=100, blocks=overtaken())
    assert Reception.objects.get().offset == len(GOOD)


def test_clear__abandoned_and_strays__go_and_others_stay(cast: Cast, settings: Any) -> None:
    settings.UNFINISHED_UPLOADS_KEPT_DAYS = 2
    old, fresh, done = (receive(cast, GOOD, f"{n}.jsonl") for n in range(3))
    services.finish(done, actor=cast.engineer, wish=services.Wish())
    days = timezone.now() - timedelta(days=3)
    Reception.objects.filter(pk=old.pk).update(touched_at=days)
    stray, young = partial.folder() / "gone.part", partial.folder() / "new.part"
    for path in (stray, young):
        path.touch()
    os.utime(stray, (time.time() - 90_000,) * 2)
    clear_receptions()
    assert {path.name for path in partial.folder().iterdir()} == {f"{fresh.pk}.part", "new.part"}
    assert set(Reception.objects.values_list("pk", flat=True)) == {fresh.pk, done.pk}
    Reception.objects.filter(pk=done.pk).update(finished_at=days)
    clear_receptions()
    assert Reception.objects.get() == fresh and Upload.objects.count() == 1


def test_plain_door__after_it__the_same_file_is_known(cast: Cast, workspace: Workspace, client: Client) -> None:
    client.force_login(cast.engineer, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post("/datasets/new/", {"name": "plain", "file": SimpleUploadedFile("rows.jsonl", GOOD)})
    with pytest.raises(Conflict) as told:
        services.finish(receive(cast, GOOD, "a.jsonl"), actor=cast.engineer, wish=services.Wish())
    assert told.value.code == "same_file" and "plain" in told.value.message


def test_raw_file__without_a_row__goes_after_a_day_and_one_in_use_stays(
    cast: Cast, settings: Any, tmp_path: Path
) -> None:
    settings.TUNELOOP_STORAGE = f"file://{tmp_path}/files"
    upload = services.finish(receive(cast, GOOD, "a.jsonl"), actor=cast.engineer, wish=services.Wish())
    stray = upload.key.rsplit("/", 1)[0] + "/stray"
    for key in (stray, "datasets/gone/raw/stray", "datasets/gone/shards/other"):
        with storage().open(key, "wb") as file:
            file.write(GOOD)
        os.utime(storage().local(key), (0, 0))  # as old as the bytes may be: when it was moved here is what counts
    assert orphans.clear(now=time.time()) == []
    assert orphans.clear(now=time.time() + orphans.AFTER + 60) == sorted([stray, "datasets/gone/raw/stray"])
    assert storage().exists(upload.key) and storage().exists("datasets/gone/shards/other")


def test_raw_file__killed_between_move_and_commit__is_the_only_one_that_goes(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL: nothing after it runs."""

    def die(*_args: Any, **_words: Any) -> None:
        raise Killed

    upload = services.finish(receive(cast, GOOD, "a.jsonl"), actor=cast.engineer, wish=services.Wish())
    monkeypatch.setattr(Upload, "save", die)
    monkeypatch.setattr(storage().__class__, "delete", die)  # what would tidy up does not run either
    with pytest.raises(Killed):
        services.finish(receive(cast, GOOD, "b.jsonl"), actor=cast.engineer, wish=services.Wish(again=True))
    monkeypatch.undo()
    assert len(orphans.clear(now=time.time() + orphans.AFTER + 60)) == 1
    assert Upload.objects.get() == upload and storage().exists(upload.key)
