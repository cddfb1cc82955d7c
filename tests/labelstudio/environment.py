"""A Label Studio of its own: `python -m tests.labelstudio.environment` makes its virtual environment, `Server` starts and stops it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

VERSION = "1.23.2"
ROOT = Path(__file__).resolve().parent.parent.parent
HOME = Path(os.environ.get("TUNELOOP_LABEL_STUDIO_HOME") or ROOT / "var" / f"label-studio-{VERSION}")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
EMAIL = "studio@example.com"


def make() -> Path:
    """The program, installed once."""
    program = HOME / "bin" / "label-studio"
    if not program.exists():
        print(f"Installing Label Studio {VERSION} into {HOME} (once, about 1 GB) ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        install = [str(HOME / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install, f"label-studio=={VERSION}"], check=True)
    return program


class Server:
    """Community edition on a free port of loopback, on SQLite in `folder`, with one account and its legacy token."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, headers={"Authorization": f"Token {TOKEN}"}, timeout=60)

    def start(self) -> float:
        """Seconds until it answers."""
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.folder),
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "DJANGO_SETTINGS_MODULE": "label_studio.core.settings.label_studio",
        }
        words = ["start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(self.port)]
        person = ["--username", EMAIL, "--password", "a long pass phrase", "--user-token", TOKEN]
        program = HOME / "bin" / "label-studio"
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(program), *words, "--data-dir", str(self.folder), *person], env=env, stdout=log, stderr=log
            )
        while time.monotonic() < began + 300:
            if self._answers():
                return time.monotonic() - began
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.5)
        raise TimeoutError("Label Studio does not answer")

    def _answers(self) -> bool:
        try:
            return self.http.get("/api/current-user/whoami").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def restart(self, pause: float = 3.0) -> None:
        """Killed in whatever it does, away for a while, and back with the same data."""
        self.kill()
        time.sleep(pause)
        self.start()

    def ask(self, method: str, path: str, **given: Any) -> Any:
        answer = self.http.request(method, f"/api/{path}", **given)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def says(self, task: int, result: Any) -> int:
        """The account answers a task. The id of the answer."""
        return int(self.ask("POST", f"tasks/{task}/annotations/", json={"result": result, "lead_time": 2.5})["id"])

    def count(self, project: int) -> int:
        return int(self.ask("GET", f"projects/{project}/")["task_number"])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    make()
