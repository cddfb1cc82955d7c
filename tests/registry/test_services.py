"""Numbers, approval and retirement of versions."""

from typing import Any

import pytest
from django.utils import timezone

from apps.core import ledger
from apps.core.errors import Conflict, Problem
from apps.evaluation.services import Verdict
from apps.jobs.models import Status
from apps.registry import gates, services
from apps.registry.gates import Gate
from apps.registry.models import Model, ModelVersion, VersionStatus
from apps.training.models import Checkpoint
from tests.cast import Cast
from tests.registry.making import make_approved, make_checkpoint, make_model

pytestmark = pytest.mark.django_db


def register(cast: Cast, model: Model, checkpoint: Checkpoint, version: str = "", **values: Any) -> ModelVersion:
    return services.register_version(actor=cast.engineer, model=model, checkpoint=checkpoint, version=version, **values)


def fail_gates(monkeypatch: pytest.MonkeyPatch, state: str = "failed") -> None:
    gate = Gate("round", "Agreement of raters", state, "Kappa 0.41, must be above 0.60", "/evaluate/x/", None)
    monkeypatch.setattr(gates, "gates_of", lambda _checkpoint: [gate])


# ---- numbers


def test_register__first_version__is_1_0_0(cast: Cast, model: Model, checkpoint: Checkpoint) -> None:
    made = register(cast, model, checkpoint, notes=" First try. ")
    assert (made.version, made.change, made.status, made.notes) == ("1.0.0", "first", "draft", "First try.")
    assert (made.major, made.minor, made.patch, made.pre, made.number) == (1, 0, 0, "", 1)
    assert [entry.verb for entry in ledger.history(made)] == ["modelversion.registered"]


@pytest.mark.parametrize("text", ["0.1.0", "0.0.1", "0.3.0-rc.1", "1.0.0", "1.0.0-beta.2"])
def test_register__first_version_chosen__is_kept(cast: Cast, model: Model, checkpoint: Checkpoint, text: str) -> None:
    assert register(cast, model, checkpoint, text).version == text


@pytest.mark.parametrize("text", ["2.0.0", "1.2.0", "1.0.1", "0.0.0"])
def test_register__first_version_elsewhere__is_refused(
    cast: Cast, model: Model, checkpoint: Checkpoint, text: str
) -> None:
    with pytest.raises(Problem, match=r"first version is 1\.0\.0"):
        register(cast, model, checkpoint, text)


@pytest.mark.parametrize(
    ("base", "method", "same", "expected", "change"),
    [
        ("tiny", "lora", True, "1.0.1", "patch"),
        ("tiny", "lora", False, "1.1.0", "minor"),
        ("other", "lora", False, "2.0.0", "major"),
        ("tiny", "full", False, "2.0.0", "major"),
    ],
)
def test_register__next_version__is_numbered_by_what_changed(
    cast: Cast, model: Model, checkpoint: Checkpoint, base: str, method: str, same: bool, expected: str, change: str
) -> None:
    register(cast, model, checkpoint)
    following = checkpoint if same else make_checkpoint(cast.workspace, base=base, method=method)
    made = register(cast, model, following)
    assert (made.version, made.change) == (expected, change)


@pytest.mark.parametrize(
    ("base", "version", "least"), [("tiny", "1.0.1", "1.1.0"), ("other", "1.0.1", "2.0.0"), ("other", "1.4.0", "2.0.0")]
)
def test_register__number_that_says_too_little__is_refused_with_the_rule(
    cast: Cast, model: Model, checkpoint: Checkpoint, base: str, version: str, least: str
) -> None:
    register(cast, model, checkpoint)
    with pytest.raises(Problem, match="says too little") as told:
        register(cast, model, make_checkpoint(cast.workspace, base=base), version)
    assert told.value.field == "version" and least in told.value.hint


def test_register__number_that_says_more__is_taken(cast: Cast, model: Model, checkpoint: Checkpoint) -> None:
    register(cast, model, checkpoint)
    assert register(cast, model, checkpoint, "3.1.4").change == "major"


@pytest.mark.parametrize("version", ["1.1.0", "1.0.9", "0.9.0", "1.1.0-rc.1"])
def test_register__number_that_repeats_or_goes_backwards__is_a_conflict(
    cast: Cast, model: Model, checkpoint: Checkpoint, version: str
) -> None:
    register(cast, model, checkpoint)
    register(cast, model, make_checkpoint(cast.workspace))
    with pytest.raises(Conflict) as told:
        register(cast, model, checkpoint, version)
    assert told.value.code == "version_backwards" and "1.1.0" in told.value.hint


