"""The browser of the tests: Chromium's headless shell, or Chromium.

The shell is the same engine without windows, tabs and toolbars, which Chromium draws even when nobody sees them: opening three
pages in a new context costs it 1.9 seconds of a processor instead of 3.3.
"""

import os
import shutil
import subprocess

NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
APT = ["apt-get", "-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]


def find_browser() -> str | None:
    """Path of the browser, the lightest one first; CHROMIUM says which one instead."""
    found = (shutil.which(name) for name in NAMES)
    return os.environ.get("CHROMIUM") or next((path for path in found if path), None)


def install_browser() -> str | None:
    """The browser's path; where the shell is missing and we may, it is installed by apt. What is there already stays."""
    if not os.environ.get("CHROMIUM") and not shutil.which(NAMES[0]) and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(NAMES[0])
        if not find_browser():
            _install("chromium")
    return find_browser()


def _install(package: str) -> None:
    install = [*APT, "install", "-y", "--no-install-recommends", "--no-remove", package]
    for command in ([*APT, "update"], install):
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            print(f"{' '.join(command)}: not done in 300 s", flush=True)
            return
        if done.returncode != 0:
            print(f"{' '.join(command)}: {done.stderr.strip()[-500:]}", flush=True)
