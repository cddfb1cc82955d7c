"""Tasks that come after a suggester ran: looked at by themselves while it is shown, once, and told where not."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.errors import Conflict
from apps.labeling import exchange
from apps.labeling.models import LabelProject, Suggester
from apps.labeling.suggesting import following, suggesters
from tests.cast import Cast
from tests.labeling.suggesting import GOOD, claimed, context_of, ran, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(cast: Cast, project: LabelProject) -> Suggester:
    suggester = ran(cast.curator, project, GOOD)
    return suggesters.show(actor=cast.curator, suggester=suggester, is_shown=True)


def came(cast: Cast, project: LabelProject, *texts: str) -> None:
    items = [{"data": {"prompt": text, "answer": ""}} for text in texts]
    exchange.import_tasks(actor=cast.curator, project=project, items=items)


def fresh(suggester: Suggester) -> Suggester:
    found: Suggester = Suggester.objects.select_related("project", "job").get(pk=suggester.pk)
    return found


def test_new_tasks__of_a_shown_suggester__are_looked_at_once_and_the_old_stay(
    cast: Cast, project: LabelProject, shown: Suggester
) -> None:
    assert following.look() == 0
    old = set(shown.suggestions.values_list("pk", flat=True))
    came(cast, project, "hello, thank you", "it is broken", "neither")
    assert suggesters.new_tasks(fresh(shown)) == 3
    assert [following.look(), following.look()] == [1, 0]
    result = work(claimed(shown))
    now = fresh(shown)
    assert result["looked_at"] == 3 and (now.version, now.looked_at) == (1, 9)
    assert old < set(now.suggestions.values_list("pk", flat=True)) and now.suggestions.count() == 9
    assert now.suggestions.get(task__number=8).result[0]["value"] == {"choices": ["bad"]}
    assert now.suggested == now.suggestions.exclude(result=[]).count()
    assert following.look() == 0


def test_new_tasks__while_its_job_writes__are_left_for_the_next(
    cast: Cast, project: LabelProject, shown: Suggester
) -> None:
    came(cast, project, "hello")
    following.look()
    job = claimed(shown)
    context_of(job)  # the tasks are written down
    came(cast, project, "broken")
    work(job)
    assert fresh(shown).looked_at == 7 and following.look() == 1


def test_new_tasks__of_one_that_is_hidden_changed_or_failed__wait_for_a_person(
    cast: Cast, project: LabelProject, shown: Suggester, client: Client
) -> None:
    came(cast, project, "hello")
    suggesters.show(actor=cast.curator, suggester=shown, is_shown=False)
    assert following.look() == 0
    client.force_login(cast.curator)
    assert b"Look at the new ones" in client.get(shown.get_absolute_url()).content
    suggesters.run_suggester(actor=cast.curator, suggester=shown, only_new=True)
    suggesters.show(actor=cast.curator, suggester=shown, is_shown=True)
    suggesters.cancel(actor=cast.curator, suggester=shown)
    assert following.look() == 0 and suggesters.new_tasks(fresh(shown)) == 1
    suggesters.change_suggester(actor=cast.curator, suggester=shown, spec={**GOOD, "lines": {"bad": ["."]}})
    with pytest.raises(Conflict) as caught:
        suggesters.run_suggester(actor=cast.curator, suggester=shown, only_new=True)
    assert caught.value.code == "changed"


def test_new_tasks__of_functions__mean_that_all_are_weighed_anew_after_a_pause(
    cast: Cast, project: LabelProject
) -> None:
    lines = {"good": ["hello", "thank"], "bad": ["broken"]}
    functions = ran(cast.curator, project, {"question": "quality", "lines": lines}, kind="functions")
    suggesters.show(actor=cast.curator, suggester=functions, is_shown=True)
    came(cast, project, "hello")
    assert following.look() == 0
    assert following.look(now=timezone.now() + timedelta(minutes=11)) == 1
    assert work(claimed(functions))["looked_at"] == 7
    assert (fresh(functions).version, fresh(functions).looked_at) == (2, 7)


def test_new_tasks__when_who_made_it_left__wait(cast: Cast, project: LabelProject, shown: Suggester) -> None:
    came(cast, project, "hello")
    cast.curator.memberships.all().delete()
    assert following.look() == 0


def test_run_of_new_tasks__by_program__says_when_there_is_none(client_of: Any, shown: Suggester) -> None:
    door = f"/api/v1/label-suggesters/{shown.pk}/run/"
    answer = client_of("curator").post(door, {"only_new": True}, content_type="application/json")
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "nothing_new"
    assert client_of("curator").get(f"/api/v1/label-suggesters/{shown.pk}/").json()["new_tasks"] == 0
