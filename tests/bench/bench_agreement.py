"""Every coefficient with its interval over a million ratings on a scale 0 to 5, a twentieth of them gaps.

    python -m tests.bench.bench_agreement [--repeats 5]

Told are the median and the longest time of a call in seconds, for three raters and for ten, from an array as from lists.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from apps.labeling import agreement
from apps.labeling.agreement import Coefficient

LONGEST = 2.0  # seconds
SHAPES = ((333_334, 3), (100_000, 10))
FIGURES: dict[str, Callable[[Any], Coefficient]] = {
    "percent": agreement.percent_agreement,
    "Fleiss": agreement.fleiss_kappa,
    "Fleiss, quadratic": lambda rows: agreement.fleiss_kappa(rows, range(6), "quadratic"),
    "Conger": agreement.conger_kappa,
    "Conger, quadratic": lambda rows: agreement.conger_kappa(rows, range(6), "quadratic"),
    "Brennan-Prediger": agreement.brennan_prediger,
    "AC1": agreement.gwet_ac,
    "AC2, quadratic": lambda rows: agreement.gwet_ac(rows, range(6), "quadratic"),
    "mean of Cohen's, quadratic": agreement.weighted_kappa,
    "alpha, nominal": agreement.krippendorff_alpha,
    "alpha, ordinal": lambda rows: agreement.krippendorff_alpha(rows, level="ordinal"),
    "alpha, interval": lambda rows: agreement.krippendorff_alpha(rows, level="interval"),
    "alpha, ratio": lambda rows: agreement.krippendorff_alpha(rows, level="ratio"),
    "ICC(2,1)": agreement.icc,
    "ICC(3,k)": lambda rows: agreement.icc(rows, form="ICC(3,k)"),
}
OF_TWO: dict[str, Callable[[Any], Coefficient]] = {
    "Cohen": agreement.cohen_kappa,
    "Cohen, quadratic": lambda rows: agreement.cohen_kappa(rows, range(6), "quadratic"),
    "Scott": agreement.scott_pi,
}


def ratings(items: int, raters: int) -> Any:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 6, (items, 1))
    said = np.where(generator.random((items, raters)) < 0.7, truth, generator.integers(0, 6, (items, raters)))
    return np.where(generator.random((items, raters)) < 0.05, np.nan, said)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    repeats, slowest = parser.parse_args().repeats, 0.0
    for shape, figures in ((SHAPES[0], FIGURES), (SHAPES[1], FIGURES), ((500_000, 2), OF_TWO)):
        rows = ratings(*shape)
        lists = [[None if score != score else int(score) for score in row] for row in rows.tolist()]
        for name, figure in figures.items():
            array = [seconds(figure, rows) for _repeat in range(repeats)]
            listed = seconds(figure, lists)
            slowest = max(slowest, *array, listed)
            told = f"median {statistics.median(array):.2f} s, longest {max(array):.2f} s, from lists {listed:.2f} s"
            print(f"{shape[0]:>7} x {shape[1]:<2} {name:<28} {told}", flush=True)
    print(f"longest of all: {slowest:.2f} s (bound {LONGEST:.0f} s)")
    return 0 if slowest <= LONGEST else 1


def seconds(figure: Callable[[Any], Coefficient], rows: Any) -> float:
    began = time.perf_counter()
    found = figure(rows)
    took = time.perf_counter() - began
    assert found.value is not None and found.low is not None
    return took


if __name__ == "__main__":
    sys.exit(main())
