"""Every figure here was published; tests/labeling/published.py has the tables."""

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from apps.labeling import agreement
from apps.labeling.agreement import (
    NO_VARIATION,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    brennan_prediger,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac,
    icc,
    krippendorff_alpha,
    percent_agreement,
    scott_pi,
    weighted_kappa,
)
from tests.labeling import published as of

TWO = {
    "cohen-1960": of.COHEN_1960,
    "cohen-1968": of.COHEN_1968,
    "abstractors": of.ABSTRACTORS,
    "prevalence": of.PREVALENCE,
}
TWO["below-chance"] = of.BELOW_CHANCE
TABLES: dict[str, Any] = {
    **{name: of.rated(table) for name, table in TWO.items()},
    "fleiss-1971": of.spread(of.FLEISS_1971),
    "textbook": of.spread(of.TEXTBOOK),
    "canonical": of.canonical(),
    "shrout-fleiss": of.SHROUT_FLEISS,
}
APART = {"weights": of.COHEN_1968_APART}
# table, coefficient, options, figures as they are printed
PUBLISHED: list[tuple[str, Callable[..., Coefficient], dict[str, Any], dict[str, str]]] = [
    ("cohen-1960", percent_agreement, {}, {"value": ".70"}),
    ("cohen-1960", cohen_kappa, {}, {"value": ".400", "se": ".127"}),
    ("cohen-1960", gwet_ac, {}, {"value": ".40594"}),
    ("cohen-1960", scott_pi, {}, {"value": ".39394"}),
    ("cohen-1968", cohen_kappa, {}, {"value": ".4915", "se": ".0510", "low": ".3916", "high": ".5915"}),
    ("cohen-1968", cohen_kappa, APART, {"value": ".3478", "se": ".0755"}),
    ("cohen-1968", cohen_kappa, {"weights": "linear"}, {"value": ".4737"}),
    ("cohen-1968", cohen_kappa, {"weights": "quadratic"}, {"value": ".4545"}),
    ("cohen-1968", gwet_ac, {}, {"value": ".57597"}),
    ("fleiss-1971", fleiss_kappa, {}, {"value": ".4302"}),
    ("fleiss-1971", brennan_prediger, {}, {"value": ".4444"}),
    ("textbook", fleiss_kappa, {}, {"value": ".2099"}),
    ("canonical", krippendorff_alpha, {}, {"value": ".743421", "se": ".14557"}),
    ("canonical", krippendorff_alpha, {"level": "ordinal"}, {"value": ".815388"}),
    ("canonical", krippendorff_alpha, {"level": "interval"}, {"value": ".849107"}),
    ("canonical", krippendorff_alpha, {"level": "ratio"}, {"value": ".797403"}),
    ("canonical", krippendorff_alpha, {"weights": "quadratic"}, {"value": ".84911"}),
    ("canonical", gwet_ac, {}, {"value": ".77544", "se": ".14295", "low": ".46081", "high": "1"}),
    ("canonical", gwet_ac, {"weights": "quadratic"}, {"value": ".91400"}),
    ("canonical", gwet_ac, {"weights": "linear"}, {"value": ".85874"}),
    ("canonical", fleiss_kappa, {}, {"value": ".76117", "se": ".15302"}),
    ("canonical", fleiss_kappa, {"weights": "quadratic"}, {"value": ".86494"}),
    ("canonical", fleiss_kappa, {"weights": "linear"}, {"value": ".81794"}),
    ("canonical", brennan_prediger, {}, {"value": ".77273"}),
    ("canonical", conger_kappa, {}, {"value": ".76207"}),
    ("abstractors", cohen_kappa, {}, {"value": ".79641", "se": ".05891"}),
    ("abstractors", gwet_ac, {}, {"value": ".84933", "se": ".04322"}),
    ("abstractors", scott_pi, {}, {"value": ".79624"}),
    ("abstractors", krippendorff_alpha, {}, {"value": ".79726"}),
    ("abstractors", brennan_prediger, {}, {"value": ".835"}),
    ("prevalence", percent_agreement, {}, {"value": ".944"}),
    ("prevalence", cohen_kappa, {}, {"value": "-.02339"}),
    ("prevalence", gwet_ac, {}, {"value": ".94078", "low": ".895", "high": ".986"}),
    ("below-chance", percent_agreement, {}, {"value": ".80"}),
    ("below-chance", cohen_kappa, {}, {"value": "-.1111"}),
    ("shrout-fleiss", icc, {"form": "ICC(1,1)"}, {"value": ".166"}),
    ("shrout-fleiss", icc, {"form": "ICC(2,1)"}, {"value": ".290"}),
    ("shrout-fleiss", icc, {"form": "ICC(3,1)"}, {"value": ".715"}),
    ("shrout-fleiss", icc, {"form": "ICC(1,k)"}, {"value": ".443"}),
    ("shrout-fleiss", icc, {"form": "ICC(2,k)"}, {"value": ".620"}),
    ("shrout-fleiss", icc, {"form": "ICC(3,k)"}, {"value": ".909"}),
]


