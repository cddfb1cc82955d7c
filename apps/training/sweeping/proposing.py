"""Which settings a sweep tries next, and when a trial is not worth going on with. Pure: the same past gives the same answer.

Optuna proposes. Its study is built anew from our own trials at every decision, so that no other store has to agree with the database.
"""

import hashlib
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from apps.training.sweeping.space import Axis, grid

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Past:
    """A trial as far as it is known: `value` when it is over and told one; `curve` is the metric by step."""

    number: int
    params: Mapping[str, Any]
    state: str  # complete, pruned, failed or running
    value: float | None = None
    curve: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """All that a strategy may look at."""

    axes: tuple[Axis, ...]
    seed: int
    number: int  # of the trial to be proposed, from 1
    direction: Literal["minimize", "maximize"]
    past: Sequence[Past] = ()


def seed_of(seed: int, number: int) -> int:
    """A seed for one trial: unlike its neighbours', the same after every restart."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4]) & 0x7FFFFFFF


def by_grid(question: Question) -> dict[str, Any]:
    return grid(question.axes)[question.number - 1]


def by_chance(question: Question) -> dict[str, Any]:
    import optuna

    return _ask(question, optuna.samplers.RandomSampler(seed=seed_of(question.seed, question.number)), ())


def by_tpe(question: Question) -> dict[str, Any]:
    """Tree-structured Parzen estimator (Bergstra et al. 2011); trials that still run count as bad ones, so that parallel ones differ."""
    import optuna

    sampler = optuna.samplers.TPESampler(seed=seed_of(question.seed, question.number), constant_liar=True)
    return _ask(question, sampler, question.past)


STRATEGIES: dict[str, Callable[[Question], dict[str, Any]]] = {"grid": by_grid, "random": by_chance, "tpe": by_tpe}


def _ask(question: Question, sampler: "optuna.samplers.BaseSampler", past: Sequence[Past]) -> dict[str, Any]:
    study = rebuilt(question, sampler, past)
    return dict(study.ask({axis.name: distribution(axis) for axis in question.axes}).params)


def rebuilt(question: Question, sampler: "optuna.samplers.BaseSampler", past: Sequence[Past]) -> "optuna.Study":
    """Optuna's study of our trials, in memory, in the order of their numbers."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction=question.direction, sampler=sampler)
    distributions = {axis.name: distribution(axis) for axis in question.axes}
    for trial in sorted(past, key=lambda one: one.number):
        study.add_trial(_frozen(trial, distributions))
    return study


def _frozen(
    trial: Past, distributions: "Mapping[str, optuna.distributions.BaseDistribution]"
) -> "optuna.trial.FrozenTrial":
    import optuna

    states = {"complete": "COMPLETE", "pruned": "PRUNED", "running": "RUNNING"}
    state = optuna.trial.TrialState[states.get(trial.state, "FAIL")]
    return optuna.trial.create_trial(
        state=state,
        value=trial.value if trial.state == "complete" else None,
        params=dict(trial.params),
        distributions=dict(distributions),
        intermediate_values=dict(trial.curve),
    )


def distribution(axis: Axis) -> "optuna.distributions.BaseDistribution":
    """The axis in Optuna's words."""
    import optuna.distributions as kinds

    if axis.values:
        return kinds.CategoricalDistribution(axis.values)
    if axis.whole:
        return kinds.IntDistribution(
            int(axis.low), int(axis.high), log=axis.log, step=1 if axis.log else int(axis.step or 1)
        )
    return kinds.FloatDistribution(axis.low, axis.high, log=axis.log, step=axis.step)


def is_below_median(
    curve: Mapping[int, float], others: Sequence[Mapping[int, float]], *, direction: str, startup: int, warmup: int
) -> bool:
    """The median rule (Golovin et al. 2017, Google Vizier, 3.2.1; Optuna's MedianPruner): the best value so far is worse than the
    median of the completed trials' values at the same step. Never before `startup` completed trials or step `warmup`."""
    if not curve or len(others) < startup or max(curve) < warmup:
        return False
    told = [other[max(curve)] for other in others if max(curve) in other and math.isfinite(other[max(curve)])]
    own = [value for value in curve.values() if math.isfinite(value)]
    if not told:
        return False
    if not own:
        return True
    median = statistics.median(told)
    return min(own) > median if direction == "minimize" else max(own) < median
