"""Where base models come from: the bundled package, a local folder, the Hub. Each is scanned before any load."""

import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core import ledger, live
from apps.core.errors import Conflict, Problem
from apps.jobs import services as jobs
from apps.training.layers import linear_layers
from apps.training.models import BaseModel, BaseModelState, Source
from workers.models import ModelRefused, scan_model_folder

PREPARE = "training.prepare_model"
BUNDLED = "SmolLM2-135M-Instruct"
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")


def bundled(workspace: Workspace, *, demo_version: Any = None) -> BaseModel:
    """SmolLM2 of this workspace, registered when it is first asked for; a job converts it where that was not done yet.

    With `demo_version` (a dataset version's id) that job launches the demo run once the model is ready.
    """
    found = BaseModel.objects.filter(workspace=workspace, source=Source.BUNDLED).select_related("job").first()
    if found is None:
        found = _register_bundled(workspace)
    if not found.is_ready and (found.folder / "config.json").exists():
        note_facts(found, facts_of(found.folder))
    elif not found.is_ready and found.job is None:
        _submit(found, actor=None, demo_version=str(demo_version) if demo_version else None)
    return found


def _register_bundled(workspace: Workspace) -> BaseModel:
    taken = BaseModel.objects.filter(workspace=workspace, slug=slugify(BUNDLED)).exists()
    name = f"{BUNDLED} bundled" if taken else BUNDLED
    values = {"name": name, "source": Source.BUNDLED}
    model: BaseModel = BaseModel.objects.get_or_create(workspace=workspace, slug=slugify(name), defaults=values)[0]
    return model


def facts_of(folder: Path) -> dict[str, Any]:
    """What is known of a scanned folder, its layers included. Raises Problem for a folder that is refused."""
    try:
        return asdict(scan_model_folder(folder)) | {"linear_layers": linear_layers(folder)}
    except ModelRefused as refusal:
        raise Problem(refusal.message, field="base_model", hint=refusal.hint, code="model_refused") from refusal


def note_facts(model: BaseModel, facts: dict[str, Any], *, revision: str = "") -> None:
    """The model is ready: write down what it is."""
    model.facts, model.revision = facts, revision or model.revision
    model.save(update_fields=["facts", "revision"])
    live.ring(model)


@transaction.atomic
def _submit(model: BaseModel, *, actor: Any, demo_version: str | None = None) -> None:
    inputs = {"base_model": str(model.pk), "demo_version": demo_version}
    title = _("Prepare %(name)s") % {"name": model.name}
    model.job = jobs.submit(
        actor=actor, workspace=model.workspace, kind=PREPARE, title=title, inputs=inputs, settings={}
    )
    model.save(update_fields=["job"])


def add_folder(*, actor: Any, workspace: Workspace, name: str, path: str) -> BaseModel:
    """A model folder of this machine. Raises Problem when it is outside the allowed folders or refused by the scan."""
    folder = _allowed(path)
    facts = facts_of(folder)
    with transaction.atomic():
        model = _create(workspace, actor, name or folder.name, source=Source.FOLDER, path=str(folder), facts=facts)
        ledger.write(row=model, verb="base_model.added", actor=actor, note=str(folder))
    return model


def _allowed(path: str) -> Path:
    if not path or not path.isprintable() or len(path) > 500 or not Path(path).is_absolute():
        raise Problem(_("Give the whole path of a folder on this machine."), field="path")
    folder = Path(path).resolve()
    roots = [Path(root).resolve() for root in settings.MODEL_FOLDERS]
    if not any(folder.is_relative_to(root) for root in roots):
        shown = ", ".join(str(root) for root in roots)
        message = _("Models are read from these folders only: %(roots)s.") % {"roots": shown}
        raise Problem(message, field="path", hint=_("Move it there, or have TUNELOOP_MODEL_FOLDERS name its folder."))
    if not folder.is_dir():
        raise Problem(_("There is no such folder."), field="path")
    return folder


@transaction.atomic
def add_from_hub(*, actor: Any, workspace: Workspace, name: str, repository: str, revision: str = "main") -> BaseModel:
    """A model of the Hub, by its id; a job downloads its safetensors at a pinned revision and scans them."""
    if not REPOSITORY.fullmatch(repository):
        raise Problem(_("A Hub id looks like owner/name."), field="repository")
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise Problem(_("A revision is a branch, a tag or a commit."), field="revision")
    model = _create(workspace, actor, name or repository, source=Source.HUB, repository=repository, revision=revision)
    ledger.write(row=model, verb="base_model.added", actor=actor, note=repository)
    _submit(model, actor=actor)
    return model


def _create(workspace: Workspace, actor: Any, name: str, **fields: Any) -> BaseModel:
    slug = slugify(name.replace(".", "-").replace("/", "-"))[:120]
    if not slug or not name.isprintable():
        raise Problem(_("Give the model a name of letters and digits."), field="name")
    try:
        with transaction.atomic():
            model: BaseModel = BaseModel.objects.create(
                workspace=workspace, created_by=actor, name=name[:120], slug=slug, **fields
            )
    except IntegrityError:
        raise Conflict(_("There is already a base model with this name."), field="name") from None
    live.ring(model)
    return model


def prepare_again(*, actor: Any, model: BaseModel) -> BaseModel:
    """Try once more what failed: no network, no room on the disk. Raises Conflict."""
    if model.state != BaseModelState.FAILED:
        raise Conflict(_("This base model is %(state)s.") % {"state": model.state.label})
    _submit(model, actor=actor)
    return model


@transaction.atomic
def remove(*, actor: Any, model: BaseModel) -> None:
    """Take a model off the list, and what we downloaded of it off the disk. Raises Conflict while a run stands on it."""
    folder = model.folder if model.source == Source.HUB else None
    if model.source == Source.BUNDLED:
        raise Conflict(_("The bundled model belongs to the console."))
    if model.state == BaseModelState.PREPARING and model.job is not None:
        jobs.cancel(actor=actor, job=model.job)
    ledger.write(row=model, verb="base_model.removed", actor=actor)
    try:
        model.delete()
    except ProtectedError:
        raise Conflict(_("Runs were trained from this model.")) from None
    if folder is not None:
        transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))
