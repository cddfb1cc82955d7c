"""Means, intervals and the sample ratio, against published numbers."""

import math

import pytest

from apps.rollout.figures import difference, mean, quantile_t, sample_ratio


def tally(values: list[float]) -> tuple[int, float, float]:
    return len(values), sum(values), sum(value * value for value in values)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980), (1e6, 1.960)]
)
def test_quantile_t__of_the_usual_table__is_its_number(freedom: float, t: float) -> None:
    assert quantile_t(freedom) == pytest.approx(t, abs=5e-4)


def test_mean__of_values__has_students_interval() -> None:
    """1..5: mean 3, s 1.5811, half width 2.776 * s / sqrt(5) = 1.963."""
    found = mean(*tally([1, 2, 3, 4, 5]))
    assert (found.n, found.value) == (5, 3)
    assert found.low == pytest.approx(1.0368, abs=1e-3) and found.high == pytest.approx(4.9632, abs=1e-3)


def test_mean__of_none_or_one__has_no_interval() -> None:
    assert mean(0, 0, 0).value is None
    one = mean(1, 0.5, 0.25)
    assert one.value == 0.5 and one.low is None


def test_mean__of_equal_values__never_has_a_negative_variance() -> None:
    found = mean(*tally([0.1] * 1000))
    assert found.low == pytest.approx(0.1) and found.high == pytest.approx(0.1)


def test_difference__by_welch__is_that_of_the_textbook() -> None:
    """Welch (1947) as worked through on Wikipedia, example 1: t -2.46, 25 degrees of freedom, p 0.021."""
    a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
    b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4]
    found = difference(tally(a), tally(b))
    assert found is not None and found.value is not None and found.low is not None and found.high is not None
    assert found.value == pytest.approx(20.82 - 22.98667, abs=1e-3) and found.low < found.high < 0
    error = (found.high - found.low) / 2 / quantile_t(24.98853)
    assert found.value / error == pytest.approx(-2.46, abs=0.02)


def test_difference__with_too_few_values__is_none() -> None:
    assert difference((1, 1, 1), (5, 3, 3)) is None
    same = difference((2, 2, 2), (3, 0, 0))
    assert same is not None and (same.value, same.low, same.high) == (1, 1, 1)


@pytest.mark.parametrize(
    ("observed", "p", "is_off"),
    [((50, 50), 1.0, False), ((100, 60), 0.00157, False), ((1000, 1200), 0.00002, True), ((5, 5), None, False)],
)
def test_sample_ratio__chi_square__alarms_below_a_thousandth(
    observed: tuple[int, int], p: float | None, is_off: bool
) -> None:
    found = sample_ratio(observed)
    assert found.is_off is is_off
    if p is None:
        assert found.p is None
    else:
        assert found.p is not None and math.isclose(found.p, p, rel_tol=0.05)
