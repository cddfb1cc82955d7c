"""The label model: how far each labeling function can be trusted, told from nothing but how the functions agree; and the label they make.

Dawid and Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", Applied Statistics 28 (1979) 20-28,
equations 2.3 to 2.5, with to abstain as one of the responses. A function here speaks for one option or abstains, so its table of error
rates is one number an option: how often it votes where that option is true. Functions are taken to err independently given the true
option. Pure numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Votes = NDArray[np.bool_]
ROUNDS = 200
SETTLED = 1e-6  # largest change of a probability at which the rounds end
TRUST = 0.7  # how often a function is right before anything is known of it
ADDED = 1.0  # tasks of each option that this counts for: no rate is ever exactly 0 or 1
_ROWS = 50_000  # rows computed at once


@dataclass(frozen=True)
class Fitted:
    """`balance` (options) is how often each option is true, `rates` (functions, options) how often a function votes where it is, and
    `accuracy` (functions) how often a function is right when it votes."""

    balance: Floats
    rates: Floats
    accuracy: Floats


def fit(votes: Votes, speaks_for: NDArray[np.int64], options: int) -> Fitted:
    """Fit to `votes` (tasks, functions), of which function j speaks for the option `speaks_for[j]`. Tasks without a vote count too: without
    them functions that seldom vote would seem to avoid one another. Begins from the share of the votes that each option has."""
    rows, counts = np.unique(votes, axis=0, return_counts=True)
    weights = counts.astype(float)
    belief, prior = majority(rows, speaks_for, options), _prior(rows, weights, speaks_for, options)
    for _round in range(ROUNDS):
        balance, rates = _maximize(rows, weights, belief, prior)
        fresh = _expect(rows, balance, rates)
        change = float(np.abs(fresh - belief).max(initial=0.0))
        belief = fresh
        if change < SETTLED:
            break
    balance, rates = _maximize(rows, weights, belief, prior)
    joint = rates * balance
    own = joint[np.arange(len(speaks_for)), speaks_for]
    return Fitted(balance, rates, own / joint.sum(axis=1))


def majority(votes: Votes, speaks_for: NDArray[np.int64], options: int) -> Floats:
    """(tasks, options): the share of the votes that each option has; all alike where nobody votes."""
    counts = votes.astype(float) @ np.eye(options)[speaks_for]
    total = counts.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(counts, total, out=np.full(counts.shape, 1 / options), where=total > 0)
    return shares


def predict(fitted: Fitted, votes: Votes) -> Floats:
    """(tasks, options): the probability of each option; all alike for a task without a vote."""
    found = np.full((len(votes), len(fitted.balance)), 1 / len(fitted.balance))
    voted = np.flatnonzero(votes.any(axis=1))
    for start in range(0, len(voted), _ROWS):
        part = voted[start : start + _ROWS]
        found[part] = _expect(votes[part], fitted.balance, fitted.rates)
    return found


def entropy(chances: Floats) -> Floats:
    """(tasks): how unsure, from 0 to 1: Shannon's entropy as a share of the largest that there can be."""
    if chances.shape[1] < 2:
        return np.zeros(len(chances))
    terms = np.where(chances > 0, chances * np.log(np.maximum(chances, 1e-300)), 0.0)
    whole: Floats = np.clip(-terms.sum(axis=1) / np.log(chances.shape[1]), 0.0, 1.0)
    return whole


def _prior(rows: Votes, weights: Floats, speaks_for: NDArray[np.int64], options: int) -> Floats:
    """(functions, options): the rates of functions that vote as often as these and are right TRUST of the time."""
    often = weights @ rows / max(weights.sum(), 1.0)
    right = np.eye(options)[speaks_for].astype(bool)
    shares = np.where(right, TRUST, (1 - TRUST) / max(options - 1, 1)) * options
    prior: Floats = np.clip(often[:, None] * shares, 0.001, 0.95)
    return prior


def _maximize(rows: Votes, weights: Floats, belief: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Balance and rates that fit the beliefs best (2.3, 2.4), with what is known before."""
    mass = belief * weights[:, None]
    of_option = mass.sum(axis=0)
    balance = (of_option + ADDED) / (of_option + ADDED).sum()
    rates = (rows.T.astype(float) @ mass + ADDED * prior) / (of_option + ADDED)
    return balance, rates


def _expect(rows: Votes, balance: Floats, rates: Floats) -> Floats:
    """The probability of each option for each row (2.5), in logarithms: many functions would underflow."""
    voted = rows.astype(float)
    logs = np.log(balance) + voted @ np.log(rates) + (1 - voted) @ np.log1p(-rates)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    found: Floats = chances / chances.sum(axis=1, keepdims=True)
    return found
