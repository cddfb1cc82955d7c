"""ROUGE-L against the figures of its paper, languages without spaces, and intervals."""

import math

import pytest

from workers import scores
from workers.scores import Scored, longest_common, rouge_l, summary, units


def test_rouge_l__example_of_the_paper__same_figures() -> None:
    """Lin 2004, section 3.1: S1 "police killed the gunman"; S2 shares "police the gunman" (3 of 4), S3 "the gunman" (2 of 4)."""
    assert rouge_l("police kill the gunman", "police killed the gunman") == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The ferry leaves at 9.", "the FERRY leaves, at 9", 1.0),
        ("", "words", 0.0),
        ("words", "", 0.0),
        ("", "", 0.0),
        ("a b c", "x y z", 0.0),
        ("a b", "a b c d", 2 * 1.0 * 0.5 / 1.5),
        ("您的订单在路上", "您的订单已在路上", 2 * 7 / 15),
        ("订单 42 在路上。", "订单42在路上", 1.0),
        ("Übergröße", "übergröße", 1.0),
        ("สวัสดี", "สวัสดี", 1.0),
    ],
)
def test_rouge_l__answer_and_reference__f1(answer: str, reference: str, expected: float) -> None:
    assert rouge_l(answer, reference) == pytest.approx(expected)


def test_units__mixed_scripts__words_and_characters() -> None:
    assert units("退款 refund 3 天 (PayPal)!") == ["退", "款", "refund", "3", "天", "paypal"]


def test_longest_common__against_all_subsequences__same_length() -> None:
    first, second = "xaxbycz", "abcyz"

    def subsequences(text: str) -> set[str]:
        found = {""}
        for letter in text:
            found |= {kept + letter for kept in found}
        return found

    assert longest_common(first, second) == max(map(len, subsequences(first) & subsequences(second)))


def test_exact__white_space__does_not_count() -> None:
    assert scores.is_exact(" It is\n on its way. ", "It is on its way.")
    assert not scores.is_exact("it is on its way.", "It is on its way.")


def test_summary__known_rows__figures_and_difference() -> None:
    tuned = [Scored(2.0, 4, 0.5, True), Scored(6.0, 4, 1.0, False)]
    base = [Scored(8.0, 4, 0.0, False), Scored(8.0, 4, 0.5, False)]
    found = summary(tuned, base)
    assert found["tuned"]["loss"]["value"] == pytest.approx(8 / 8)
    assert found["base"]["perplexity"]["value"] == pytest.approx(math.exp(2))
    assert found["difference"]["loss"]["value"] == pytest.approx(-1.0)
    assert found["difference"]["rouge_l"] == pytest.approx({"value": 0.5, "low": 0.5, "high": 0.5})
    assert found["tuned"]["exact_match"]["value"] == 0.5
    assert (found["rows"], found["tokens"]) == (2, 8)
    assert found == summary(tuned, base)


def test_summary__intervals__hold_the_value_and_narrow_with_rows() -> None:
    rows = [Scored(float(n % 5), 2, (n % 7) / 6, n % 2 == 0) for n in range(400)]
    few, many = summary(rows[:20], rows[:20])["tuned"], summary(rows, rows)["tuned"]
    for name in ("loss", "perplexity", "rouge_l", "exact_match"):
        assert many[name]["low"] < many[name]["value"] < many[name]["high"]
        assert many[name]["high"] - many[name]["low"] < few[name]["high"] - few[name]["low"]
