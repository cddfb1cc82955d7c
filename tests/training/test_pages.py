"""The pages of training: what they show, what they offer to whom, and that they show nothing to a stranger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from apps.accounts.models import User
from apps.core.listing import PER_PAGE
from apps.jobs.models import Desired, Job, Status
from apps.training import services
from apps.training.listing import RUNS
from apps.training.models import BaseModel, Run
from apps.training.presenting import duration
from tests.cast import Cast
from tests.make import make_version
from tests.training.conftest import tell
from tests.training.folders import make_folder
from tests.training.test_runs import end, fail, metric, save

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Launch = Callable[..., Run]


def text(page: Client, url: str, **headers: str) -> str:
    answer = page.get(url, headers=headers)
    assert answer.status_code == 200, (url, answer.status_code)
    return str(answer.content.decode())


# ---- the list


def test_list__no_run__teaches_and_offers_the_one_button(page: Client) -> None:
    shown = text(page, "/train/")
    assert "No run yet" in shown and "/train/new/" in shown and "/datasets/" in shown


def test_list__runs__are_searched_filtered_and_sorted(page: Client, launch: Launch) -> None:
    launch(name="winter")
    failed = launch(name="summer")
    Job.objects.filter(pk=failed.job_id).update(status=Status.FAILED, result={"eval_loss": 0.25})
    both = text(page, "/train/")
    assert both.index("summer") < both.index("winter") and "0.250" in both
    assert "winter" not in text(page, "/train/?q=summ") and "winter" not in text(page, "/train/?status=failed")
    assert "winter" in text(page, "/train/?q=run-1") and "summer" not in text(page, "/train/?q=run-1")
    assert "Nothing fits" in text(page, "/train/?q=autumn&status=failed")
    for sort in ("name", "-name", "status", "model", "data", "loss", "-loss", "launched", "nonsense"):
        assert "winter" in text(page, f"/train/?sort={sort}")


def test_list__many_runs__are_paged_with_what_was_asked(page: Client, launch: Launch) -> None:
    for number in range(PER_PAGE + 1):
        launch(name=f"n{number}")
    shown = text(page, "/train/?sort=name&q=n")
    assert f"1 to {PER_PAGE} of {PER_PAGE + 1}" in shown and "/train/?q=n&amp;sort=name&amp;page=2" in shown
    assert f"{PER_PAGE + 1} to {PER_PAGE + 1}" in text(page, "/train/?page=2") and text(page, "/train/?page=none")


def test_list__asked_by_htmx__is_the_rows_alone(page: Client, run: Run) -> None:
    assert "<html" not in text(page, "/train/", **{"HX-Request": "true"})


def test_wanted__links__leave_out_what_is_as_usual() -> None:
    assert RUNS.read({}).query() == "" and RUNS.read({"q": "a b", "status": "odd"}).query() == "?q=a+b"
    assert RUNS.read({"sort": "name"}).query(page="2") == "?sort=name&page=2"


# ---- the launch form


def test_launch__no_data__offers_the_upload(page: Client) -> None:
    assert "/datasets/new/" in text(page, "/train/new/")


def test_launch__form__has_models_data_presets_and_settings(page: Client, model: BaseModel, version: Any) -> None:
    shown = text(page, f"/train/new/?version={version.pk}")
    assert f'value="{version.pk}" data-name="support" data-form="chat" selected' in shown
    assert f'value="{model.pk}" checked' in shown and "Being prepared" in shown  # the bundled one is not ready
    for name in ("quick", "lora", "full"):
        assert f'name="preset" value="{name}"' in shown
    assert 'name="recipe.learning_rate"' in shown and 'name="recipe.sample_prompts"' in shown


def test_launch__clone__has_the_settings_of_the_run(page: Client, launch: Launch) -> None:
    run = launch(
        name="winter", recipe={"learning_rate": 0.00123, "max_steps": 33, "target_modules": ["q_proj", "v_proj"]}
    )
    shown = text(page, f"/train/new/?clone={run.pk}")
    for value in ("winter", "0.00123", 'value="33"', "q_proj, v_proj", "run-1"):
        assert value in shown
    assert page.get("/train/new/?clone=nonsense").status_code == 404


# ---- a run


def test_run__while_it_runs__offers_stop_and_says_what_a_cancel_loses(page: Client, running: Run) -> None:
    save(running, 10)
    tell(running.job, metric(14))
    shown = text(page, running.get_absolute_url())
    assert (
        "Stop and save" in shown
        and "Cancel run" in shown
        and "Resume" not in shown.split("stop-note")[0].split("page-head")[1]
    )
    assert "The checkpoint of step 10 stays" in shown and "Steps 11 to 14 are lost" in shown
    assert "Best" in shown and f"/train/chat/?checkpoint={running.checkpoints.get().pk}" in shown


@pytest.mark.parametrize(
    ("kind", "label", "advice"),
    [("nan", "The loss became NaN", ", but to resume"), ("out_of_memory", "Out of memory", "; Resume goes on")],
)
def test_run__failed__tells_why_and_offers_to_go_on(
    page: Client, running: Run, kind: str, label: str, advice: str
) -> None:
    save(running, 10)
    fail(running, kind)
    shown = text(page, running.get_absolute_url())
    assert label in shown and "m h" in shown and "The checkpoint of step 10 is safe" + advice in shown
    assert f"{running.get_absolute_url()}resume/" in shown and "Stop and save</button>" not in shown


def test_run__ended_well__offers_the_chat(page: Client, running: Run) -> None:
    save(running, 20)
    end(running)
    shown = text(page, running.get_absolute_url())
    assert "Chat with it" in shown and "Final" in shown


def test_run__parts__come_alone_and_together(page: Client, running: Run) -> None:
    url = running.get_absolute_url()
    for part in ("head", "trouble", "eta", "checkpoints", "facts", "lost"):
        assert "<html" not in text(page, f"{url}?part={part}")
        assert f'id="part-{part}"' in text(page, f"{url}?part=all")
    assert page.get(f"{url}?part=secrets").status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_run__points__are_downloaded_whole(cast: Cast, running: Run) -> None:
    points = [metric(1, 2.5), metric(2, 2.25), {"type": "metric", "step": 3, "name": "loss", "value": None}]
    await sync_to_async(lambda: tell(running.job, *points))()
    browser = AsyncClient()
    await browser.aforce_login(cast.viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = await browser.get(f"{running.get_absolute_url()}points.csv")
    pieces = [piece async for piece in answer]  # type: ignore[attr-defined]
    await sync_to_async(connections.close_all)()  # of the thread that read the points
    assert b"".join(pieces) == b"step,metric,value\n1,loss,2.5\n2,loss,2.25\n3,loss,\n"
    assert answer["Content-Disposition"] == 'attachment; filename="run-1.csv"'


def test_run__buttons__do_what_they_say(page: Client, running: Run) -> None:
    url = running.get_absolute_url()
    assert page.post(f"{url}stop/").url == url  # type: ignore[attr-defined]
    assert Job.objects.get(pk=running.job_id).desired == Desired.STOP
    page.post(f"{url}cancel/")
    assert Job.objects.get(pk=running.job_id).status == Status.CANCELLING


def test_run__resume__leads_to_the_new_run(page: Client, running: Run) -> None:
    save(running, 10)
    fail(running)
    answer = page.post(f"{running.get_absolute_url()}resume/")
    continued = Run.objects.get(number=2)
    assert answer.url == continued.get_absolute_url()  # type: ignore[attr-defined]
    assert "Continues" in text(page, continued.get_absolute_url())
    assert "Continued by" in text(page, running.get_absolute_url())


def test_run__resume_with_nothing_saved__is_a_page_that_says_so(page: Client, running: Run) -> None:
    fail(running)
    answer = page.post(f"{running.get_absolute_url()}resume/")
    assert answer.status_code == 409 and "nothing to go on from" in answer.content.decode()


# ---- chat


def test_chat__nothing_ready__says_what_is_missing(page: Client) -> None:
    assert "no model to chat with yet" in text(page, "/train/chat/")


def test_chat__checkpoint__has_both_sides_and_prompts_from_the_data(page: Client, running: Run) -> None:
    checkpoint = save(running, 10)
    shown = text(page, f"/train/chat/?checkpoint={checkpoint.pk}")
    assert (
        "Ask both" in shown and 'data-prompt="Where is order 0?"' in shown and f"?checkpoint={checkpoint.pk}" in shown
    )
    told = {"type": "sample", "step": 10, "index": 0, "prompt": "Held out?", "answer": "a", "base_answer": "b"}
    tell(running.job, told)
    assert 'data-prompt="Held out?"' in text(page, "/train/chat/")  # the newest checkpoint, when none is named


def test_chat__base_model_alone__has_one_side(page: Client, model: BaseModel) -> None:
    shown = text(page, f"/train/chat/?base_model={model.pk}")
    assert "data-alone" in shown and "Ask both" not in shown


# ---- base models


def test_models__folder__is_added_by_the_form(page: Client, shelf: Any) -> None:
    folder = make_folder(shelf / "mine")
    answer = page.post("/train/models/", {"source": "folder", "path": str(folder), "name": "Mine"})
    assert answer.status_code == 302 and "LlamaForCausalLM" in text(page, "/train/models/")


def test_models__refused__stays_on_the_form_with_the_reason(page: Client, shelf: Any) -> None:
    folder = make_folder(shelf / "bad", config={"auto_map": {"AutoModel": "x.Y"}})
    answer = page.post("/train/models/", {"source": "folder", "path": str(folder)})
    shown = answer.content.decode()
    assert answer.status_code == 400 and "auto_map" in shown and str(folder) in shown


def test_models__buttons__try_again_and_remove(page: Client, model: BaseModel, cast: Cast) -> None:
    page.post("/train/models/", {"source": "hub", "repository": "a/b", "name": ""})
    hub = BaseModel.objects.get(source="hub")
    assert hub.job is not None
    Job.objects.filter(pk=hub.job.pk).update(status=Status.FAILED, failure_message="No network.")
    assert "No network." in text(page, "/train/models/")
    page.post(f"/train/models/{hub.pk}/prepare/")
    assert BaseModel.objects.get(source="hub").state == "preparing"
    page.post(f"/train/models/{model.pk}/remove/")
    assert not BaseModel.objects.filter(pk=model.pk).exists()


# ---- whom they refuse


def urls(run: Run, checkpoint: Any) -> list[tuple[str, str]]:
    own, model = run.get_absolute_url(), run.base_model
    return [
        ("get", own),
        ("get", f"{own}points.csv"),
        ("get", f"{own}?part=all"),
        ("get", f"/train/new/?clone={run.pk}"),
        ("get", f"/train/chat/?checkpoint={checkpoint.pk}"),
        ("get", f"/train/chat/?base_model={model.pk}"),
        ("post", f"{own}stop/"),
        ("post", f"{own}cancel/"),
        ("post", f"{own}resume/"),
        ("post", f"/train/models/{model.pk}/prepare/"),
        ("post", f"/train/models/{model.pk}/remove/"),
    ]


def test_doors__stranger__finds_nothing(browser_of: Browser, cast: Cast, running: Run) -> None:
    checkpoint = save(running, 10)
    page = browser_of(cast.stranger)
    make_version(cast.other_workspace)
    for method, url in urls(running, checkpoint):
        assert getattr(page, method)(url).status_code == 404, url
    assert "No run yet" in text(page, "/train/") and "Tiny" not in text(page, "/train/models/")
    running.refresh_from_db()
    assert running.job.status == Status.RUNNING and running.job.desired == Desired.RUN


def test_doors__viewer__sees_everything_and_changes_nothing(browser_of: Browser, cast: Cast, running: Run) -> None:
    checkpoint = save(running, 10)
    page = browser_of(cast.viewer)
    shown = text(page, running.get_absolute_url())
    assert "Cancel run" not in shown and "Clone" not in shown and "Try it" not in shown
    assert "Launch a fine-tune" not in text(page, "/train/").split("<main")[1].split("</main")[0]
    forbidden = {"stop", "cancel", "resume", "prepare", "remove", "chat", "new"}
    for method, url in urls(running, checkpoint):
        code = getattr(page, method)(url).status_code
        assert code == (403 if forbidden & set(url.strip("/").split("/")) else 200), url


def test_demo__model_ready__runs_at_once(cast: Cast, settings: Any) -> None:
    make_folder(settings.TUNELOOP_DATA / "models" / "smollm2-135m-instruct")
    version = make_version(cast.workspace)
    run = services.load_demo(workspace=cast.workspace, actor=cast.owner, version=version)
    assert run is not None and run.job.status == Status.QUEUED and run.recipe["max_steps"] == 60


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89.9, "89 s"), (90, "2 min"), (3599, "60 min"), (3600, "1 h 0 min"), (4000, "1 h 6 min")],
)
def test_duration__any__is_told_in_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words
