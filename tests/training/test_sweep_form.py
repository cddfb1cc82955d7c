"""A sweep begun on its page, from a run."""

from typing import Any

import pytest
from django.test import Client

from apps.core.errors import Problem
from apps.training.models import Run, Sweep
from apps.training.sweeping.form import EXAMPLE, read_space

pytestmark = pytest.mark.django_db


def test_space__lines__are_read() -> None:
    assert read_space(EXAMPLE) == {"learning_rate": {"log": [1e-5, 1e-3]}, "lora_r": {"values": [8, 16, 32]}}
    assert read_space("warmup_ratio: range 0, 0.1, 0.05") == {"warmup_ratio": {"range": [0, 0.1], "step": 0.05}}


@pytest.mark.parametrize("line", ["learning_rate", "learning_rate log 1", "learning_rate between 1 2", "lora_r values"])
def test_space__line_that_says_nothing__is_refused_with_its_number(line: str) -> None:
    with pytest.raises(Problem, match="Line 2"):
        read_space(f"lora_r values 8 16\n{line}")


def asked(run: Run, **changes: str) -> dict[str, str]:
    body = {"name": "rates", "like": str(run.pk), "space": EXAMPLE, "strategy": "tpe", "pruning": "median"}
    return {**body, "trials_wanted": "4", "parallel": "1", **changes}


def test_page__form__begins_a_sweep_of_the_runs_model_rows_and_settings(page: Client, run: Run) -> None:
    answer = page.post("/train/sweeps/", asked(run))
    sweep = Sweep.objects.get()
    assert answer.status_code == 302 and answer["Location"] == sweep.get_absolute_url()
    assert (sweep.base_model, sweep.dataset_version, sweep.trials_wanted) == (run.base_model, run.dataset_version, 4)
    assert sweep.space["lora_r"] == {"values": [8, 16, 32]} and sweep.recipe == run.recipe
    assert "rates" in page.get("/train/sweeps/").content.decode()


@pytest.mark.parametrize(
    "changes",
    [{"space": "lora_r values 0"}, {"trials_wanted": "0"}, {"name": " "}, {"strategy": "magic"}, {"space": ""}],
)
def test_page__bad_form__is_told_and_kept(page: Client, run: Run, changes: dict[str, Any]) -> None:
    answer = page.post("/train/sweeps/", asked(run, **changes))
    assert answer.status_code == 400 and 'role="alert"' in answer.content.decode()
    assert not Sweep.objects.exists()