@pytest.mark.parametrize(
    ("table", "coefficient", "options", "printed"),
    PUBLISHED,
    ids=[f"{table}-{coefficient.__name__}-{place}" for place, (table, coefficient, *_rest) in enumerate(PUBLISHED)],
)
def test_published__tables__the_printed_digits(
    table: str, coefficient: Callable[..., Coefficient], options: dict[str, Any], printed: dict[str, str]
) -> None:
    found = coefficient(TABLES[table], **options)
    for name, digits in printed.items():
        assert rounded(getattr(found, name), digits) == float(digits), name


def rounded(number: float, like: str) -> float:
    return round(number, len(like.partition(".")[2]))


def test_published__expected_agreement__percent_and_kappa_say_it() -> None:
    """Cohen's table has Po .70 and Pe .50: kappa = (.70 - .50) / (1 - .50)."""
    observed, kappa = percent_agreement(TABLES["cohen-1960"]), cohen_kappa(TABLES["cohen-1960"])
    assert (value(observed) - value(kappa)) / (1 - value(kappa)) == pytest.approx(0.5)


def value(found: Coefficient) -> float:
    assert found.value is not None, found.undefined
    return found.value


# ---- what holds for every figure

NOMINAL: dict[str, Callable[..., Coefficient]] = {
    "percent": percent_agreement,
    "fleiss": fleiss_kappa,
    "conger": conger_kappa,
    "brennan": brennan_prediger,
    "ac1": gwet_ac,
    "alpha": krippendorff_alpha,
    "light": lambda rows, categories=None: weighted_kappa(rows, categories, None),
}
OF_TWO: dict[str, Callable[..., Coefficient]] = {"cohen": cohen_kappa, "scott": scott_pi}
ORDERED: dict[str, Callable[..., Coefficient]] = {
    "percent-linear": lambda rows, categories=None: percent_agreement(rows, categories, "linear"),
    "fleiss-quadratic": lambda rows, categories=None: fleiss_kappa(rows, categories, "quadratic"),
    "conger-linear": lambda rows, categories=None: conger_kappa(rows, categories, "linear"),
    "brennan-quadratic": lambda rows, categories=None: brennan_prediger(rows, categories, "quadratic"),
    "ac2": lambda rows, categories=None: gwet_ac(rows, categories, "quadratic"),
    "light-quadratic": weighted_kappa,
    **{
        f"alpha-{level}": lambda rows, categories=None, level=level: krippendorff_alpha(rows, categories, level=level)
        for level in ("ordinal", "interval", "ratio")
    },
    **{
        form: lambda rows, categories=None, form=form: icc(rows, form=form)
        for form in ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
    },
}
ALL = {**NOMINAL, **ORDERED}
EVERY = {**ALL, **OF_TWO}
NEED_VARIATION = sorted(set(ALL) - {"percent", "percent-linear", "brennan", "brennan-quadratic", "ac1", "ac2"})


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(seed: int, *, items: int = 40, raters: int = 4, gaps: float = 0.2) -> np.ndarray[Any, Any]:
    """Raters of a scale 0 to 5 who are right more often than not."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 6, size=(items, 1))
    said = np.where(generator.random((items, raters)) < 0.7, truth, generator.integers(0, 6, size=(items, raters)))
    return np.where(generator.random((items, raters)) < gaps, np.nan, said)


def figures(found: Coefficient) -> list[float | None]:
    return [found.value, found.se, found.low, found.high, found.n_items, found.n_raters]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(5))
def test_any__items_or_raters_in_another_order__the_same(name: str, seed: int) -> None:
    rows, generator = drawn(seed), np.random.default_rng(seed)
    as_given = figures(ALL[name](rows, range(6)))
    assert figures(ALL[name](generator.permutation(rows), range(6))) == pytest.approx(as_given, abs=1e-9)
    assert figures(ALL[name](generator.permutation(rows, axis=1), range(6))) == pytest.approx(as_given, abs=1e-9)


@pytest.mark.parametrize("name", NOMINAL)
def test_nominal__other_names_of_the_categories__the_same(name: str) -> None:
    rows = drawn(7)
    words = [[None if np.isnan(score) else f"grade {(5 * int(score) + 2) % 6}" for score in row] for row in rows]
    assert figures(NOMINAL[name](words)) == pytest.approx(figures(NOMINAL[name](rows)), abs=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_any__a_rater_or_an_item_of_gaps_alone__changes_nothing(name: str) -> None:
    rows = drawn(3)
    wider = np.hstack([rows, np.full((len(rows), 1), np.nan)])
    longer = np.vstack([wider, np.full((1, wider.shape[1]), np.nan)])
    assert ALL[name](longer, range(6)) == ALL[name](rows, range(6))


@pytest.mark.parametrize("name", EVERY)
def test_any__full_agreement__one_with_a_closed_interval(name: str) -> None:
    found = EVERY[name]([(place % 6, place % 6) for place in range(60)])
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))
    assert found.se == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", [*NEED_VARIATION, *OF_TWO])
@pytest.mark.parametrize("rows", [[(4, 4)] * 20, [(4, 4), (4, None), (None, 4), (4, 4)]], ids=["whole", "gaps"])
def test_any__one_value__no_number_but_the_reason(name: str, rows: Any) -> None:
    found = EVERY[name](rows, range(6))
    assert (found.value, found.se, found.low, found.high) == (None, None, None, None)
    assert found.undefined == NO_VARIATION


@pytest.mark.parametrize("coefficient", [gwet_ac, brennan_prediger, percent_agreement])
def test_chance_without_the_margins__one_value_of_several__is_full_agreement(coefficient: Any) -> None:
    assert value(coefficient([(4, 4)] * 20, range(6))) == 1.0
    if coefficient is not percent_agreement:
        assert coefficient([(4, 4)] * 20).undefined == NO_VARIATION  # a single category is known


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], TOO_FEW_RATERS),
        ([(None, None)], TOO_FEW_RATERS),
        ([(3, None), (2, None)], TOO_FEW_RATERS),
        ([(3, None), (None, 2)], TOO_FEW_ITEMS),
        ([(3, 2)], TOO_FEW_ITEMS),
        (np.empty((0, 3)), TOO_FEW_RATERS),
    ],
    ids=["nothing", "gaps-alone", "one-rater", "no-common-item", "one-item", "empty-array"],
)
def test_any__too_little__no_number_but_the_reason(name: str, rows: Any, why: str) -> None:
    found = EVERY[name](rows, range(6))
    assert (found.value, found.se, found.low, found.high) == (None, None, None, None)
    assert found.undefined == why


@pytest.mark.parametrize("name", ALL)
def test_any__random_tables__a_finite_number_within_its_interval_or_a_reason(name: str) -> None:
    """Tables as small and as full of gaps as they come."""
    for seed in range(60):
        rows = drawn(seed, items=2 + seed % 7, raters=2 + seed % 3, gaps=seed % 5 / 6)
        found = ALL[name](rows, range(6))
        if found.value is None:
            assert found.undefined
            continue
        assert all(number is None or math.isfinite(number) for number in figures(found))
        if found.low is not None and found.high is not None:
            assert found.low - 1e-9 <= found.value <= found.high + 1e-9


# ---- particular ones

bad: Any = agreement  # for what its types forbid


def test_interval__true_value__is_covered_as_often_as_it_says() -> None:
    """Pairs with a true kappa of .6 on a fair coin: 95 % of 400 intervals hold it, give or take three standard errors."""
    generator, held = np.random.default_rng(1), {"cohen": 0, "alpha": 0, "ac1": 0, "ordinal": 0}
    for _round in range(400):
        first = generator.integers(0, 2, 200)
        rows = np.stack([first, np.where(generator.random(200) < 0.8, first, 1 - first)], axis=1)
        for name, found in {
            "cohen": cohen_kappa(rows),
            "alpha": krippendorff_alpha(rows),
            "ac1": gwet_ac(rows),
            "ordinal": krippendorff_alpha(rows, level="ordinal"),
        }.items():
            assert found.low is not None and found.high is not None
            held[name] += found.low <= 0.6 <= found.high
    assert all(abs(count / 400 - 0.95) < 0.033 for count in held.values()), held


def test_ordinal__standard_error__is_that_of_the_jackknife() -> None:
    """The distances follow from the ratings, so without its own part the linear one would be another number."""
    rows = drawn(11, items=300)
    without = [
        value(krippendorff_alpha(np.delete(rows, place, axis=0), range(6), level="ordinal")) for place in range(300)
    ]
    jackknifed = math.sqrt(299 / 300 * np.square(np.array(without) - np.mean(without)).sum())
    assert krippendorff_alpha(rows, range(6), level="ordinal").se == pytest.approx(jackknifed, rel=0.02)


def test_weighted_kappa__standard_error__is_that_of_the_jackknife() -> None:
    rows = drawn(12, items=300)
    without = [value(weighted_kappa(np.delete(rows, place, axis=0), range(6))) for place in range(300)]
    jackknifed = math.sqrt(299 / 300 * np.square(np.array(without) - np.mean(without)).sum())
    assert weighted_kappa(rows, range(6)).se == pytest.approx(jackknifed, rel=0.02)


def test_weighted_kappa__three_raters__mean_of_the_pairs() -> None:
    rows = [(0, 1, 0), (5, 4, 5), (3, 3, 2), (2, 2, 4), (1, 0, 1), (4, 5, 3)]
    columns = list(zip(*rows, strict=True))
    pairs = [list(zip(a, b, strict=True)) for a, b in itertools.combinations(columns, 2)]
    each = [value(cohen_kappa(pair, range(6), "quadratic")) for pair in pairs]
    assert value(weighted_kappa(rows, range(6))) == pytest.approx(sum(each) / 3)


def test_weighted_kappa__a_pair_without_common_items__left_out() -> None:
    rows = [(0, 1, None), (5, 5, None), (3, 2, None), (None, 4, 4), (None, 1, 1), (None, 0, 0)]
    found, first = weighted_kappa(rows, range(6), "linear"), cohen_kappa([(0, 1), (5, 5), (3, 2)], range(6), "linear")
    assert value(found) == pytest.approx((value(first) + 1.0) / 2)
    assert (found.n_items, found.n_raters) == (6, 3)


def test_conger__two_raters__is_cohens() -> None:
    for table in TWO:
        assert value(conger_kappa(TABLES[table])) == pytest.approx(value(cohen_kappa(TABLES[table])), abs=1e-12)
        assert conger_kappa(TABLES[table]).se == pytest.approx(cohen_kappa(TABLES[table]).se, abs=1e-12)


def test_weights__levels_that_nobody_used__weigh_as_on_the_whole_scale() -> None:
    rows = [(0, 1), (1, 1), (4, 4), (4, 0), (1, 0), (0, 0)]
    assert value(cohen_kappa(rows, range(6), "linear")) == pytest.approx(value(cohen_kappa(rows, range(5), "linear")))
    assert value(cohen_kappa(rows, range(6), "linear")) != value(cohen_kappa(rows, weights="linear"))


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, gwet_ac, conger_kappa, brennan_prediger, scott_pi])
def test_weights__matrix_of_agreement_or_of_disagreement__the_same(coefficient: Any) -> None:
    rows, agreed = TABLES["cohen-1968"], 1 - np.array(of.COHEN_1968_APART) / 6
    assert coefficient(rows, weights=agreed) == coefficient(rows, weights=of.COHEN_1968_APART)
    identity = coefficient(rows, weights=np.eye(3))
    assert figures(identity) == pytest.approx(figures(coefficient(rows)), abs=1e-12)


def test_cohen__uneven_weights__rows_are_the_first_rater() -> None:
    """A yes for a no is worse than a no for a yes."""
    rows = TABLES["cohen-1960"]
    there, back = (
        cohen_kappa(rows, weights=[[0, 3], [1, 0]]),
        cohen_kappa([(b, a) for a, b in rows], weights=[[0, 1], [3, 0]]),
    )
    assert figures(there) == pytest.approx(figures(back))
    assert value(there) != pytest.approx(value(cohen_kappa(rows, weights=[[0, 1], [3, 0]])))


@pytest.mark.parametrize(
    "rows",
    [np.array([[1, 2], [2, 2], [1, 1]]), [[1.0, 2.0], [2.0, 2.0], [1.0, 1.0]], [["1", "2"], ["2", "2"], ["1", "1"]],
     [[(1,), (2,)], [(2,), (2,)], [(1,), (1,)]], np.array([["a", None], ["b", "b"], ["a", "a"], ["a", "b"]], dtype=object)],
    ids=["integers", "floats", "words", "tuples", "objects"],
)  # fmt: skip
def test_ratings__of_any_kind__are_read(rows: Any) -> None:
    assert percent_agreement(rows).n_items == 3
    assert 0 < value(percent_agreement(rows)) <= 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bad.fleiss_kappa([(1, 2), (1,)]), "a place for every rater"),
        (lambda: bad.fleiss_kappa([1, 2, 3]), "list of lists"),
        (lambda: bad.fleiss_kappa(np.zeros((2, 2, 2))), "two axes"),
        (lambda: bad.fleiss_kappa([(1, 7), (1, 1)], range(6)), "7 is not one of the categories"),
        (lambda: bad.fleiss_kappa([("a", "b"), ("a", "c")], ["a", "b"]), "'c' is not one of the categories"),
        (lambda: bad.fleiss_kappa([(1, 2)], [1, 1, 2]), "twice"),
        (lambda: bad.fleiss_kappa([(1, 2)], [1, 2, None]), "gap"),
        (lambda: bad.fleiss_kappa([(1, 2)], []), "at least one"),
        (lambda: bad.fleiss_kappa([([1], [2])]), "hashable"),
        (lambda: bad.fleiss_kappa([(0, 1)], range(6), "cubic"), "no weights called"),
        (lambda: bad.fleiss_kappa([(0, 1)], range(6), [[0, 1], [1, 0]]), "6 x 6"),
        (lambda: bad.fleiss_kappa([(0, 1)], range(2), [[0, -1], [1, 0]]), "diagonal"),
        (lambda: bad.fleiss_kappa([(0, 1)], range(2), [[0, math.nan], [1, 0]]), "finite"),
        (lambda: bad.fleiss_kappa([(0, 1)], range(2), [["a", "b"], [1, 0]]), "matrix of numbers"),
        (lambda: bad.cohen_kappa([(0, 1, 1)] * 3), "two raters"),
        (lambda: bad.scott_pi([(0, 1, 1)] * 3), "two raters"),
        (lambda: bad.krippendorff_alpha([(0, 1)], level="cubic"), "no level called"),
        (lambda: bad.krippendorff_alpha([(0, 1)], weights="linear", level="ordinal"), "not both"),
        (lambda: bad.krippendorff_alpha([("a", "b")], level="interval"), "needs numbers"),
        (lambda: bad.krippendorff_alpha([(-1, 1)], level="ratio"), "below zero"),
        (lambda: bad.icc([(0, 1)], form="ICC(4,1)"), "no form called"),
        (lambda: bad.icc([("a", "b")]), "needs numbers"),
        (lambda: bad.icc([(0, math.inf)] * 3), "finite"),
        (lambda: bad.icc([(0, 1)], weights="linear"), "no weights"),
    ],
)  # fmt: skip
def test_any__what_is_no_table_of_ratings__is_a_value_error_that_says_so(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_interval_level__a_million_different_values__needs_no_table_of_them() -> None:
    generator = np.random.default_rng(4)
    truth = generator.normal(size=(20_000, 1))
    rows = truth + generator.normal(scale=0.5, size=(20_000, 3))
    found = krippendorff_alpha(rows, level="interval")
    assert value(found) == pytest.approx(value(icc(rows, form="ICC(1,1)")), abs=1e-3)
    assert value(found) == pytest.approx(1 / 1.25, abs=0.01)


def test_public_names__those_of_the_guide__are_there() -> None:
    names = "percent_agreement cohen_kappa fleiss_kappa conger_kappa scott_pi brennan_prediger krippendorff_alpha gwet_ac icc"
    assert all(callable(getattr(agreement, name)) for name in names.split())
    assert figures(percent_agreement([(1, 1), (1, 2), (2, 2)], categories=None, weights=None))[4:] == [3, 2]