def test_register__number_of_a_rejected_version__never_comes_again(
    cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    first = register(cast, model, checkpoint)
    services.request_approval(actor=cast.engineer, version=first)
    services.reject_version(actor=cast.approver, version=first, note="rude answers")
    with pytest.raises(Conflict):
        register(cast, model, checkpoint, "1.0.0")
    assert register(cast, model, checkpoint).version == "1.0.1"
    assert register(cast, model, make_checkpoint(cast.workspace)).version == "1.1.0"


def test_register__pre_releases__lead_to_a_release_judged_by_the_last_one(
    cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    register(cast, model, checkpoint)
    adapter = make_checkpoint(cast.workspace)
    with pytest.raises(Problem, match="says too little"):
        register(cast, model, adapter, "1.0.1-rc.1")
    assert register(cast, model, adapter, "1.1.0-rc.1").change == "minor"
    better = make_checkpoint(cast.workspace)
    assert register(cast, model, better, "1.1.0-rc.2").change == "minor"
    released = register(cast, model, better)
    assert (released.version, released.change) == ("1.1.0", "minor")


def test_register__new_base_after_a_pre_release__goes_up_to_the_next_major(
    cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    register(cast, model, checkpoint)
    register(cast, model, make_checkpoint(cast.workspace), "1.1.0-rc.1")
    assert register(cast, model, make_checkpoint(cast.workspace, base="other")).version == "2.0.0"


def test_register__below_1__takes_a_minor_step_for_another_base(
    cast: Cast, model: Model, checkpoint: Checkpoint
) -> None:
    register(cast, model, checkpoint, "0.1.0")
    assert register(cast, model, make_checkpoint(cast.workspace, base="other")).version == "0.2.0"
    assert register(cast, model, make_checkpoint(cast.workspace, base="third"), bump="major").version == "1.0.0"


@pytest.mark.parametrize("text", ["1.2", "v1.0.0", "one", "1.0.0+build", f"1.0.0-{'a' * 61}", "1.0.0-01"])
def test_register__what_is_no_number__is_refused(cast: Cast, model: Model, checkpoint: Checkpoint, text: str) -> None:
    with pytest.raises(Problem) as told:
        register(cast, model, checkpoint, text)
    assert told.value.field == "version"


def test_register__unknown_step_or_both__is_refused(cast: Cast, model: Model, checkpoint: Checkpoint) -> None:
    with pytest.raises(Problem, match="no such step"):
        register(cast, model, checkpoint, bump="huge")
    with pytest.raises(Problem, match="not both"):
        register(cast, model, checkpoint, "1.0.0", bump="major")


def test_register__checkpoint_that_may_vanish__is_refused(cast: Cast, model: Model) -> None:
    with pytest.raises(Conflict, match="not ended"):
        register(cast, model, make_checkpoint(cast.workspace, status=Status.RUNNING))
    with pytest.raises(Problem, match="files of this checkpoint are gone"):
        register(cast, model, make_checkpoint(cast.workspace, is_removed=True))
    with pytest.raises(Problem, match="files of this checkpoint are gone"):
        register(cast, model, make_checkpoint(cast.workspace, key=""))
    with pytest.raises(Problem, match="one workspace"):
        register(cast, model, make_checkpoint(cast.other_workspace))


# ---- models


@pytest.mark.parametrize("name", ["", "Support", "a b", "-a", "a-", "x" * 61, "a/b", "ä"])
def test_create_model__name_that_is_none__is_refused(cast: Cast, name: str) -> None:
    with pytest.raises(Problem) as told:
        make_model(cast.workspace, cast.engineer, name)
    assert told.value.field == "name"


def test_create_model__name_taken__is_a_conflict_in_this_workspace_only(cast: Cast, model: Model) -> None:
    with pytest.raises(Conflict):
        make_model(cast.workspace, cast.engineer, model.name)
    assert make_model(cast.other_workspace, cast.stranger, model.name).pk


def test_register_first__number_refused__leaves_no_model(cast: Cast, checkpoint: Checkpoint) -> None:
    with pytest.raises(Problem):
        services.register_first(
            actor=cast.engineer, workspace=cast.workspace, name="half", checkpoint=checkpoint, version="7.0.0"
        )
    assert not Model.objects.filter(name="half").exists()


# ---- approval


@pytest.mark.parametrize("asker", ["owner", "engineer"])
def test_approve__own_version__is_refused(cast: Cast, model: Model, checkpoint: Checkpoint, asker: str) -> None:
    """Neither who registered it nor who asked for it."""
    made = services.register_version(actor=cast.owner, model=model, checkpoint=checkpoint)
    services.request_approval(actor=cast.by_role(asker), version=made)
    for person in {cast.owner, cast.by_role(asker)}:
        with pytest.raises(Conflict, match="Nobody approves their own version"):
            services.approve_version(actor=person, version=made)
    assert not made.is_servable
    services.approve_version(actor=cast.approver, version=made, note="good")
    made.refresh_from_db()
    assert made.is_servable and made.decided_by == cast.approver and made.decision_note == "good"


def test_approve__with_a_failed_gate__needs_a_reason_that_is_kept(
    cast: Cast, model: Model, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = register(cast, model, checkpoint)
    services.request_approval(actor=cast.engineer, version=made)
    fail_gates(monkeypatch)
    with pytest.raises(Problem, match="Agreement of raters") as told:
        services.approve_version(actor=cast.approver, version=made, note="  ")
    assert (told.value.code, told.value.field) == ("reason_required", "note")
    services.approve_version(actor=cast.approver, version=made, note="a pilot of ten users")
    assert ledger.history(made)[0].note == "a pilot of ten users"
    made.refresh_from_db()
    monkeypatch.undo()
    assert [gate.state for gate in gates.kept_gates(made)] == ["failed"]  # as it stood, whatever is measured later


@pytest.mark.parametrize("state", ["passed", "undefined", "pending"])
def test_approve__with_a_gate_that_did_not_fail__needs_no_reason(
    cast: Cast, model: Model, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    fail_gates(monkeypatch, state)
    assert make_approved(model, checkpoint, by=cast.engineer, approver=cast.approver).is_servable


def test_status__only_along_the_table(cast: Cast, model: Model, checkpoint: Checkpoint) -> None:
    made = register(cast, model, checkpoint)
    for verb in (services.approve_version, services.reject_version, services.retire_version):
        with pytest.raises(Conflict):
            verb(actor=cast.approver, version=made, note="no")
    services.request_approval(actor=cast.engineer, version=made)
    with pytest.raises(Conflict):
        services.request_approval(actor=cast.engineer, version=made)
    with pytest.raises(Problem, match="Say why"):
        services.reject_version(actor=cast.approver, version=made, note=" ")
    services.reject_version(actor=cast.approver, version=made, note="rude")
    with pytest.raises(Conflict):
        services.approve_version(actor=cast.approver, version=made)
    assert made.status == VersionStatus.REJECTED and made.is_over


def test_decide__two_at_once__one_wins(cast: Cast, model: Model, checkpoint: Checkpoint) -> None:
    made = register(cast, model, checkpoint)
    services.request_approval(actor=cast.engineer, version=made)
    other = ModelVersion.objects.get(pk=made.pk)
    services.approve_version(actor=cast.approver, version=made)
    with pytest.raises(Conflict, match="changed meanwhile"):
        services.reject_version(actor=cast.owner, version=other, note="late")
    assert ModelVersion.objects.get(pk=made.pk).is_servable


def test_gates__of_a_version__are_the_verdicts_on_its_checkpoint(
    cast: Cast, model: Model, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict("metrics", "Metrics on rows v1", "failed", "worse than the base", "/evaluate/r/", timezone.now())
    monkeypatch.setattr("apps.evaluation.services.verdicts_of", lambda _checkpoint, user=None: [verdict])
    made = register(cast, model, checkpoint)
    services.request_approval(actor=cast.engineer, version=made)
    assert [(gate.state, gate.tone, gate.word) for gate in gates.kept_gates(made)] == [("failed", "bad", "No")]
    services.reject_version(actor=cast.approver, version=made, note="worse")
    monkeypatch.undo()
    made.refresh_from_db()
    assert [(gate.title, gate.at) for gate in gates.kept_gates(made)] == [(verdict.title, verdict.at)]
