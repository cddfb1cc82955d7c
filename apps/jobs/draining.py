"""Slots that take nothing new: before an update, a reboot, or when a machine is needed for something else."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.core import ledger
from apps.jobs import hints, holding
from apps.jobs.models import Job, Slot


@transaction.atomic
def drain(*, actor: Any, slot: Slot, at_once: bool = False, why: str = "") -> Slot:
    """Take nothing new; with `at_once` what runs there saves and goes back to the queue. Asked twice, it answers the same."""
    slot.refresh_from_db(from_queryset=Slot.objects.select_for_update())
    if slot.drained_at is None:
        by = None if isinstance(actor, str) else actor
        Slot.objects.filter(pk=slot.pk).update(drained_at=Now(), drained_by=by, drained_why=why[:200])
        ledger.write(row=slot, verb="slot.drained", actor=actor, note=why)
    for job in Job.objects.alive().filter(slot=slot.pk) if at_once else ():
        if holding.give_back(job):
            ledger.write(row=job, verb="job.given_back", actor=actor, note=slot.pk)
    slot.refresh_from_db()
    return slot


@transaction.atomic
def undrain(*, actor: Any, slot: Slot) -> Slot:
    """Let it take jobs again."""
    slot.refresh_from_db(from_queryset=Slot.objects.select_for_update())
    if slot.drained_at is not None:
        Slot.objects.filter(pk=slot.pk).update(drained_at=None, drained_by=None, drained_why="")
        ledger.write(row=slot, verb="slot.undrained", actor=actor)
        transaction.on_commit(lambda: hints.send(slot.queue))
    slot.refresh_from_db()
    return slot
