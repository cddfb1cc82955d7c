"""What a person may take: orders, quotas, deadlines, named people, ranges, pauses; and who runs it, changing that."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.core.errors import Conflict, Problem
from apps.labeling import queue, services
from apps.labeling.models import Assignment, LabelProject, ProjectStatus, Share, Task
from apps.labeling.queueing import allowance, counting, filling, settings
from tests.cast import Cast
from tests.labeling.conftest import CONFIG, says
from tests.labeling.test_queue import answer, is_sound, reload, taken
from tests.make import make_version

pytestmark = pytest.mark.django_db


def change(cast: Cast, project: LabelProject, **values: Any) -> LabelProject:
    return settings.change_settings(actor=cast.curator, project=project, **values)


def part(cast: Cast, project: LabelProject, person: User, **values: Any) -> Share:
    return settings.change_part(actor=cast.curator, project=project, person=person, **values)


def bar(project: LabelProject, person: User) -> str:
    found = allowance.bar_of(project, counting.share_of(project, person))
    return found.code if found else ""


def test_order_by_priority__highest_first__and_what_becomes_urgent_later(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    project = change(cast, project, order="priority")
    settings.set_priorities(actor=cast.curator, project=project, priorities={5: 0.9, 2: 0.5})
    assert answer(people[0], project).task.number == 5
    settings.set_priorities(actor=cast.curator, project=project, priorities={6: 2.0})
    assert [answer(people[0], project).task.number for _number in range(5)] == [6, 2, 1, 3, 4]
    assert queue.take_next(actor=people[0], project=project) is None


def test_order_at_random__each_person_gets_all_in_another_order__the_same_for_the_same_seed(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    project = change(cast, project, order="random", seed=7)
    orders = [[answer(person, project).task.number for _number in range(6)] for person in people[:2]]
    assert all(sorted(order) == [1, 2, 3, 4, 5, 6] for order in orders) and is_sound(project)
    Assignment.objects.all().delete()
    Task.objects.update(open_slots=2, submitted=0)
    Share.objects.update(steps=0)
    assert [answer(people[0], project).task.number for _number in range(6)] == orders[0]


def test_quota__in_total_and_a_day__counts_what_is_in_hand_and_is_told(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    project = change(cast, project, quota_total=2, quota_day=5)
    first = taken(people[0], project)
    taken(people[0], project, first)
    assert (
        queue.take_next(actor=people[0], project=project, besides=[str(a.pk) for a in Assignment.objects.all()]) is None
    )
    answer(people[0], project), answer(people[0], project)
    assert queue.take_next(actor=people[0], project=project) is None and bar(project, people[0]) == "quota_total"
    part(cast, project, people[0], quota_total=100, quota_day=2)
    assert bar(project, people[0]) == "quota_day" and allowance.quota_left(Share(project=project)) == 2
    queue.undo_last(actor=people[0], project=project)
    assert allowance.done_today(counting.share_of(project, people[0])) == 1 and bar(project, people[0]) == ""


def test_deadline__passed__no_new_task_but_what_is_held_is_taken(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    held = taken(people[0], project)
    project = change(cast, project, deadline=timezone.now() - timedelta(minutes=1))
    assert queue.take_next(actor=people[1], project=project) is None and bar(project, people[1]) == "deadline"
    assert taken(people[0], project).pk == held.pk
    queue.submit(actor=people[0], assignment=reload(held), result=says("good"))


def test_named_people_only__others_do_not_see_it(cast: Cast, project: LabelProject, people: list[User]) -> None:
    project = change(cast, project, only_named=True)
    part(cast, project, people[1], is_named=True)
    assert queue.take_next(actor=people[0], project=project) is None and bar(project, people[0]) == "not_named"
    assert taken(people[1], project)
    seen = [LabelProject.objects.visible_to(person).filter(pk=project.pk).exists() for person in people[:2]]
    assert seen == [False, True] and "1 people are named" in settings.warnings(project)[0]


def test_ranges__kept_for_a_person__come_to_that_person_alone(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    part(cast, project, people[0], ranges=[[2, 3], [5, 5]])
    project.refresh_from_db()
    assert [answer(people[0], project).task.number for _number in range(3)] == [2, 3, 5]
    assert queue.take_next(actor=people[0], project=project) is None
    assert [answer(people[1], project).task.number for _number in range(3)] == [1, 4, 6]
    assert queue.take_next(actor=people[1], project=project) is None
    assert settings.parse_ranges("2-3, 5") == [[2, 3], [5, 5]]
    for wrong in ([[3, 2]], [[0, 1]], "1-2", [[1, "2"]]):
        with pytest.raises(Problem):
            part(cast, project, people[0], ranges=wrong)


def test_pause__of_one_person__stops_that_person_alone(cast: Cast, project: LabelProject, people: list[User]) -> None:
    part(cast, project, people[0], is_paused=True, pause_note="Let us talk first.")
    assert queue.take_next(actor=people[0], project=project) is None and taken(people[1], project)


def test_skip__where_a_reason_is_asked_for__needs_one(cast: Cast, project: LabelProject, people: list[User]) -> None:
    project = change(cast, project, needs_skip_reason=True)
    with pytest.raises(Problem) as found:
        queue.skip(actor=people[0], assignment=reload(taken(people[0], project)), reason="  ")
    assert found.value.field == "reason"
    queue.skip(actor=people[0], assignment=reload(taken(people[0], project)), reason="in French")


def test_flag__with_a_note__stays_until_taken_away(project: LabelProject, people: list[User]) -> None:
    held = taken(people[0], project)
    queue.flag(assignment=held, flagged=True, note=" odd ")
    assert (reload(held).flagged, reload(held).flag_note) == (True, "odd")
    queue.flag(assignment=held, flagged=False)
    assert (reload(held).flagged, reload(held).flag_note) == (False, "")


def test_overlap__raised__asks_one_more_of_each_task__never_lowered_once_open(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    for person in people[:2]:
        answer(person, project)
    project = change(cast, project, overlap=3)
    assert counting.counts(project)["done"] == 0 and is_sound(project)
    assert answer(people[2], project).task.number == 1 and counting.counts(project)["done"] == 1
    with pytest.raises(Conflict):
        change(cast, project, overlap=2)


def test_counts__kept__are_what_a_recount_finds(cast: Cast, project: LabelProject, people: list[User]) -> None:
    for person in people[:2] * 3:
        answer(person, project)
    queue.skip(actor=people[2], assignment=taken(people[2], project))
    services.accept_annotation(actor=cast.curator, annotation=answer(people[2], project))
    queue.undo_last(actor=people[0], project=project)
    kept = counting.counts(project)
    counting.recount(project)
    assert counting.counts(project) == kept and kept["annotations"] == 6


@pytest.mark.parametrize(
    "wrong",
    [{"quota_day": 0}, {"order": "x"}, {"overlap": 10}, {"name": " "}, {"deadline": "soon"}, {"seed": None}],
    ids=str,
)
def test_settings__wrong__are_refused_with_the_field(cast: Cast, project: LabelProject, wrong: dict[str, Any]) -> None:
    with pytest.raises(Problem) as found:
        change(cast, project, **wrong)
    assert found.value.field == next(iter(wrong))


def test_delete__of_a_draft__needs_its_name__and_never_an_open_one(
    cast: Cast, project: LabelProject, people: list[User]
) -> None:
    draft = services.create_project(actor=cast.curator, workspace=cast.workspace, name="Away", label_config=CONFIG)
    with pytest.raises(Problem):
        settings.delete_draft(actor=cast.curator, project=draft, typed="away")
    settings.delete_draft(actor=cast.curator, project=draft, typed="Away")
    assert not LabelProject.objects.filter(name="Away").exists()
    with pytest.raises(Conflict):
        settings.delete_draft(actor=cast.curator, project=project, typed=project.name)


def test_filling__of_many_rows__is_a_job__goes_on_where_it_was_killed(
    cast: Cast, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "AT_ONCE", 3)
    monkeypatch.setattr(filling, "_PORTION", 2)
    version = make_version(workspace, name="many")
    made = services.create_project(
        actor=cast.curator, workspace=workspace, name="Many", label_config=CONFIG, dataset_version=version
    )
    assert made.filling and not made.is_filled and made.filling.status == "queued"
    with pytest.raises(Conflict):
        services.move_project(actor=cast.curator, project=made, to=ProjectStatus.OPEN)
    with pytest.raises(Conflict):
        services.add_tasks(actor=cast.curator, project=made, items=[{"key": "x", "data": {}}])
    left = iter([None, None])

    def killed() -> None:
        if next(left, "end") == "end":
            raise RuntimeError("killed")

    places = list(range(version.row_count))
    with pytest.raises(RuntimeError):
        filling.fill(made, version, places, killed)
    assert LabelProject.objects.get(pk=made.pk).task_count == 4 == made.tasks.count()
    filling.fill(made, version, places)
    assert list(made.tasks.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert made.tasks.get(number=1).data["prompt"] == "Question 0?"


def test_selection__sample__is_the_same_for_the_same_seed(cast: Cast, workspace: Workspace) -> None:
    version = make_version(workspace, name="some")
    keys = []
    for name in ("A", "B"):
        made = services.create_project(
            actor=cast.curator,
            workspace=workspace,
            name=name,
            label_config=CONFIG,
            dataset_version=version,
            selection={"sample": 3, "seed": 4},
        )
        keys.append(list(made.tasks.values_list("key", flat=True)))
    assert keys[0] == keys[1] and len(keys[0]) == 3


def test_doors__settings_members_flag__by_who_may(cast: Cast, client_of: Any, project: LabelProject) -> None:
    url = f"/api/v1/label-projects/{project.pk}/"

    def ask(client: Client, method: str, path: str, body: Any) -> Any:
        return getattr(client, method)(path, json.dumps(body), content_type="application/json")

    manager, annotator = client_of("curator"), client_of("annotator")
    assert ask(manager, "patch", url, {"quota_day": 3, "order": "priority"}).status_code == 200
    assert ask(manager, "patch", f"{url}settings/", {"quota_day": -1}).status_code == 400
    assert ask(annotator, "patch", url, {"quota_day": 9}).status_code == 403
    assert annotator.get(f"{url}members/").status_code == 403
    who = f"{url}members/{cast.annotator.email}/"
    assert ask(manager, "patch", who, {"ranges": [[1, 2]]}).json()["ranges"] == [[1, 2]]
    assert ask(manager, "patch", f"{url}members/nobody@example.com/", {}).status_code == 400
    told = ask(annotator, "post", f"{url}tasks/next/", {}).json()
    assert told["quota_left"] == 3 and told["why"] == "" and told["assignment"]["flagged"] is False
    flag = f"/api/v1/label-assignments/{told['assignment']['id']}/flag/"
    assert ask(annotator, "post", flag, {"flagged": True, "note": "odd"}).status_code == 204
    assert ask(manager, "post", flag, {"flagged": True}).status_code == 404
    assert ask(manager, "post", f"{url}priorities/", {"priorities": {"2": 1.5}}).json() == {"count": 1}
    assert ask(manager, "post", f"{url}filling/", {}).status_code == 409


def test_pages__settings_people_tasks__work_by_form(cast: Cast, browser_of: Any, project: LabelProject) -> None:
    browser, base = browser_of(cast.curator), f"/label/{project.pk}/"
    assert browser.get(f"{base}settings/").status_code == 200
    form = {
        "name": "Quality",
        "overlap": "2",
        "order": "rows",
        "seed": "1",
        "quota_day": "5",
        "deadline": "2030-01-02T10:00",
    }
    assert browser.post(f"{base}settings/", form).status_code == 302
    project.refresh_from_db()
    assert project.quota_day == 5 and project.deadline and project.deadline.year == 2030
    refused = browser.post(f"{base}settings/", {**form, "quota_day": "x"})
    assert refused.status_code == 400 and b"Give a whole number" in refused.content
    assert cast.annotator.email in browser.get(f"{base}people/").content.decode()
    assert browser.post(f"{base}people/{cast.annotator.pk}/", {"ranges": "1-2"}).status_code == 302
    assert b"kept for 1 people" in browser.get(f"{base}people/").content
    assert browser.post(f"{base}people/{cast.annotator.pk}/", {"ranges": "x"}).status_code == 400
    for query in ("", "?state=waiting", "?state=flagged", "?q=Question+3", "?q=2", "?after=x"):
        assert b"Question" in browser.get(f"{base}tasks/{query}").content or query == "?state=flagged"
    assert b"not enough yet" in browser.get(base).content
