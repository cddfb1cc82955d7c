"""The shape that every change keeps (docs/architecture.md). What import-linter cannot see is checked here."""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps as registry
from django.conf import settings
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from apps.accounts.models import WorkspaceRow

ROOT = Path(__file__).resolve().parent.parent
STAGES = [name.removeprefix("apps.") for name in settings.STAGES]
CODE = ["apps", "console", "workers", "manage.py"]

TOP_LEVEL = {
    ".ci", ".dockerignore", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "Makefile", "README.md", "apps", "console",
    "deploy", "docker-compose.yml", "docs", "manage.py", "pyproject.toml", "requirements-dev.in", "requirements-dev.txt",
    "requirements-models.txt", "requirements.in", "requirements.txt", "static", "templates", "tests", "workers",
}  # fmt: skip
MAY_COME = {"locale"}
NOT_OURS = {
    ".git", ".venv", ".env", "var", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache", "staticfiles",
    "__pycache__",
}  # fmt: skip
LOOPS = {"workers/fine_tune.py", "workers/trainer.py"}  # a training loop may have 80 lines
FORBIDDEN = ["trust_remote_code=True", "shell=True", "pickle.load", "torch.load"]
STAGE_WORDS = re.compile(
    r"(?<![a-z])(datasets?|label(?:ing|project)s?|training|finetune|evaluation|serving|rollouts?|gateway|feedback|overview)(?![a-z])",
    re.IGNORECASE,
)
PUBLIC = [
    r"healthz", r"readyz", r"metrics", r"api/schema/", r"api/docs/",
    r"v1/.*",  # for programs: by API key alone (tests/gateway)
    r"api/v1/label-studio-hooks/.*",  # for Label Studio: by the secret of the webhook (tests/labeling/test_sync_doors.py)
    # who is not signed in yet, or cannot sign in
    r"accounts/(login|logout|signup|inactive|password/reset|confirm-email|login/code|reauthenticate)/.*",
]  # fmt: skip


def python_files(*places: str) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        found = [path] if path.is_file() else sorted(path.rglob("*.py"))
        yield from (file for file in found if "migrations" not in file.parts and "__pycache__" not in file.parts)


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


# ---- the one arrow


