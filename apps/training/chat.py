"""Chat with a checkpoint beside its base. Answers are written by a worker; here questions are asked and answers kept."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Workspace
from apps.core.errors import Conflict, Problem
from apps.jobs import services as jobs
from apps.jobs.models import ALIVE, Desired, Job, Slot, Status, in_seconds
from apps.training.models import BaseModel, BaseModelState, Checkpoint, Turn

CHAT = "training.chat"
IDLE_S = 120
MOST_CHARACTERS = 50_000
MOST_MESSAGES = 200
MOST_TOKENS = 2048
MOST_TEMPERATURE = 2
ROLES = ("system", "user", "assistant")


def checked_messages(messages: Any, prompt: Any) -> list[dict[str, str]]:
    """A conversation that ends with the user's words. Raises Problem."""
    if messages is None and isinstance(prompt, str):
        messages = [{"role": "user", "content": prompt}]
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_MESSAGES:
        raise Problem(_("Send a prompt, or a list of messages."), field="messages")
    if not all(_is_message(message) for message in messages):
        example = '[{"role": "user", "content": "..."}]'
        raise Problem(_("A message has a role and a content."), field="messages", hint=example)
    if not messages[-1]["content"].strip() or messages[-1]["role"] != "user":
        raise Problem(_("The last message must be the user's, and not empty."), field="messages")
    if sum(len(message["content"]) for message in messages) > MOST_CHARACTERS:
        raise Problem(_("The conversation is too long."), field="messages", hint=_("Send fewer or shorter messages."))
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in ROLES and isinstance(message.get("content"), str)


def checked_number(value: Any, name: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        message = _("%(name)s must be a number from %(low)s to %(high)s.") % {"name": name, "low": low, "high": high}
        raise Problem(message, field=name)
    return float(value)


def ask(
    *,
    actor: Any,
    workspace: Workspace,
    base_model: BaseModel,
    checkpoint: Checkpoint | None,
    messages: Any = None,
    prompt: Any = None,
    max_tokens: Any = 200,
    temperature: Any = 0.0,
    sides: list[str] | None = None,
) -> Turn:
    """Write the question down and hand it to the chat of this model, which is started when there is none. Raises Problem."""
    values = {
        "messages": checked_messages(messages, prompt),
        "max_tokens": int(checked_number(max_tokens, "max_tokens", 1, MOST_TOKENS)),
        "temperature": checked_number(temperature, "temperature", 0, MOST_TEMPERATURE),
        "sides": _checked_sides(sides, checkpoint),
    }
    _require_there(base_model, checkpoint)
    with transaction.atomic():
        job = _chat_of(actor, workspace, base_model, checkpoint)
        turn: Turn = Turn.objects.create(
            workspace=workspace, created_by=actor, base_model=base_model, checkpoint=checkpoint, job=job, **values
        )
        jobs.send_message(job=job, payload=turn.payload())
    return turn


def _checked_sides(sides: list[str] | None, checkpoint: Checkpoint | None) -> list[str]:
    there = ["base", "tuned"] if checkpoint else ["base"]
    if sides is not None and (not sides or not set(sides) <= set(there)):
        message = _("Only these sides can be asked: %(sides)s.") % {"sides": ", ".join(there)}
        raise Problem(message, field="sides")
    return list(dict.fromkeys(sides or there))


def _require_there(base_model: BaseModel, checkpoint: Checkpoint | None) -> None:
    if base_model.state != BaseModelState.READY:
        raise Conflict(_("This base model is still being prepared."), field="base_model", hint=_("Try again soon."))
    if checkpoint is not None:
        checkpoint.require_text()
    if checkpoint is not None and checkpoint.is_removed:
        raise Problem(
            _("This checkpoint was removed when newer ones were saved."),
            field="checkpoint",
            hint=_("The last two and the best of a run are kept; ask one of those."),
        )


def _chat_of(actor: Any, workspace: Workspace, base_model: BaseModel, checkpoint: Checkpoint | None) -> Job:
    """The chat that has this model loaded or is about to, else a new one. Its row is locked, so that it cannot end meanwhile:
    questions that it does not get to are moved on when it ends."""
    inputs = {"base_model": str(base_model.pk), "checkpoint": str(checkpoint.pk) if checkpoint else None}
    chats = Job.objects.filter(workspace=workspace, kind=CHAT, desired=Desired.RUN)
    open_chats = chats.filter(status__in=[Status.QUEUED, Status.RUNNING], inputs=inputs)
    open_chat: Job | None = open_chats.select_for_update().order_by("created_at").first()
    if open_chat is not None:
        return open_chat
    title = _("Chat with %(model)s") % {"model": checkpoint or base_model}
    settings = {"idle_s": IDLE_S}
    job = jobs.submit(actor=actor, workspace=workspace, kind=CHAT, title=title, inputs=inputs, settings=settings)
    _make_room(actor)
    return job


def _make_room(actor: Any) -> None:
    """When every chat slot is held, the chat that has been idle longest gives its slot up."""
    total = Slot.objects.filter(queue="chat", seen_at__gt=in_seconds(-60)).count()
    running = Job.objects.filter(kind=CHAT, status__in=ALIVE)
    if not total or running.count() < total or running.exclude(desired=Desired.RUN).exists():
        return  # there is room, or somebody is leaving already
    idle = [job for job in running.prefetch_related("turns") if all(turn.is_done for turn in job.turns.all())]
    if idle:
        jobs.stop_and_save(actor=actor, job=min(idle, key=_last_asked))


def _last_asked(job: Job) -> Any:
    return max([job.created_at, *(turn.created_at for turn in job.turns.all())])


def stop_answer(*, turn: Turn) -> None:
    """End an answer where it stands; what was written of it stays."""
    if turn.job is not None and not turn.is_done and not turn.job.is_terminal:
        jobs.send_message(job=turn.job, payload={"id": str(turn.pk), "cancel": True})


def note_reply(job: Job, event: Mapping[str, Any]) -> None:
    """Add what a side has just written to its turn."""
    turn, side = Turn.objects.filter(pk=event["request"], job=job).first(), event["side"]
    if turn is None or side in turn.finished:  # a question may be handed over twice, and is then answered twice
        return
    turn.last_seq = event["seq"]
    turn.answers[side] = turn.answers.get(side, "") + event["text"]
    if event.get("error"):
        turn.error = " ".join(filter(None, [str(event["error"]), str(event.get("hint") or "")]))[:2000]
    if event["done"]:
        turn.finished.append(side)
    turn.save(update_fields=["answers", "finished", "error", "last_seq"])


def ask_again(job: Job) -> None:
    """Before an attempt starts: every open question goes in anew, since the last attempt took its messages along."""
    job.inbox.all().delete()
    for turn in job.turns.order_by("created_at"):
        if not turn.is_done:
            turn.answers, turn.finished = {}, []
            turn.save(update_fields=["answers", "finished"])
            jobs.send_message(job=job, payload=turn.payload())


def move_open_turns(job: Job) -> None:
    """A chat that left while questions were on their way: a new one takes them."""
    waiting = [turn for turn in job.turns.order_by("created_at") if not turn.is_done]
    if not waiting:
        return
    successor = jobs.submit(
        actor=job.created_by,
        workspace=job.workspace,
        kind=CHAT,
        title=job.title,
        inputs=job.inputs,
        settings=job.settings,
    )
    Turn.objects.filter(pk__in=[turn.pk for turn in waiting]).update(job=successor, answers={}, finished=[], last_seq=0)
