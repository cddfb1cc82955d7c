"""A project and a Label Studio server kept in step, against a small server in this process."""

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Problem
from apps.core.models import LedgerEntry
from apps.jobs import supervisor
from apps.jobs.models import Status
from apps.labeling import queue, services
from apps.labeling.models import (
    Annotation,
    Assignment,
    Connection,
    HeldAnswer,
    LabelProject,
    RemoteAnswer,
    Suggester,
    Suggestion,
    SyncConflict,
    SyncRun,
    Task,
)
from apps.labeling.queueing import counting
from apps.labeling.syncing import choosing, polling
from apps.labeling.syncing import services as syncing
from tests.cast import Cast
from tests.labeling.conftest import region, says
from tests.labeling.fakestudio import TOKEN, FakeStudio, once
from tests.labeling.syncruns import done_by, go, is_sound, ran, run

pytestmark = pytest.mark.django_db


def ours(connection: Connection, remote: int) -> Annotation:
    return RemoteAnswer.objects.get(connection=connection, remote_id=remote).annotation


def test_first_run__makes_the_project_and_sends_every_task(connected: Connection, studio: FakeStudio) -> None:
    [there] = studio.projects.values()
    assert there["title"] == "Quality" and there["maximum_annotations"] == 2 and "<Choices" in there["label_config"]
    assert {task["meta"]["tuneloop"] for task in studio.tasks.values()} == {
        str(pk) for pk in Task.objects.values_list("pk", flat=True)
    }
    assert connected.remote_project == 1 and connected.remote_tasks.count() == 6 and connected.cursor
    assert bytes(connected.token) and TOKEN.encode() not in bytes(connected.token)


def test_runs_again__three_times__nothing_twice(cast: Cast, connected: Connection, studio: FakeStudio) -> None:
    studio.says(1, says("good"))
    assert go(cast, connected.project) == {"new": 1}
    assert [go(cast, connected.project, full=True) for _again in range(3)] == [{"same": 1}] * 3
    assert len(studio.tasks) == 6 and len(studio.projects) == 1 and Annotation.objects.count() == 1


def test_answers__come_with_their_people_and_are_counted(cast: Cast, connected: Connection, studio: FakeStudio) -> None:
    known, unknown = studio.says(1, says("good"), person=2), studio.says(1, says("bad"), person=3)
    studio.says(2, says("good"), was_cancelled=True)
    assert go(cast, connected.project) == {"new": 2}
    assert ours(connected, known).annotator == cast.annotator
    assert ours(connected, unknown).assignment.person == "far@example.org"
    assert counting.counts(connected.project)["done"] == 1 and is_sound(connected.project)
    assert LedgerEntry.objects.filter(verb="labelproject.synced").count() == 2  # the tasks, then these