def test_stages__order_of_installation__is_the_order_of_layers() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = config["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert layers[::-1] == STAGES
    installed = [name for name in settings.INSTALLED_APPS if name.startswith("apps.")]
    assert installed == settings.STAGES


def test_stages__every_folder__is_installed_and_told_of() -> None:
    folders = {path.name for path in (ROOT / "apps").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders == set(STAGES)
    readme = (ROOT / "apps" / "README.md").read_text()
    assert list(re.findall(r"^\| *\d+ *\| `(\w+)`", readme, re.MULTILINE)) == STAGES


def relations(model: type[models.Model]) -> Iterator[tuple[str, type[models.Model]]]:
    """What a model points to: foreign keys (also those given as text), many-to-many and what they go through, parents."""
    for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
        if field.remote_field is not None:
            yield field.name, field.remote_field.model
            if through := getattr(field.remote_field, "through", None):
                yield f"{field.name} (through)", through
    for parent in model._meta.parents:
        yield "parent", parent


def test_models__relations__never_point_to_a_later_stage() -> None:
    wrong = []
    for model in registry.get_models(include_auto_created=True):
        stage = model._meta.app_label
        for name, other in relations(model) if stage in STAGES else ():
            later = other._meta.app_label
            if later in STAGES and STAGES.index(later) > STAGES.index(stage):
                wrong.append(f"{model.__name__}.{name} -> {other.__name__}")
    assert wrong == []


def test_models__of_workspaces__can_all_be_scoped_to_a_person() -> None:
    rows = [model for model in registry.get_models() if issubclass(model, WorkspaceRow)]
    assert rows
    assert [model.__name__ for model in rows if not hasattr(model._default_manager, "visible_to")] == []


def words_of(path: Path) -> Iterator[str]:
    """Names and texts in the code, without comments and docstrings."""
    source = path.read_text(encoding="utf-8")
    docs = {
        (node.body[0].lineno, node.body[0].col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node)
    }
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NAME, tokenize.STRING) and token.start not in docs:
            yield token.string


@pytest.mark.parametrize("stage", ["core", "jobs"])
def test_ground_floor__code__knows_no_stage_by_name(stage: str) -> None:
    found = [
        f"{short(path)}: {word}"
        for path in python_files(f"apps/{stage}")
        if path.name != "views.py" or stage != "core"  # the style guide shows components with words of every stage
        for word in words_of(path)
        if STAGE_WORDS.search(word)
    ]
    assert found == []


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_workers__imports__are_of_no_web_framework_and_no_stage() -> None:
    web = {"django", "celery", "channels", "rest_framework", "kombu", "redis", "apps", "console"}
    assert [(short(p), m) for p in python_files("workers") for m in imports_of(p) if m.split(".")[0] in web] == []


def test_stages__talk_by_calls__not_by_signals() -> None:
    signals = re.compile(r"django\.dispatch|django\.db\.models\.signals|@receiver")
    assert [short(path) for path in python_files("apps") if signals.search(path.read_text())] == []


# ---- the tree and its sizes


def test_tree__top_level__is_as_designed() -> None:
    found = {path.name for path in ROOT.iterdir()} - NOT_OURS
    assert found - TOP_LEVEL - MAY_COME == set()
    assert TOP_LEVEL - found == set()


def test_tree__no_file__is_a_drawer_for_everything() -> None:
    drawers = {"utils.py", "helpers.py", "misc.py", "common.py", "utils", "helpers"}
    assert [
        short(p) for p in python_files("apps", "console", "workers", "tests") if drawers & {p.name, p.parent.name}
    ] == []


def test_files__python__have_at_most_400_lines() -> None:
    assert [(short(p), line_count(p)) for p in python_files(*CODE, "tests") if line_count(p) > 400] == []


def test_files__templates_and_scripts__have_at_most_150_lines() -> None:
    files: Iterable[Path] = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static").rglob("*.js")]
    assert [(short(path), line_count(path)) for path in files if line_count(path) > 150] == []


def test_functions__all__have_at_most_60_lines() -> None:
    long = []
    for path in python_files(*CODE, "tests"):
        limit = 80 if short(path) in LOOPS else 60
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > limit:
                    long.append((short(path), node.name, length))
    assert long == []


def test_code__dangerous_words__are_absent() -> None:
    found = [
        (short(p), words) for p in python_files(*CODE) for words in FORBIDDEN if words in p.read_text(encoding="utf-8")
    ]
    assert found == []


def test_templates__inline_script_and_style__are_absent() -> None:
    """The Content-Security-Policy would refuse them anyway."""
    inline = re.compile(
        r"<script(?![^>]*\b(?:src|type=\"application/json\"))|<style|\son\w+=|\sstyle=|javascript:", re.IGNORECASE
    )
    assert [short(p) for p in (ROOT / "templates").rglob("*.html") if inline.search(p.read_text())] == []


# ---- the doors


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every address with its view."""
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern):
            yield address, pattern.callback


def is_public(address: str) -> bool:
    return any(re.fullmatch(known, address) for known in PUBLIC)


def requires_login(view: Any) -> bool:
    door = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if isinstance(door, type) and issubclass(door, APIView):
        return bool(door.permission_classes) and AllowAny not in door.permission_classes
    return bool(getattr(view, "login_required", True))


def test_doors__all_but_a_short_list__require_a_sign_in() -> None:
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE
    open_doors = [address for address, view in routes(get_resolver().url_patterns) if not requires_login(view)]
    assert [address for address in open_doors if not is_public(plain(address)) and address != "admin/login/"] == []


def plain(address: str) -> str:
    """An address with something at each of its places."""
    fillers = {"uuid": "00000000-0000-0000-0000-000000000000", "int": "1", "path": "x", "str": "x", "slug": "x"}
    filled = re.sub(r"<(?:(\w+):)?\w+>", lambda found: fillers[found[1] or "str"], address)
    filled = re.sub(r"\(\?P<\w+>[^)]*\)", "x", filled)
    return re.sub(r"[\^$\\]|\(\?P?[^)]*\)", "", filled)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_doors__for_somebody_not_signed_in__show_nothing(method: str) -> None:
    client = Client()
    shown = []
    for address, _view in routes(get_resolver().url_patterns):
        if is_public(plain(address)):
            continue
        answer = getattr(client, method)(f"/{plain(address)}")
        to_login = answer.status_code == 302 and "login" in answer["Location"]
        if not to_login and answer.status_code not in (401, 403, 404, 405):
            shown.append((address, answer.status_code))
    assert shown == []


def test_compose_of_root__kinds_and_topics__are_of_installed_stages() -> None:
    from console.kinds import KINDS
    from console.topics import TOPICS

    assert all(name == kind.name for name, kind in KINDS.items())
    assert {kind.queue for kind in KINDS.values()} <= {"gpu", "cpu", "chat", "serve"}
    assert set(TOPICS) <= {model._meta.model_name for model in registry.get_models()}
