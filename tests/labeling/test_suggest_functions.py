"""The label model on planted data whose truth is known, and labeling functions in a project."""

from typing import Any

import numpy as np
import pytest

from apps.core.errors import Problem
from apps.labeling import queue
from apps.labeling.models import LabelProject
from apps.labeling.suggesting import suggesters
from tests.cast import Cast
from tests.labeling.conftest import says
from tests.labeling.suggesting import made, ran
from workers import label_model

# Each function: its option, how often it votes where that is true, and where it is not.
TWO = [(0, 0.6, 0.05), (0, 0.5, 0.1), (1, 0.7, 0.05), (1, 0.4, 0.35), (1, 0.4, 0.35), (1, 0.4, 0.35)]
THREE = [
    (0, 0.6, 0.05), (0, 0.5, 0.1), (1, 0.7, 0.05), (1, 0.4, 0.3), (2, 0.6, 0.03), (2, 0.5, 0.25), (2, 0.5, 0.25),
]  # fmt: skip


def planted(functions: Any, balance: list[float], seed: int, tasks: int = 3000) -> tuple[Any, Any, Any]:
    """Truth, votes and what each function speaks for."""
    draw = np.random.default_rng(seed)
    truth = draw.choice(len(balance), tasks, p=balance)
    columns = [draw.random(tasks) < np.where(truth == option, hit, miss) for option, hit, miss in functions]
    return truth, np.array(columns).T, np.array([option for option, _hit, _miss in functions])


@pytest.mark.parametrize(("functions", "balance"), [(TWO, [0.5, 0.5]), (THREE, [0.5, 0.3, 0.2])])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_label_model__on_planted_data__finds_the_accuracies_and_beats_the_majority(
    functions: Any, balance: list[float], seed: int
) -> None:
    truth, votes, speaks_for = planted(functions, balance, seed)
    fitted = label_model.fit(votes, speaks_for, len(balance))
    true = [(truth[votes[:, j]] == option).mean() for j, option in enumerate(speaks_for)]
    assert np.abs(fitted.accuracy - true).max() < 0.06
    voted = votes.any(axis=1)
    right = (label_model.predict(fitted, votes).argmax(axis=1) == truth)[voted].mean()
    most = (label_model.majority(votes, speaks_for, len(balance)).argmax(axis=1) == truth)[voted].mean()
    assert right > most + 0.02
    assert np.abs(fitted.balance - balance).max() < 0.05


def test_label_model__chances__are_true_to_their_word() -> None:
    """Of the tasks with a chance around 0.7, about 0.7 are right."""
    truth, votes, speaks_for = planted(TWO, [0.5, 0.5], 3, tasks=20_000)
    chances = label_model.predict(label_model.fit(votes, speaks_for, 2), votes)
    best = chances.max(axis=1)
    for low, high in ((0.6, 0.8), (0.8, 0.95)):
        some = (best > low) & (best <= high) & votes.any(axis=1)
        assert abs((chances.argmax(axis=1) == truth)[some].mean() - best[some].mean()) < 0.05


def test_label_model__of_no_vote_at_all__is_sure_of_nothing() -> None:
    votes = np.zeros((4, 3), dtype=bool)
    fitted = label_model.fit(votes, np.array([0, 1, 1]), 2)
    chances = label_model.predict(fitted, votes)
    assert np.allclose(chances, 0.5) and np.allclose(label_model.entropy(chances), 1.0)


@pytest.mark.parametrize(("chances", "wanted"), [([1.0, 0.0], 0.0), ([0.5, 0.5], 1.0), ([0.25, 0.75], 0.811278)])
def test_entropy__as_a_share_of_the_largest(chances: list[float], wanted: float) -> None:
    assert label_model.entropy(np.array([chances]))[0] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.django_db
def test_functions__of_a_project__suggest_with_chances_and_are_measured(cast: Cast, project: LabelProject) -> None:
    for quality in ("good", "bad"):
        assignment = queue.take_next(actor=cast.annotator, project=project)
        assert assignment
        queue.submit(actor=cast.annotator, assignment=assignment, result=says(quality))
    first = str(project.tasks.get(number=1).data["prompt"]).split()[0]
    lines = {"good": [f"^{first}", "."], "bad": [r"words: zebra, unicorn"]}
    suggester = ran(cast.curator, project, {"question": "quality", "lines": lines}, kind="functions")
    by_line = {one["said"]: one for one in suggester.report["functions"]}
    everything, never = by_line["."], by_line["words: zebra, unicorn"]
    assert everything["coverage"] == 1.0 and (everything["right"], everything["judged"]) == (1, 2)
    assert never["coverage"] == 0 and never["estimated"] is None and never["judged"] == 0
    assert suggester.suggested == 6 and set(suggester.report["balance"]) == {"good", "bad"}
    one = suggester.suggestions.get(task__number=1)
    assert (
        one.result[0]["value"] == {"choices": ["good"]}
        and one.score
        and 0.5 < one.score <= 1
        and 0 <= one.uncertainty < 1
    )


@pytest.mark.django_db
def test_functions__fewer_than_three__are_refused(cast: Cast, project: LabelProject) -> None:
    with pytest.raises(Problem) as caught:
        made(cast.curator, project, {"question": "quality", "lines": {"good": ["a"], "bad": ["b"]}}, kind="functions")
    assert caught.value.field == "lines" and suggesters.MOST > 1
