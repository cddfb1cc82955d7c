"""Checks docker-compose.yml with docker's client where its compose plug-in is; else by reading it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SECRETS = {"SECRET_KEY": "x", "POSTGRES_PASSWORD": "x", "REDIS_PASSWORD": "x"}


def client() -> list[str] | None:
    """The compose command of this machine."""
    if (
        shutil.which("docker")
        and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    ):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def check_structure() -> list[str]:
    """What would be wrong at the first start: roles that do not exist, services without a health check."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    roles = {"web", "cpu", "gpu", "beat"}
    faults = [f"{name}: no healthcheck" for name, service in services.items() if "healthcheck" not in service]
    for name, service in services.items():
        command = service.get("command", [])
        if "build" in service and not (command[0] == "serve" and command[1] in roles):
            faults.append(f"{name}: {command} is no role of manage.py serve")
    wanted = {"postgres", "redis", "web", "worker-cpu", "worker-gpu", "beat"}
    return faults + [f"{name}: missing" for name in wanted - set(services)]


def main() -> int:
    faults = check_structure()
    command = client()
    if command:
        done = subprocess.run([*command, "config", "-q"], cwd=ROOT, env={**os.environ, **SECRETS}, check=False)
        faults += ["`docker compose config` refuses the file"] if done.returncode else []
    print(
        "\n".join(faults)
        or f"docker-compose.yml: ok ({'by compose config' if command else 'read only: no compose client here'})"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