def test_wrong_answers__are_held_with_the_reason__and_taken_once_mended(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    wrong = studio.says(1, says("good", region("stars", rating=99)))
    studio.says(2, [{"from_name": "nothing", "to_name": "prompt", "type": "choices", "value": {"choices": ["x"]}}])
    studio.says(3, "no list")
    studio.says(4, [])  # the question needs an answer
    assert go(cast, connected.project) == {"held": 4} and not Annotation.objects.exists()
    reasons = {held.remote_id: (held.place, held.reason) for held in HeldAnswer.objects.all()}
    assert reasons[1][0] == "result.1.value.rating" and "nothing" in reasons[2][1] and all(reasons.values())
    studio.changes(wrong, says("good", region("stars", rating=4)))
    assert go(cast, connected.project)["new"] == 1 and HeldAnswer.objects.count() == 3


def test_one_answer_too_many__waits_until_there_is_room(cast: Cast, connected: Connection, studio: FakeStudio) -> None:
    for person, word in ((1, "good"), (2, "bad"), (3, "good")):
        studio.says(1, says(word), person=person)
    assert go(cast, connected.project) == {"new": 2, "held": 1}
    assert "as many answers" in HeldAnswer.objects.get().reason
    Task.objects.filter(number=1).update(open_slots=1)
    assert go(cast, connected.project)["new"] == 1
    assert Annotation.objects.count() == 3 and not HeldAnswer.objects.exists()


def test_changed_there__changes_here__and_the_other_way_stays(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    first, second = studio.says(1, says("good")), studio.says(2, says("good"))
    go(cast, connected.project)
    studio.changes(first, says("bad"))
    Annotation.objects.filter(pk=ours(connected, second).pk).update(result=says("bad"))
    assert go(cast, connected.project)["changed"] == 1
    assert [ours(connected, one).result[0]["value"]["choices"] for one in (first, second)] == [["bad"], ["bad"]]
    assert not SyncConflict.objects.exists()


def both_changed(cast: Cast, connected: Connection, studio: FakeStudio) -> tuple[int, SyncConflict]:
    answer = studio.says(1, says("good"))
    go(cast, connected.project)
    studio.changes(answer, says("bad"))
    Annotation.objects.filter(pk=ours(connected, answer).pk).update(result=says("good", region("stars", rating=5)))
    assert go(cast, connected.project)["conflicts"] == 1
    return answer, SyncConflict.objects.get()


def test_changed_on_both_sides__keep_ours__goes_there(cast: Cast, connected: Connection, studio: FakeStudio) -> None:
    answer, conflict = both_changed(cast, connected, studio)
    assert conflict.kind == "both_changed" and studio.answers[answer]["result"] == says("bad")
    choosing.choose(actor=cast.curator, conflict=conflict, choice="ours")
    assert go(cast, connected.project)["sent"] == 1
    assert [one["type"] for one in studio.answers[answer]["result"]] == ["choices", "rating"]
    assert go(cast, connected.project, full=True) == {"same": 1} and SyncConflict.objects.count() == 1
    with pytest.raises(Conflict):
        choosing.choose(actor=cast.curator, conflict=conflict, choice="theirs")


def test_changed_on_both_sides__take_theirs__replaces_ours(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    answer, conflict = both_changed(cast, connected, studio)
    choosing.choose(actor=cast.curator, conflict=conflict, choice="theirs")
    assert [one["value"] for one in ours(connected, answer).result] == [{"choices": ["bad"]}]
    assert go(cast, connected.project, full=True) == {"same": 1} and is_sound(connected.project)


def test_kept_ours__changed_there_before_it_was_sent__is_asked_again(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    answer, conflict = both_changed(cast, connected, studio)
    choosing.choose(actor=cast.curator, conflict=conflict, choice="ours")
    studio.changes(answer, says("bad", region("stars", rating=1)))
    done = go(cast, connected.project)
    assert done["conflicts"] == 1 and "sent" not in done
    assert SyncConflict.objects.filter(resolved_at=None).count() == 1


def test_answered_on_both_sides_by_one_person__is_a_conflict_unless_they_say_the_same(
    cast: Cast, connected: Connection, studio: FakeStudio, people: list[User]
) -> None:
    for word in ("good", "bad"):
        assignment = queue.take_next(actor=people[0], project=connected.project)
        assert assignment
        queue.submit(actor=people[0], assignment=assignment, result=says(word))
    studio.says(1, says("good"), person=2)
    studio.says(2, says("good"), person=2)
    assert go(cast, connected.project) == {"same": 1, "conflicts": 1}
    conflict = SyncConflict.objects.get()
    assert conflict.kind == "both_answered" and conflict.task.number == 2
    choosing.choose(actor=cast.curator, conflict=conflict, choice="theirs")
    assert Annotation.objects.get(task=conflict.task).result[0]["value"] == {"choices": ["good"]}
    assert is_sound(connected.project)


def test_accepted_answer__changed_there__is_never_replaced_silently(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    answer = studio.says(1, says("good"))
    go(cast, connected.project)
    services.accept_annotation(actor=cast.curator, annotation=ours(connected, answer))
    studio.changes(answer, says("bad"))
    assert go(cast, connected.project)["conflicts"] == 1
    conflict = SyncConflict.objects.get()
    with pytest.raises(Conflict, match="accepted"):
        choosing.choose(actor=cast.curator, conflict=conflict, choice="theirs")
    assert ours(connected, answer).result[0]["value"] == {"choices": ["good"]}


@pytest.mark.parametrize(("choice", "left"), [("ours", 1), ("theirs", 0)])
def test_deleted_there__is_asked(cast: Cast, connected: Connection, studio: FakeStudio, choice: str, left: int) -> None:
    answer = studio.says(1, says("good"), person=2)
    go(cast, connected.project)
    studio.deletes(answer)
    assert go(cast, connected.project)["conflicts"] == 1 and Annotation.objects.count() == 1
    choosing.choose(actor=cast.curator, conflict=SyncConflict.objects.get(), choice=choice)
    assert Annotation.objects.count() == Assignment.objects.count() == left and is_sound(connected.project)
    assert Task.objects.get(number=1).open_slots == 2 - left
    assert go(cast, connected.project, full=True) == {} and SyncConflict.objects.count() == 1


def test_import_whose_answer_was_lost__is_looked_up_and_never_sent_twice(
    cast: Cast, project: LabelProject, studio: FakeStudio
) -> None:
    studio.after.append(once("/api/projects/1/import", 0))
    syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    assert ran() == {"pushed": 6, "retries": 1}
    assert len(studio.tasks) == 6 and studio.asked.count("POST /api/projects/1/import") == 1


def test_project_whose_making_was_not_heard__is_found_by_its_mark(
    cast: Cast, project: LabelProject, studio: FakeStudio
) -> None:
    studio.after.append(once("/api/projects/", 0))
    syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    assert ran()["pushed"] == 6 and len(studio.projects) == 1


def test_server_that_is_away_for_a_while__is_asked_again(cast: Cast, connected: Connection, studio: FakeStudio) -> None:
    studio.says(1, says("good"))
    studio.before += [once("/api/tasks/", 503, "GET"), once("/api/tasks/", 0, "GET")]
    assert go(cast, connected.project) == {"new": 1, "retries": 2}


def test_project_gone_there__fails_with_words__and_is_tried_later(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    studio.projects.clear()
    syncing.sync_now(actor=cast.curator, project=connected.project)
    assert run().status == Status.FAILED
    assert polling.look() == 0
    connected.refresh_from_db()
    assert "gone" in connected.error and connected.error_hint and connected.failures == 1 and connected.not_before
    assert polling.look() == 0 and SyncRun.objects.exclude(error="").count() == 1


def test_tasks_added_later__are_sent__and_tasks_of_others_are_left_alone(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    services.add_tasks(
        actor=cast.curator,
        project=connected.project,
        items=[{"data": {"prompt": "New?", "answer": "Yes."}, "key": "new"}],
    )
    studio.tasks[99] = {"id": 99, "project": 1, "data": {"prompt": "Theirs"}, "meta": {}, "updated_at": studio.tick()}
    studio.says(99, says("good"))
    assert go(cast, connected.project) == {"pushed": 1, "unknown": 1}
    del studio.tasks[1]
    assert go(cast, connected.project, full=True) == {"gone": 1, "unknown": 1}
    assert go(cast, connected.project, full=True) == {"unknown": 1}


def test_suggestions__that_annotators_see__go_out_as_predictions(
    cast: Cast, project: LabelProject, studio: FakeStudio
) -> None:
    task = project.tasks.get(number=1)
    for name, is_shown in (("Words", True), ("Other", False)):
        suggester = Suggester.objects.create(
            workspace=cast.workspace, project=project, name=name, kind="words", spec={}, is_shown=is_shown, version=2
        )
        for version in (1, 2):
            Suggestion.objects.create(suggester=suggester, version=version, task=task, result=says("good"), score=0.5)
    syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    ran()
    predictions = {there["meta"]["number"]: there["predictions"] for there in studio.tasks.values()}
    assert predictions[1] == [{"model_version": "Words 2", "score": 0.5, "result": says("good")}]
    assert predictions[2] == []


@pytest.mark.parametrize(
    ("url", "token", "field", "says_so"),
    [
        ("{url}", "wrong", "token", "does not take this token"),
        ("{url}", "", "token", "Give the access token"),
        ("http://127.0.0.1:9", TOKEN, "url", "unencrypted"),
        ("https://127.0.0.1:9", TOKEN, "url", "private network"),
        ("ftp://labels.example.com", TOKEN, "url", "no address"),
        ("{url}/nowhere", TOKEN, "url", "no such thing"),
    ],
)
def test_connect__with_something_wrong__says_what(
    cast: Cast, project: LabelProject, studio: FakeStudio, url: str, token: str, field: str, says_so: str
) -> None:
    with pytest.raises(Problem, match=says_so) as caught:
        syncing.connect(actor=cast.curator, project=project, url=url.format(url=studio.url), token=token)
    assert caught.value.field == field and caught.value.hint and not Connection.objects.exists()


def test_connect__redirect_to_elsewhere__is_not_followed(cast: Cast, project: LabelProject, studio: FakeStudio) -> None:
    studio.before.append(lambda _method, _path: 302)
    with pytest.raises(Problem, match="sends us elsewhere"):
        syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)


def test_disconnect__forgets_the_token_and_keeps_the_answers(
    cast: Cast, connected: Connection, studio: FakeStudio
) -> None:
    studio.says(1, says("good"))
    go(cast, connected.project)
    assert syncing.disconnect(actor=cast.curator, project=connected.project) == ""
    assert not Connection.objects.exists() and Annotation.objects.count() == 1 and len(studio.answers) == 1


@pytest.mark.django_db(transaction=True)
def test_run__by_a_real_process__does_the_same_and_tells_no_token(
    cast: Cast, project: LabelProject, studio: FakeStudio
) -> None:
    syncing.connect(actor=cast.curator, project=project, url=studio.url, token=TOKEN)
    studio.before.append(once("/api/projects/", 503))
    job = supervisor.run_next(queue="cpu", slots=["here:cpu0"], worker="test", env={})
    assert job is not None
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED, (job.failure_message, job.failure_hint)
    assert done_by(job) == {"pushed": 6, "retries": 1}
    files = [file.read_bytes() for file in job.folder.rglob("*") if file.is_file()]
    assert files and not any(TOKEN.encode() in content for content in files)


def test_skipped_here_and_answered_there__is_taken_after_all__and_what_is_in_hand_waits(
    cast: Cast, connected: Connection, studio: FakeStudio, people: list[User]
) -> None:
    first = queue.take_next(actor=people[0], project=connected.project)
    assert first
    queue.skip(actor=people[0], assignment=first, reason="Unsure.")
    second = queue.take_next(actor=people[0], project=connected.project)
    assert second
    studio.says(1, says("good"), person=2)
    studio.says(2, says("good"), person=2)
    assert go(cast, connected.project) == {"new": 1, "held": 1}
    assert ours(connected, 1).annotator == people[0] and "right now" in HeldAnswer.objects.get().reason
    assert is_sound(connected.project)
    queue.submit(actor=people[0], assignment=second, result=says("good"))
    assert go(cast, connected.project)["same"] >= 1 and not HeldAnswer.objects.exists()
