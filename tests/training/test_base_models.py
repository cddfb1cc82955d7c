"""Where base models come from, and what is refused before anything loads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User, Workspace
from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.datasets.models import DatasetVersion
from apps.jobs import protocol
from apps.jobs.models import Job, Status
from apps.training import base_models, services
from apps.training.models import BaseModel, BaseModelState, Run
from tests.training.conftest import claim
from tests.training.folders import FACTS, make_folder

pytestmark = pytest.mark.django_db


def add(owner: User, workspace: Workspace, folder: Path | str, name: str = "") -> BaseModel:
    return base_models.add_folder(actor=owner, workspace=workspace, name=name, path=str(folder))


# ---- the bundled model


def test_bundled__not_yet_unpacked__is_prepared_by_one_job_and_not_by_each_look(workspace: Workspace) -> None:
    model = base_models.bundled(workspace)
    assert model.state == BaseModelState.PREPARING and not model.is_ready
    assert base_models.bundled(workspace) == model
    [job] = Job.objects.all()
    assert (job.kind, job.queue) == ("training.prepare_model", "cpu")


def test_bundled__its_job_failed__says_so_until_a_person_tries_again(owner: User, workspace: Workspace) -> None:
    base_models.bundled(workspace)
    job = claim("cpu")
    protocol.fail(job=job, epoch=1, failure={"class": "user_error", "message": "no package"})
    model = base_models.bundled(workspace)
    assert model.state == BaseModelState.FAILED and Job.objects.count() == 1
    again = base_models.prepare_again(actor=owner, model=model)
    assert again.state == BaseModelState.PREPARING and Job.objects.count() == 2
    with pytest.raises(Conflict):
        base_models.prepare_again(actor=owner, model=model)


def test_bundled__unpacked_before__is_ready_at_once_with_its_layers(workspace: Workspace, settings: Any) -> None:
    make_folder(settings.TUNELOOP_DATA / "models" / "smollm2-135m-instruct")
    model = base_models.bundled(workspace)
    assert model.is_ready and model.facts["context_length"] == 512
    assert model.facts["linear_layers"]["q_proj"] == {"count": 2, "sides": 32, "weights": 128}
    assert set(model.facts["linear_layers"]) == {"q_proj", "v_proj", "down_proj"}
    assert not Job.objects.exists()


def test_bundled__its_name_taken_by_another_model__has_a_name_beside_it(
    owner: User, workspace: Workspace, shelf: Path
) -> None:
    add(owner, workspace, make_folder(shelf / "mine"), name="SmolLM2-135M-Instruct")
    assert base_models.bundled(workspace).slug == "smollm2-135m-instruct-bundled"
    assert base_models.bundled(workspace).slug == "smollm2-135m-instruct-bundled"


def test_demo__model_not_ready__run_is_launched_when_it_is(
    owner: User, workspace: Workspace, version: DatasetVersion, settings: Any
) -> None:
    assert services.load_demo(workspace=workspace, actor=owner, version=version) is None
    job = claim("cpu")
    folder = make_folder(settings.TUNELOOP_DATA / "models" / "smollm2-135m-instruct")
    protocol.succeed(job=job, epoch=1, result={"folder": str(folder), "revision": None, "facts": {}})
    run = Run.objects.get()
    assert run.base_model.is_ready and run.dataset_version == version and run.recipe["max_steps"] == 60
    assert run.job.status == Status.QUEUED


# ---- a folder of this machine


def test_add_folder__sound__is_ready_and_in_the_ledger(owner: User, workspace: Workspace, shelf: Path) -> None:
    model = add(owner, workspace, make_folder(shelf / "qwen2.5-tiny"))
    assert (model.name, model.slug, model.state) == ("qwen2.5-tiny", "qwen2-5-tiny", BaseModelState.READY)
    assert [line.verb for line in ledger.history(model)] == ["base_model.added"]


def pickle_beside(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def code_beside(folder: Path) -> None:
    (folder / "modeling_evil.py").write_text("print('hello')")


def auto_map(folder: Path) -> None:
    make_folder(folder, config={"auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil"}})


def nested_auto_map(folder: Path) -> None:
    make_folder(folder, config={"text_config": {"deep": [{"auto_map": {"AutoConfig": "evil.Config"}}]}})


def auto_map_of_the_tokenizer(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["evil.Tok", None]}}))


def link_to_elsewhere(folder: Path) -> None:
    (folder / "extra.json").symlink_to("/etc/hostname")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def weights_cut_off(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])


def unknown_architecture(folder: Path) -> None:
    make_folder(folder, config={"model_type": "evilnet"})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (pickle_beside, "pytorch_model.bin may be a pickle"),
        (code_beside, "modeling_evil.py is code"),
        (auto_map, "'auto_map'"),
        (nested_auto_map, "'auto_map'"),
        (auto_map_of_the_tokenizer, "'auto_map'"),
        (link_to_elsewhere, "leads out of the folder"),
        (no_weights, "no weights in safetensors"),
        (weights_cut_off, "cut off"),
        (unknown_architecture, "'evilnet'"),
    ],
)
def test_add_folder__unsafe_or_broken__is_refused_with_the_reason(
    owner: User, workspace: Workspace, shelf: Path, spoil: Any, told: str
) -> None:
    folder = make_folder(shelf / "bad")
    spoil(folder)
    with pytest.raises(Problem) as refusal:
        add(owner, workspace, folder)
    assert told in refusal.value.message and refusal.value.field == "base_model"
    assert refusal.value.code == "model_refused" and refusal.value.hint
    assert not BaseModel.objects.exists()


@pytest.mark.parametrize("path", ["", "tiny", "../tiny", "/etc\0", "/" + "x" * 600])
def test_add_folder__path_is_no_whole_path__is_refused(owner: User, workspace: Workspace, path: str) -> None:
    with pytest.raises(Problem) as refusal:
        add(owner, workspace, path)
    assert refusal.value.field == "path"


def test_add_folder__outside_the_allowed_folders__is_refused_also_through_a_link(
    owner: User, workspace: Workspace, shelf: Path, tmp_path: Path
) -> None:
    outside = make_folder(tmp_path / "elsewhere")
    (shelf / "link").symlink_to(outside)
    for path in (outside, shelf / "link", shelf / ".." / "elsewhere"):
        with pytest.raises(Problem) as refusal:
            add(owner, workspace, path)
        assert refusal.value.field == "path" and str(shelf) in refusal.value.message


def test_add_folder__name_taken__is_a_conflict(owner: User, workspace: Workspace, shelf: Path) -> None:
    make_folder(shelf / "tiny")
    add(owner, workspace, shelf / "tiny")
    with pytest.raises(Conflict) as refusal:
        add(owner, workspace, shelf / "tiny")
    assert refusal.value.field == "name"


# ---- the Hub


@pytest.mark.parametrize("repository", ["", "qwen", "a/b/c", "../secrets/x", "owner/na me", "https://x/y", "-x/y"])
def test_add_from_hub__no_hub_id__is_refused(owner: User, workspace: Workspace, repository: str) -> None:
    with pytest.raises(Problem) as refusal:
        base_models.add_from_hub(actor=owner, workspace=workspace, name="", repository=repository)
    assert refusal.value.field == "repository" and not Job.objects.exists()


@pytest.mark.parametrize("revision", ["", "a..b", "-main", "ma in", "x" * 81])
def test_add_from_hub__no_revision__is_refused(owner: User, workspace: Workspace, revision: str) -> None:
    with pytest.raises(Problem) as refusal:
        base_models.add_from_hub(actor=owner, workspace=workspace, name="", repository="a/b", revision=revision)
    assert refusal.value.field == "revision"


def test_add_from_hub__good_id__is_prepared_by_a_job_with_its_own_place(
    owner: User, workspace: Workspace, settings: Any
) -> None:
    model = base_models.add_from_hub(actor=owner, workspace=workspace, name="", repository="Qwen/Qwen2.5-0.5B-Instruct")
    assert (model.slug, model.state) == ("qwen-qwen2-5-0-5b-instruct", BaseModelState.PREPARING)
    inputs = _prepared_inputs(claim("cpu"))
    assert inputs["repo"] == "Qwen/Qwen2.5-0.5B-Instruct" and inputs["revision"] == "main"
    assert inputs["target"] == str(settings.TUNELOOP_DATA / "models" / "hub" / str(model.pk))


def _prepared_inputs(job: Job) -> dict[str, Any]:
    from apps.jobs import kinds

    return kinds.get(job.kind).prepare(job)


def test_hub_model__its_job_succeeds__has_facts_and_a_pinned_revision(owner: User, workspace: Workspace) -> None:
    model = base_models.add_from_hub(actor=owner, workspace=workspace, name="", repository="a/b")
    make_folder(model.folder)
    protocol.succeed(job=claim("cpu"), epoch=1, result={"folder": "", "revision": "c0ffee", "facts": {}})
    model.refresh_from_db()
    assert model.is_ready and model.revision == "c0ffee" and model.facts["layers"] == 2


# ---- removal


def test_remove__downloaded_model__takes_its_files_along(
    owner: User, workspace: Workspace, django_capture_on_commit_callbacks: Any
) -> None:
    model = base_models.add_from_hub(actor=owner, workspace=workspace, name="", repository="a/b")
    folder = make_folder(model.folder)
    with django_capture_on_commit_callbacks(execute=True):
        base_models.remove(actor=owner, model=model)
    assert not BaseModel.objects.exists() and not folder.exists()
    assert Job.objects.get().status == Status.CANCELLED


def test_remove__local_folder__stays_on_the_disk(
    owner: User, model: BaseModel, django_capture_on_commit_callbacks: Any
) -> None:
    folder = model.folder
    with django_capture_on_commit_callbacks(execute=True):
        base_models.remove(actor=owner, model=model)
    assert folder.is_dir() and not BaseModel.objects.exists()


def test_remove__runs_stand_on_it__is_a_conflict(owner: User, run: Run) -> None:
    with pytest.raises(Conflict):
        base_models.remove(actor=owner, model=run.base_model)
    assert BaseModel.objects.filter(pk=run.base_model_id).exists()


def test_remove__bundled__is_a_conflict(owner: User, workspace: Workspace) -> None:
    model = BaseModel.objects.create(workspace=workspace, name="S", slug="s", source="package", facts=FACTS)
    with pytest.raises(Conflict):
        base_models.remove(actor=owner, model=model)
