"""People of the ring's tests: accounts in a running console, each with a role and a key."""

import json
import subprocess
import sys

import httpx

from tests.e2e.console import ROOT, Console

MAKE = """
import json, sys
from apps.accounts import services
from apps.accounts.models import User, Workspace
workspace = Workspace.objects.get(slug="home")
owner = workspace.memberships.filter(role="owner").first().user
keys = {}
for name, role in json.loads(sys.stdin.read()).items():
    email = f"{name}@example.com"
    if not User.objects.filter(email=email).exists():
        services.admit(actor=owner, workspace=workspace, email=email, role=role, name=name.title(), password="%(password)s")
    keys[name] = services.issue_api_key(actor=User.objects.get(email=email), workspace=workspace, name="ring")[1]
print("KEYS" + json.dumps(keys))
"""
PASSWORD = "a long pass phrase"


def admit(console: Console, people: dict[str, str]) -> dict[str, str]:
    """Make accounts name -> role (e-mail name@example.com) in the first workspace; their API keys."""
    words = [sys.executable, "manage.py", "shell", "-v", "0", "-c", MAKE % {"password": PASSWORD}]
    done = subprocess.run(
        words, cwd=ROOT, env=console.env, input=json.dumps(people), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    keys: dict[str, str] = json.loads(done.stdout.rsplit("KEYS", 1)[1])
    return keys


def client(console: Console, key: str) -> httpx.Client:
    return httpx.Client(base_url=f"{console.base}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=60)
