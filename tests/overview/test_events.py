"""Every verb that the ledger can hold has words for people, or is known to be told elsewhere."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.core import ledger
from apps.labeling import services as labeling
from apps.labeling.models import ProjectStatus
from apps.labeling.schema.gallery import QUALITY
from apps.overview import events
from tests.cast import Cast
from tests.make import make_version

Browser = Callable[[User], Client]


def verbs_of_calls() -> Iterator[str]:
    """What stands after `verb=` in each call of ledger.write."""
    for path in sorted(Path(settings.BASE_DIR, "apps").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ledger.write"):
                given = next(keyword.value for keyword in node.keywords if keyword.arg == "verb")
                if not isinstance(given, ast.JoinedStr):  # that of apps.core.transitions, see below
                    words = (part.value for part in ast.walk(given) if isinstance(part, ast.Constant))
                    yield from (word for word in words if isinstance(word, str))


def verbs_of_statuses() -> Iterator[str]:
    """What apps.core.transitions.move writes for each step that a table allows."""
    for model in apps.get_models():
        for ends in getattr(model, "TRANSITIONS", {}).values():
            yield from (f"{model._meta.model_name}.{end}" for end in ends)


def test_verbs__all_that_the_code_writes__have_words_or_are_told_elsewhere() -> None:
    written = {*verbs_of_calls(), *verbs_of_statuses()}
    assert {"labelproject.frozen", "round.prepared_again", "rollout.paused"} <= written  # the walk finds both kinds
    assert written == events.VERBS.keys() | events.UNTOLD
    assert not events.VERBS.keys() & events.UNTOLD


def test_words__of_every_verb__are_no_verb_of_the_code() -> None:
    assert not [verb for verb, words in events.VERBS.items() if "." in str(words) or "_" in str(words) or not words]


def test_home__of_a_label_project__tells_each_step_in_words(cast: Cast, browser_of: Browser) -> None:
    project = labeling.create_project(
        actor=cast.curator, workspace=cast.workspace, name="Tone", label_config=QUALITY,
        dataset_version=make_version(cast.workspace),
    )  # fmt: skip
    for status in (ProjectStatus.OPEN, ProjectStatus.PAUSED, ProjectStatus.CLOSED):
        labeling.move_project(actor=cast.curator, project=project, to=status)
    page = browser_of(cast.owner).get("/").content.decode()
    for words in ("made the label project", "added tasks to", "opened", "paused", "closed"):
        assert f"<b>Clara</b> {words} " in page
    assert "labelproject." not in page


def test_latest__the_same_done_many_times__is_told_once(cast: Cast) -> None:
    for verb in ("dataset.created", *["labelproject.accepted"] * 20, "signal.given"):
        ledger.write(row=cast.workspace, verb=verb, actor=cast.curator)
    ledger.write(row=cast.workspace, verb="labelproject.accepted", actor=cast.owner)
    told = [(event.who, str(event.verb)) for event in events.latest(cast.workspace, 8)]
    decided = "decided between the answers in"
    assert told == [("Olga", decided), ("Clara", decided), ("Clara", "created")]
