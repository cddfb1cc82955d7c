"""The secret key: made once, for the owner's eyes, the same for all processes that start together."""

import stat
import threading
from pathlib import Path

from console.secret import secret_key


def test_secret_key__first_start__is_long_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    key = secret_key(tmp_path / "new")
    assert len(key) >= 50
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


def test_secret_key__next_start__is_the_same_and_elsewhere_another(tmp_path: Path) -> None:
    assert secret_key(tmp_path / "a") == secret_key(tmp_path / "a")
    assert secret_key(tmp_path / "a") != secret_key(tmp_path / "b")


def test_secret_key__ten_at_once__agree_and_leave_no_draft(tmp_path: Path) -> None:
    keys: list[str] = []
    threads = [threading.Thread(target=lambda: keys.append(secret_key(tmp_path))) for _number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 10
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
