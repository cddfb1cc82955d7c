"""Chats: who answers, what happens to questions when a worker leaves, and what is kept of the answers."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.jobs import kinds, protocol
from apps.jobs.models import Desired, Job, Slot, Status
from apps.training import chat
from apps.training.models import BaseModel, Checkpoint, Run, Turn
from tests.training.conftest import claim, tell
from tests.training.test_runs import save

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkpoint(running: Run) -> Checkpoint:
    return save(running, 10)


def ask(owner: User, checkpoint: Checkpoint, **values: Any) -> Turn:
    given = {"prompt": "Where is it?", "base_model": checkpoint.run.base_model, "checkpoint": checkpoint, **values}
    return chat.ask(actor=owner, workspace=checkpoint.workspace, **given)


def reply(turn: Turn, side: str, text: str, *, done: bool = False, **more: Any) -> dict[str, Any]:
    return {"type": "reply", "request": str(turn.pk), "side": side, "text": text, "done": done, **more}


def slots(count: int) -> None:
    for number in range(count):
        Slot.objects.create(name=f"h:chat{number}", queue="chat", host="h", seen_at=timezone.now())


def serve(slot: str = "h:chat0") -> Job:
    """A worker takes the next chat and prepares it."""
    job = protocol.claim(queue="chat", slot=slot, worker="w")
    assert job is not None
    kinds.get(job.kind).prepare(job)
    return job


# ---- asking


def test_ask__first_question__starts_a_chat_with_both_sides(owner: User, checkpoint: Checkpoint) -> None:
    turn = ask(owner, checkpoint)
    assert turn.job is not None and (turn.job.queue, turn.job.status) == ("chat", Status.QUEUED)
    assert turn.sides == ["base", "tuned"] and turn.messages == [{"role": "user", "content": "Where is it?"}]
    spec = kinds.get(turn.job.kind).prepare(turn.job)
    assert spec["tuned"] == {"folder": str(checkpoint.folder), "method": "lora"}
    assert [message.payload for message in turn.job.inbox.all()] == [turn.payload()]


def test_ask__chat_is_open__goes_to_it(owner: User, checkpoint: Checkpoint) -> None:
    first = ask(owner, checkpoint)
    serve()
    assert ask(owner, checkpoint).job == first.job and Job.objects.filter(kind=chat.CHAT).count() == 1


def test_ask__chat_was_told_to_leave__a_new_one_is_started(owner: User, checkpoint: Checkpoint) -> None:
    first = ask(owner, checkpoint)
    Job.objects.filter(pk=serve().pk).update(desired=Desired.STOP)
    assert ask(owner, checkpoint).job != first.job


def test_ask__base_model_alone__has_one_side(owner: User, model: BaseModel) -> None:
    turn = chat.ask(actor=owner, workspace=model.workspace, base_model=model, checkpoint=None, prompt="Hello")
    assert turn.sides == ["base"] and turn.job is not None
    assert kinds.get(turn.job.kind).prepare(turn.job)["tuned"] is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"prompt": ""}, "messages"),
        ({"prompt": None}, "messages"),
        ({"prompt": "x" * 50_001}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}] * 201}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 2049}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"sides": []}, "sides"),
        ({"sides": ["best"]}, "sides"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_ask__bad_input__is_refused_by_name(
    owner: User, checkpoint: Checkpoint, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Problem) as refusal:
        ask(owner, checkpoint, **values)
    assert refusal.value.field == field
    assert not Turn.objects.exists() and not Job.objects.filter(kind=chat.CHAT).exists()


def test_ask__checkpoint_that_rotated_away__is_refused(owner: User, checkpoint: Checkpoint) -> None:
    checkpoint.is_removed = True
    with pytest.raises(Problem) as refusal:
        ask(owner, checkpoint)
    assert refusal.value.field == "checkpoint" and refusal.value.hint


def test_ask__model_not_ready__is_a_conflict(owner: User, model: BaseModel) -> None:
    model.facts = {}
    with pytest.raises(Conflict):
        chat.ask(actor=owner, workspace=model.workspace, base_model=model, checkpoint=None, prompt="Hello")


# ---- room


def test_room__every_slot_idle__the_one_asked_longest_ago_leaves(owner: User, running: Run) -> None:
    slots(2)
    chats = []
    for step, slot in ((10, "h:chat0"), (20, "h:chat1")):
        turn = ask(owner, save(running, step), sides=["tuned"])
        chats.append(serve(slot))
        tell(chats[-1], reply(turn, "tuned", "Soon.", done=True))
    ask(owner, save(running, 30))
    assert [Job.objects.get(pk=job.pk).desired for job in chats] == [Desired.STOP, Desired.RUN]


@pytest.mark.parametrize("case", ["busy", "a slot is free", "one is leaving"])
def test_room__no_need_or_nobody_idle__nobody_is_stopped(owner: User, running: Run, case: str) -> None:
    slots(2 if case == "a slot is free" else 1)
    turn = ask(owner, save(running, 10), sides=["tuned"])
    job = serve()
    if case != "busy":
        tell(job, reply(turn, "tuned", "Soon.", done=True))
    if case == "one is leaving":
        Job.objects.filter(pk=job.pk).update(desired=Desired.STOP)
    before = Job.objects.get(pk=job.pk).desired
    ask(owner, save(running, 20))
    assert Job.objects.get(pk=job.pk).desired == before


# ---- answers


def test_reply__word_by_word__is_added_to_its_side(owner: User, checkpoint: Checkpoint) -> None:
    turn = ask(owner, checkpoint)
    job = serve()
    tell(job, reply(turn, "base", "I "), reply(turn, "tuned", "On its "), reply(turn, "base", "see.", done=True))
    turn.refresh_from_db()
    assert turn.answers == {"base": "I see.", "tuned": "On its "} and turn.finished == ["base"] and not turn.is_done
    tell(job, reply(turn, "tuned", "way.", done=True))
    turn.refresh_from_db()
    assert turn.answers["tuned"] == "On its way." and turn.is_done and turn.problem == ""
    assert turn.last_seq == job.last_seq


def test_reply__question_answered_twice__counts_once(owner: User, checkpoint: Checkpoint) -> None:
    turn = ask(owner, checkpoint, sides=["tuned"])
    job = serve()
    for _time in range(2):
        tell(job, reply(turn, "tuned", "Soon.", done=True))
    turn.refresh_from_db()
    assert turn.answers == {"tuned": "Soon."} and turn.finished == ["tuned"]


def test_reply__the_worker_refuses__the_turn_says_why(owner: User, checkpoint: Checkpoint) -> None:
    turn = ask(owner, checkpoint)
    tell(serve(), reply(turn, "base", "", done=True, error="Too long.", hint="Shorten it."))
    turn.refresh_from_db()
    assert turn.is_done and turn.problem == "Too long. Shorten it."


def test_reply__of_a_turn_nobody_asked__is_let_pass(owner: User, checkpoint: Checkpoint) -> None:
    ask(owner, checkpoint)
    job = serve()
    tell(job, {"type": "reply", "request": str(uuid.uuid4()), "side": "base", "text": "?", "done": True})
    assert job.last_seq == 1


def test_stop__answer_being_written__the_worker_is_told_and_a_finished_one_is_left_alone(
    owner: User, checkpoint: Checkpoint
) -> None:
    turn = ask(owner, checkpoint, sides=["tuned"])
    job = serve()
    job.inbox.all().delete()
    chat.stop_answer(turn=turn)
    assert [message.payload for message in job.inbox.all()] == [{"id": str(turn.pk), "cancel": True}]
    tell(job, reply(turn, "tuned", "So", done=True))
    job.inbox.all().delete()
    turn.refresh_from_db()
    chat.stop_answer(turn=turn)
    assert not job.inbox.exists()


# ---- workers leave


def test_worker_lost__question_half_answered__is_asked_anew(owner: User, checkpoint: Checkpoint) -> None:
    done, turn = ask(owner, checkpoint, sides=["tuned"]), ask(owner, checkpoint)
    job = serve()
    job.inbox.all().delete()
    tell(job, reply(done, "tuned", "Yes.", done=True), reply(turn, "base", "I thi"))
    protocol.release(job=job, epoch=1)
    again = serve()
    turn.refresh_from_db()
    assert turn.answers == {} and [message.payload["id"] for message in again.inbox.all()] == [str(turn.pk)]
    assert Turn.objects.get(pk=done.pk).answers == {"tuned": "Yes."}


def test_worker_idle__leaves_while_a_question_comes__a_new_chat_takes_it(owner: User, checkpoint: Checkpoint) -> None:
    ask(owner, checkpoint)
    job = serve()
    turn = ask(owner, checkpoint)
    protocol.succeed(job=job, epoch=1, result={"answered": 0})
    turn.refresh_from_db()
    assert turn.job is not None and turn.job != job and turn.job.status == Status.QUEUED and not turn.problem
    assert claim("chat") == turn.job


def test_worker_crashed__question__says_that_there_will_be_no_answer(owner: User, checkpoint: Checkpoint) -> None:
    turn = ask(owner, checkpoint)
    protocol.fail(job=serve(), epoch=1, failure={"class": "out_of_memory", "message": "No memory.", "hint": ""})
    turn = Turn.objects.get(pk=turn.pk)
    assert turn.problem == "No memory." and not turn.is_done
    chat.stop_answer(turn=turn)  # nobody listens any more; that is no error


def test_checkpoint_gone__chat_starts__fails_with_the_reason(owner: User, checkpoint: Checkpoint) -> None:
    turn = ask(owner, checkpoint)
    assert turn.job is not None
    checkpoint.folder.rename(checkpoint.folder.with_name("elsewhere"))
    with pytest.raises(Problem, match="gone"):
        kinds.get(turn.job.kind).prepare(turn.job)


def test_chat__checkpoint_that_writes_no_text__is_refused_and_not_offered(owner: User, checkpoint: Checkpoint) -> None:
    assert checkpoint in Checkpoint.objects.that_write()
    checkpoint.run.recipe["objective"] = "reward"
    checkpoint.run.save()
    with pytest.raises(Problem) as caught:
        ask(owner, checkpoint)
    assert (caught.value.field, caught.value.code) == ("checkpoint", "writes_no_text")
    assert checkpoint not in Checkpoint.objects.that_write()
    del checkpoint.run.recipe["objective"]  # of a run from before there were objectives
    checkpoint.run.save()
    assert checkpoint in Checkpoint.objects.that_write()
