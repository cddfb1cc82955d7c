"""The secret key: made once, on the first start, readable by the owner of the process alone."""

import os
import secrets
from pathlib import Path


def secret_key(data: Path) -> str:
    """The key in `<data>/secret_key`, made if there is none. Two processes that start at once agree on one."""
    path = data / "secret_key"
    data.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = data / f".secret_key.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)  # fails when the other process was first: then its key counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
