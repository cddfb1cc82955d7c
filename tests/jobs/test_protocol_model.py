"""The job protocol keeps its promises in every interleaving, and every safeguard of the design is needed."""

import time
from dataclasses import replace
from typing import Any

import pytest

from tests.jobs.protocol_model import Design, Scope
from tests.jobs.protocol_search import explore

# Each scope closes in about a second; together they hold every fault. `tests.bench` closes their product.
SCOPES = {
    "data": Scope(points=1, pauses=False, partitions=False, beat_dies=False, hints=1, attempts=3),
    "frozen": Scope(points=1, partitions=False, beat_dies=False, hints=1, attempts=1, stops=False),
    "clock": Scope(points=0, stray_batches=False, hints=1, stops=False),
    "batches": Scope(points=2, pauses=False, beat_dies=False, hints=1, attempts=1, stops=False),
    "broker": Scope(points=0, pauses=False, stray_batches=False),
}

# Name, safeguards off, the promise that breaks, the smallest scope that shows it.
SINGLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("no sweeper", {"sweeper": False}, "I10", "data"),
    ("the sweeper looks too seldom", {"sweep_ticks": 3}, "I10", "data"),
    ("claim without the guard on queued", {"claim_needs_queued": False}, "I2", "broker"),
    ("claim leaves the lease empty, reaper takes it at once", {"claim_sets_lease": False}, "I2", "data"),
    ("no reaper", {"reaper": False}, "I4", "data"),
    ("reap without a cap on attempts", {"reap_caps_attempts": False}, "I6", "data"),
    ("crash without a cap on attempts", {"crash_caps_attempts": False}, "I6", "data"),
    ("reap forgets the cancel", {"reap_minds_cancel": False}, "I5", "data"),
    ("no slack", {"slack_ticks": 0}, "I2", "broker"),
    ("deadline one tick longer than the lease", {"fence_ticks": 3}, "I2", "broker"),
    ("deadline two ticks longer than the lease", {"fence_ticks": 4}, "I2", "broker"),
    ("deadline counted from the answer of a renewal", {"fence_counts_from_sending": False}, "I2", "clock"),
    ("first deadline counted from the start, not the claim", {"first_fence_counts_from_claim": False}, "I2", "clock"),
    ("trainer started before its deadline is written", {"deadline_is_set_before_start": False}, "I2", "clock"),
    ("trainer does not watch its deadline", {"child_watches_deadline": False}, "I2", "clock"),
    ("renewal without the epoch", {"renew_needs_epoch": False}, "I2", "clock"),
    ("renewal does not bring the cancel", {"heartbeat_brings_cancel": False}, "I9", "data"),
    ("renewal does not bring the stop", {"heartbeat_brings_stop": False}, "I9", "data"),
    ("a new attempt forgets the stop", {"requeue_keeps_stop": False}, "I9", "data"),
    ("finish without the epoch", {"finish_needs_epoch": False}, "I1", "clock"),
    ("finish ignores the cancel", {"finish_minds_cancel": False}, "I5", "data"),
    ("finish before the last events", {"finish_waits_for_events": False}, "I7", "data"),
    ("finish in two transactions", {"finish_is_one_transaction": False}, "I8", "data"),
    ("events without the epoch", {"batch_needs_epoch": False}, "I1", "data"),
    ("events without the guard on last_seq: points twice", {"batch_guards_seq": False}, "I7", "data"),
    ("events counted as sent before the answer: points lost", {"batch_waits_for_answer": False}, "I7", "data"),
    ("events that nobody delivered are forgotten", {"claim_brings_in_leftovers": False}, "I7", "data"),
    ("a batch refused once is sent again as it was", {"refused_batch_rewinds": False}, "I4", "data"),
]

# A second layer hides these; each dies together with that layer.
MASKED: list[tuple[str, dict[str, Any], str, str]] = [
    ("epoch raised by neither claim nor reap", {"claim_raises_epoch": False, "reap_raises_epoch": False}, "I1", "data"),
    ("no lease, and none is no reason to reap", {"claim_sets_lease": False, "null_lease_expires": False}, "I4", "data"),
    ("nobody fences", {"supervisor_fences_itself": False, "child_watches_deadline": False}, "I2", "broker"),
    ("orphans do not watch", {"child_dies_with_supervisor": False, "child_watches_deadline": False}, "I2", "data"),
    ("events for a reaped job", {"batch_needs_active": False, "reap_raises_epoch": False}, "I1", "data"),
    ("events for anyone", {"batch_needs_active": False, "batch_needs_epoch": False}, "I1", "data"),
]

# Nothing observable changes without these; the reason is the other safeguard that does the same.
EQUIVALENT = {
    "claim_raises_epoch": "every way back to queued but a clean end raises it too, and a clean end delivers everything first",
    "reap_raises_epoch": "until the next claim raises it, the guard on the status refuses the old attempt",
    "null_lease_expires": "claim sets a lease in the same UPDATE (rows of another origin still need this)",
    "batch_needs_active": "an attempt ends only after its last batch, so a late copy fails on last_seq",
    "supervisor_fences_itself": "the trainer leaves at the same deadline by itself",
    "supervisor_obeys_refusal": "without renewal the deadline ends the trainer anyway, only later",
    "child_dies_with_supervisor": "an orphan leaves at its deadline, before the lease ends",
    "start_checks_deadline": "the trainer looks at its deadline before its first step",
}


def test_protocol__every_interleaving__keeps_all_promises() -> None:
    began = time.process_time()
    for name, scope in SCOPES.items():
        verdict = explore(Design(), scope)
        print(f"{name}: {verdict.states} states, closed")
        assert verdict.broken == "", "\n".join(verdict.trace)
        assert verdict.states > 1000
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("changes", "promise", "scope"), [pytest.param(*rest, id=name) for name, *rest in SINGLE + MASKED]
)
def test_protocol__safeguard_off__breaks_a_promise(changes: dict[str, Any], promise: str, scope: str) -> None:
    verdict = explore(replace(Design(), **changes), SCOPES[scope])
    assert verdict.broken == promise, verdict


@pytest.mark.parametrize("safeguard", EQUIVALENT)
def test_protocol__redundant_safeguard_off__other_layer_holds(safeguard: str) -> None:
    for name in ("data", "frozen"):
        assert explore(replace(Design(), **{safeguard: False}), SCOPES[name]).broken == ""


def test_mutants__every_safeguard__is_switched_off_somewhere() -> None:
    tried = {name for _title, changes, *_rest in SINGLE for name in changes} | set(EQUIVALENT)
    assert tried == set(Design.__dataclass_fields__)
