"""The console's settings, over a data folder that is thrown away. Read before any test is loaded (pyproject.toml)."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = Path(os.environ.get("TUNELOOP_DATA") or ROOT / "var") / "models"  # where `make install` puts the real one

if "pytest" in sys.modules:  # programs that tests start have theirs in the environment already
    _data = tempfile.mkdtemp(prefix="tuneloop-test-")
    atexit.register(shutil.rmtree, _data, ignore_errors=True)
    Path(_data, "static").mkdir()
    os.environ["TUNELOOP_DATA"] = _data
    os.environ.setdefault("STATIC_FROM_SOURCE", "1")

from console.settings import *  # noqa: E402,F403
