"""Slots: their names, and that they are there."""

import pytest
from django.db import OperationalError

from apps.jobs import slots
from apps.jobs.models import Slot, in_seconds


@pytest.fixture(autouse=True)
def never_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_reported", -slots.EVERY)


@pytest.mark.parametrize(
    ("slot", "queue"), [("h:gpu0", "gpu"), ("a-host.example:cpu12", "cpu"), ("h:chat1", "chat"), ("::1:gpu3", "gpu")]
)
def test_queue_of__name_of_a_slot__is_its_kind(slot: str, queue: str) -> None:
    assert slots.queue_of(slot) == queue


def test_names__of_an_environment_variable__skip_what_is_empty() -> None:
    assert slots.names("h:gpu0,,h:gpu1,") == ["h:gpu0", "h:gpu1"]
    assert slots.names("") == []


@pytest.mark.django_db
def test_report__twice_in_a_row__is_written_once_by_the_databases_clock(django_assert_num_queries: object) -> None:
    slots.report("h:gpu0,h:cpu0", host="h")
    assert Slot.objects.filter(seen_at__gt=in_seconds(-5), seen_at__lte=in_seconds(1)).count() == 2
    with django_assert_num_queries(0):  # type: ignore[operator]
        slots.report("h:gpu0,h:cpu0", host="h")


def test_report__database_away__is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**kwargs: object) -> None:
        raise OperationalError

    monkeypatch.setattr(Slot.objects, "update_or_create", away)
    monkeypatch.setattr("apps.jobs.slots.connection.close", lambda: None)
    slots.report("h:gpu0", host="h")
