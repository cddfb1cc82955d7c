"""The browser of the tests: Chromium, or its headless shell.

The shell is the same engine without windows and toolbars and a little lighter, but the slow stories with a real model did not always
pass in it, so Chromium comes first."""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-headless-shell", "google-chrome")
APT = ["apt-get", "-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]


def find_browser() -> str | None:
    """Path of the browser; CHROMIUM says which one instead."""
    found = (shutil.which(name) for name in NAMES)
    return os.environ.get("CHROMIUM") or next((path for path in found if path), None)


def install_browser() -> str | None:
    """The browser's path; where there is none and we may, it is installed by apt. What is there already stays."""
    if not find_browser() and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(NAMES[0])
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
