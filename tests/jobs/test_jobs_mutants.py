"""Every guard in the SQL of the job protocol is needed: the state machine notices when one is taken away."""

import ast
import inspect
import textwrap
from types import ModuleType
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Workspace
from apps.jobs import protocol, services
from apps.jobs.models import JobQuerySet
from tests.jobs.test_jobs_machine import explore

Edit = tuple[Any, str, str, str]
# What is taken away: function, what is in it, what the mutant has in its place. The machine must notice each.
MUTANTS: dict[str, list[Edit]] = {
    "claim does not raise the epoch": [(protocol, "claim", "epoch=job.epoch + 1", "epoch=job.epoch")],
    "renewal without the epoch": [(protocol, "renew", "epoch=epoch, ", "")],
    "renewal brings the wrong wish": [(protocol, "wishes", 'values_list("desired"', 'values_list("status"')],
    "events without the epoch": [(protocol, "record_events", "epoch=epoch, status__in=ALIVE", "status__in=ALIVE")],
    "events without the guard on last_seq": [(protocol, "record_events", ".filter(last_seq=first - 1)", "")],
    "a gap is taken for a repeat": [(protocol, "record_events", "if known < first - 1", "if False")],
    "a repeat overlaps by one": [(protocol, "record_events", 'if event["seq"] > known', 'if event["seq"] >= known')],
    "a resume keeps void points": [(protocol, "_apply", 'curves.truncate(job, after_step=event["step"])', "pass")],
    "the end of an attempt without the epoch": [(protocol, "_hold", "epoch=epoch, ", "")],
    "crashes without a cap": [(protocol, "fail", "crashes < kind.max_crashes", "True")],
    "a crash forgets the cancel": [(protocol, "fail", "job.status == Status.CANCELLING", "False")],
    "a crash is tried again at once": [(protocol, "fail", "not_before=in_seconds(wait)", "not_before=None")],
    "the slot is not given back": [(protocol, "_end", "slot=None", "slot=job.slot")],
    "reap does not raise the epoch": [(services, "_reap_one", "job.epoch + 1", "job.epoch")],
    "losses without a cap": [(services, "_reap_one", "job.losses + 1 >= kind.max_losses", "False")],
    "reap forgets the cancel": [(services, "_reap_one", "job.status == Status.CANCELLING", "False")],
    "a stop is told as a cancel": [(services, "stop_and_save", "desired=Desired.STOP", "desired=Desired.CANCEL")],
    "a cancel does not wait for the program": [
        (services, "cancel", "move(job, Status.CANCELLING", "move(job, Status.CANCELLED")
    ],
    "reap does not wait for the slack": [
        (JobQuerySet, "expired", "-TIMING.slack", "TIMING.slack"),
        (services, "_reap_one", "-TIMING.slack", "TIMING.slack"),
    ],
}


def mutate(owner: Any, name: str, old: str, new: str) -> Any:
    """The function `name` with `old` replaced, in the namespace of its module."""
    function = getattr(owner, name)
    module = inspect.getmodule(function)
    assert isinstance(module, ModuleType)
    source = textwrap.dedent(inspect.getsource(function))
    assert old in source, f"{name} no longer has {old!r}"
    namespace = dict(vars(module))
    exec(compile(ast.parse(source.replace(old, new)), module.__file__ or "", "exec"), namespace)
    return namespace[name]


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="measures the machine, which runs on both databases; once is enough"
)
@pytest.mark.parametrize("edits", [pytest.param(edits, id=title) for title, edits in MUTANTS.items()])
def test_mutant__in_the_sql__is_noticed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, edits: list[Edit]
) -> None:
    for owner, name, old, new in edits:
        monkeypatch.setattr(owner, name, mutate(owner, name, old, new))
    with pytest.raises(Exception):  # noqa: B017 - the machine disagrees, or the database refuses
        explore(workspace, 200)


def test_mutants__the_same_text_put_back__is_no_mutant(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of mutating is not itself what the machine notices."""
    once = {(owner, name): old for edits in MUTANTS.values() for owner, name, old, _new in edits}
    for (owner, name), old in once.items():
        monkeypatch.setattr(owner, name, mutate(owner, name, old, old))
    explore(workspace, 10)
