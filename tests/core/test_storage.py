"""The seam to files: nothing leaves the root, nothing is seen half written."""

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.core.storage import Storage

OUTSIDE = [
    "", "/etc/passwd", "../x", "a/../../x", "a/..", ".", "a//b", "a/./b", "a/", "..\\x", "a\\b", "a\0b", "..", "./a",
]  # fmt: skip


@pytest.fixture
def local(tmp_path: Path) -> Storage:
    return Storage(f"file://{tmp_path}/files")


@pytest.fixture
def remote(tmp_path: Path, settings: Settings) -> Storage:
    """Not a local folder: fsspec's file system in memory stands for S3."""
    settings.TUNELOOP_DATA = tmp_path
    return Storage(f"memory://{tmp_path.name}")


@pytest.mark.parametrize("key", OUTSIDE)
def test_path__key_that_could_leave_the_root__is_refused(local: Storage, key: str) -> None:
    for act in (local.path, local.exists, local.size, local.delete, local.open, local.local):
        with pytest.raises(ValueError, match="not a storage key"):
            act(key)


@pytest.mark.parametrize("key", ["a", "datasets/1/shard-0001.parquet", "a..b", "…/ü"])
def test_open__written__is_read_back(local: Storage, key: str) -> None:
    with local.open(key, "wb") as file:
        file.write(b"data")
    assert local.exists(key)
    assert local.size(key) == 4
    assert local.local(key).read_bytes() == b"data"


def test_keep__file_and_folder__are_moved_in(local: Storage, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "weights").write_bytes(b"12")
    (tmp_path / "one").write_bytes(b"1")
    local.keep(tmp_path / "folder", "checkpoints/7")
    local.keep(tmp_path / "one", "x/one")
    assert local.local("checkpoints/7/weights").read_bytes() == b"12"
    assert local.local("x/one").read_bytes() == b"1"
    assert not (tmp_path / "folder").exists()
    assert not (tmp_path / "one").exists()


def test_keep__source_on_another_disk__is_copied_and_gone(
    local: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("only one disk here")
    source = other / f"tuneloop-test-{tmp_path.name}"
    source.write_bytes(b"far")
    local.keep(source, "a/far")
    assert local.local("a/far").read_bytes() == b"far"
    assert not source.exists()
    assert [path.name for path in local.local("a/far").parent.iterdir()] == ["far"]


def test_delete__of_what_is_not_there__is_quiet(local: Storage) -> None:
    local.delete("nothing/here")


def test_delete__folder__takes_all_below(local: Storage) -> None:
    for name in ("a/1", "a/2"):
        with local.open(name, "wb") as file:
            file.write(b"x")
    local.delete("a")
    assert not local.exists("a/1")


def test_remote__kept__is_read_from_a_cached_copy_until_deleted(remote: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "part").write_bytes(b"far away")
    remote.keep(source, "sets/1")
    assert not source.exists()
    copy = remote.local("sets/1")
    assert (copy / "part").read_bytes() == b"far away"
    assert remote.local("sets/1") == copy
    remote.delete("sets/1")
    assert not copy.exists()
    assert not remote.exists("sets/1/part")


def test_remote__two_fetch_at_once__leave_one_whole_copy(remote: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "part").write_bytes(b"x")
    remote.keep(source, "sets/2")
    real = remote.fs.get

    def slowly(*args: object, **kwargs: object) -> None:
        real(*args, **kwargs)
        remote.fs.get = real
        remote.local("sets/2")  # the other one is done first

    remote.fs.get = slowly
    copy = remote.local("sets/2")
    assert (copy / "part").read_bytes() == b"x"
    assert [path.name for path in copy.parent.iterdir()] == ["2"]
