"""What kinds of jobs exist. Stages describe theirs; console/kinds.py lists them all; jobs itself knows no stage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Event = Mapping[str, Any]
Job = Any  # apps.jobs.models.Job, which asks this module for its page


def _no_inputs(job: Job) -> dict[str, Any]:
    return dict(job.inputs)


def _nothing(job: Job, payload: Event) -> None:
    """Most kinds need nothing here."""


def _no_secrets(job: Job) -> dict[str, str]:
    """Most kinds need none."""
    return {}


@dataclass(frozen=True)
class Kind:
    """One kind of job and the points at which its stage takes part."""

    name: str  # stage.verb, as stored in Job.kind
    label: "StrPromise | str"
    program: str  # module below workers/
    queue: str  # gpu, cpu, chat or serve
    prepare: Callable[[Job], dict[str, Any]] = _no_inputs  # the spec's inputs (local paths); may raise Problem
    secrets: Callable[[Job], dict[str, str]] = (
        _no_secrets  # variables of the program's environment: what no file may hold
    )
    on_event: Callable[[Job, Event], None] = _nothing  # inside the transaction that accepts the event
    verify: Callable[[Job, Event], None] = _nothing  # before success, outside any transaction; may raise Problem
    on_success: Callable[[Job, Event], None] = _nothing  # inside the transaction that ends the job
    url: Callable[[Job], str] | None = None  # the page that shows this job's object
    takes_messages: bool = False  # whether the program listens to jobs.services.send_message
    max_crashes: int = 3  # attempts that end by the program's own fault
    max_losses: int = 3  # attempts that end because the worker was lost


def get(name: str) -> Kind:
    """The kind called `name`. Raises KeyError."""
    kinds: dict[str, Kind] = import_string(settings.JOB_KINDS)
    return kinds[name]


def find(name: str) -> Kind | None:
    """The kind called `name`; None for rows of a stage that is no longer there."""
    try:
        return get(name)
    except KeyError:
        return None
