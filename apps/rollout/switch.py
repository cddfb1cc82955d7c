"""The stop files: a rollout whose file lies in the data folder is stopped on every process, whatever the database says.

The kill switch lays the file down before it writes to the database, so that it works while the database is slow or away;
`manage.py stop_rollout` lays it down without any database.
"""

from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings


def file_of(rollout_id: UUID) -> Path:
    return Path(settings.TUNELOOP_DATA) / "rollouts" / f"{rollout_id}.stop"


def lay_down(rollout_id: UUID) -> None:
    path = file_of(rollout_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def take_away(rollout_id: UUID) -> None:
    file_of(rollout_id).unlink(missing_ok=True)


def is_down(rollout_id: UUID) -> bool:
    return file_of(rollout_id).exists()


def all_down() -> list[UUID]:
    """Every rollout whose stop file lies there."""
    found = []
    for path in (Path(settings.TUNELOOP_DATA) / "rollouts").glob("*.stop"):
        with suppress(ValueError):  # somebody's own file
            found.append(UUID(path.stem))
    return found
